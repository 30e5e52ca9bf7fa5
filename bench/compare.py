#!/usr/bin/python3
"""Training steps of Numeral beside the same steps in PyTorch, taking turns in one run.

    bench/compare.py [--configs dcgan gan_mlp] [--threads 2] [--rounds 5] [--seconds 6]

Every program stays loaded and runs a few steps in turn, round after round, so that a busy moment of
the machine hits all of them; the figures are medians over all steps. PyTorch runs in each of its modes
and the fastest counts. Both sides are held to the same losses by tests/golden. Writes
bench/results/<processor>_<date>.json and .md. Build first; needs python3-torch and an OpenBLAS
(bench/peers/README.md).
"""

import argparse
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEER = [sys.executable, str(ROOT / "bench/peers/train_step.py")]
MODES = {"joined": [], "apart": ["--apart"], "channels last": ["--channels-last"]}
CONVOLUTIONS = ("conv_forward", "conv_backward_data", "conv_backward_weight")


class Program:
    """A benchmark server: a line in, a JSON object out."""

    def __init__(self, command, threads):
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.about = self._read()
        self.times = []

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args} ended with status {self.process.wait()}")
        return json.loads(line)

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        return self._read()

    def run(self, steps):
        answer = self.ask(f"run {steps}")
        self.times += answer.get("ms") or answer["step_ms"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def summary(times):
    ordered = sorted(times)
    return {
        "median_ms": round(statistics.median(ordered), 3),
        "p10_ms": round(ordered[len(ordered) // 10], 3),
        "p90_ms": round(ordered[len(ordered) * 9 // 10], 3),
        "steps": len(ordered),
    }


def images_per_step(path):
    return json.loads(path.read_text())["training"]["batch_size"]


def compare(name, args):
    path = ROOT / "configs" / f"{name}.json"
    has_convolutions = any(
        "conv" in layer["type"]
        for network in json.loads(path.read_text())["networks"].values()
        for layer in network["layers"]
    )
    modes = MODES if has_convolutions else {"joined": [], "apart": ["--apart"]}
    programs = {"numeral": Program([str(ROOT / "build/bench_train_step"), str(path)], args.threads)}
    for mode, options in modes.items():
        command = PEER + [str(path), "--serve", "--threads", str(args.threads)] + options
        programs[f"pytorch {mode}"] = Program(command, args.threads)
    for program in programs.values():
        program.run(2)
        per_step = program.times[-1] / 1e3
        program.steps = max(2, round(args.seconds / args.rounds / per_step))
        program.times.clear()
    for _ in range(args.rounds):
        for program in programs.values():
            program.run(program.steps)
    profile = programs["numeral"].ask(f"profile {programs['numeral'].steps}")
    for program in programs.values():
        program.close()
    return report(name, path, programs, profile, has_convolutions)


def report(name, path, programs, profile, has_convolutions):
    results = {key: summary(program.times) for key, program in programs.items()}
    ours = results["numeral"]["median_ms"]
    best = min((k for k in results if k != "numeral"), key=lambda k: results[k]["median_ms"])
    spent = sum(profile["by_op"].values())
    row = {
        "config": name,
        "batch": images_per_step(path),
        "programs": results,
        "about": {key: program.about for key, program in programs.items()},
        "best_peer": best,
        "times_faster": round(results[best]["median_ms"] / ours, 2),
        "images_per_second": round(images_per_step(path) * 1e3 / ours, 1),
        "profile_ms": {k: round(v, 3) for k, v in sorted(profile["by_op"].items())},
    }
    if has_convolutions:
        convolutions = sum(profile["by_op"].get(op, 0) for op in CONVOLUTIONS)
        row["convolutions_share"] = round(convolutions / spent, 3)
    return row


def processor():
    text = Path("/proc/cpuinfo").read_text()
    return re.search(r"model name\s*: (.*)", text).group(1).strip()


def markdown(result):
    lines = [
        f"# Training steps, {result['processor']}, {result['threads']} threads, {result['date']}",
        "",
        f"`{result['command']}`; {result['system']}; medians over alternating rounds.",
        "",
        "| config | batch | Numeral ms | images/s | PyTorch ms (mode) | times faster "
        "| convolutions' share of the step |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        peer = row["programs"][row["best_peer"]]
        share = row.get("convolutions_share")
        lines.append(
            f"| {row['config']} | {row['batch']} | {row['programs']['numeral']['median_ms']} "
            f"| {row['images_per_second']} | {peer['median_ms']} "
            f"({row['best_peer'].removeprefix('pytorch ')}) | {row['times_faster']} "
            f"| {'-' if share is None else f'{share:.0%}'} |"
        )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configs", nargs="+", default=["dcgan", "gan_mlp"])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6, help="of each program, per config")
    args = parser.parse_args()
    date = datetime.date.today().isoformat()
    result = {
        "date": date,
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": args.threads,
        "system": platform.platform(),
        "command": "bench/compare.py " + " ".join(sys.argv[1:]),
        "rows": [compare(name, args) for name in args.configs],
    }
    folder = ROOT / "bench/results"
    folder.mkdir(exist_ok=True)
    stem = re.sub(r"[^a-z0-9]+", "_", processor().lower()).strip("_")
    (folder / f"{stem}_{date}.json").write_text(json.dumps(result, indent=1) + "\n")
    text = markdown(result)
    (folder / f"{stem}_{date}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
