#!/usr/bin/python3
"""The bench of the whole project; tools/bench.sh calls this.

Every program stays loaded and takes its turn, round after round, so that a busy moment of the
machine hits all of them; the figures are medians. PyTorch runs in each of its modes and the fastest
counts, if its first losses are Numeral's. What the machine reaches at most is measured in the same
run.

Writes bench_<machine>_<date>.json and .md into bench/results. Build first; PyTorch is optional
(bench/peers/README.md). Exit status: 0 done, 1 something could not be measured, 2 bad input.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import growth
import kernels
import machine
import runs
import steps
from servers import Unavailable
from tables import step_table

CONFIGS = ("dcgan", "gan_mlp", "cgan_filterselect")
ENGINES = ("cpu", "cuda")
PRECISIONS = ("fp32", "tf32", "bf16")
# By level: the name in the result, the default configs, what measures one, a table of all.
LEVELS = {
    "kernel": ("kernels", CONFIGS, kernels.measure, kernels.kernel_table),
    "step": ("steps", CONFIGS, steps.measure, step_table),
    "run": ("runs", ("quickstart",), runs.measure, runs.run_table),
}


def refuse(text):
    print(f"bench.sh: {text}", file=sys.stderr)
    sys.exit(2)


class Bench:
    """What every level needs to know."""

    def __init__(self, args):
        self.engine, self.build, self.threads = args.engine, args.build, args.threads
        self.rounds, self.seconds, self.peers = args.rounds, args.seconds, not args.no_peers
        self.configs, self.precisions = args.config, args.precision
        self.data, self.epochs = args.data, args.epochs
        self.classifier, self.judge = args.classifier, args.judge
        self.few_modes, self.ceilings = args.few_modes, {}
        self.end = time.monotonic() + args.minutes * 60

    def left_s(self):
        return self.end - time.monotonic()

    @staticmethod
    def say(text):
        print(text, file=sys.stderr, flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=ENGINES, default="cpu")
    parser.add_argument("--config", action="append", help="name, file, or all; repeatable")
    parser.add_argument(
        "--level", action="append", choices=[*LEVELS, "growth"], help="repeatable; default: all"
    )
    parser.add_argument(
        "--precision", action="append", choices=PRECISIONS, help="repeatable; default: all it has"
    )
    parser.add_argument("--build", type=Path, default=machine.ROOT / "build")
    parser.add_argument("--data", type=Path, help="folder of MNIST (default: $NUMERAL_DATA, data)")
    parser.add_argument("--epochs", type=int, help="of whole trainings, instead of the config's")
    runs_folder = machine.ROOT / "runs"
    parser.add_argument(
        "--classifier", type=Path, default=runs_folder / "classifier_cnn/c.bin",
        help="what level run judges whole trainings by: c.bin, of runs/classifier_cnn",
    )  # fmt: skip
    parser.add_argument(
        "--judge", type=Path, default=runs_folder / "classifier_judge/c.bin",
        help="whose features it compares: c.bin, of runs/classifier_judge",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=machine.ROOT / "bench/results")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="on the CPU")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6, help="of each program, per config")
    parser.add_argument("--minutes", type=float, default=120, help="nothing is begun after them")
    parser.add_argument("--no-peers", action="store_true", help="Numeral alone")
    parser.add_argument("--few-modes", action="store_true", help="not every one of PyTorch's")
    args = parser.parse_args()
    for name in ("threads", "rounds", "seconds", "minutes"):
        if not getattr(args, name) > 0:
            refuse(f"--{name}: give a positive number")
    if args.epochs is not None and args.epochs < 1:
        refuse("--epochs: give a positive number")
    args.config = [path for name in args.config or () for path in find_configs(name)]
    args.level = args.level or [*LEVELS, "growth"]
    args.data = args.data or Path(os.environ.get("NUMERAL_DATA") or machine.ROOT / "data")
    if args.engine == "cuda" and machine.gpu() is None:
        refuse("--engine cuda: nvidia-smi shows no GPU on this machine")
    args.build, args.data = args.build.resolve(), args.data.resolve()
    if not (args.build / "bench_train_step").exists():
        refuse(f"{args.build} has no bench_train_step: build first")
    return args


def find_configs(name):
    folder = machine.ROOT / "configs"
    if name == "all":
        return sorted(folder.glob("*.json"))
    for path in (folder / f"{name}.json", Path(name)):
        if path.is_file():
            return [path]
    refuse(f"--config {name}: no such file, and none of that name in configs/")


def default_configs(names):
    return [path for name in names for path in find_configs(name)]


def measure_ceilings(bench):
    """Measured bytes and operations per second."""
    programs = [[bench.build / "bench_ceilings", "--device", bench.engine]]
    if bench.engine == "cuda":
        programs.append([bench.build / "bench_device_copy"])
    result = {}
    for command in programs:
        text = machine.output_of([str(word) for word in command], timeout=120)
        if text is None:
            raise Unavailable(f"{command[0].name} fails")
        result.update(json.loads(text))
    return result


def describe(bench):
    return {
        **machine.stamp(),
        "command": shlex.join(["tools/bench.sh", *sys.argv[1:]]),
        "commit": machine.commit(),
        "engine": bench.engine,
        "threads": bench.threads,
        "load_before": machine.load(),
        "machine": machine.facts(bench.build),
        "ceilings": {},
    }


def measure_level(level, bench, result, save):
    name, defaults, measure, _ = LEVELS[level]
    result[name] = []
    for config in bench.configs or default_configs(defaults):
        for precision in bench.precisions:
            what = f"{level} level of {config.stem} in {precision}"
            if bench.left_s() < 10:
                result["skipped"].append(f"{what}: no time left")
                continue
            bench.say(what)
            try:
                result[name].append(measure(config, bench.engine, precision, bench))
            except Unavailable as reason:
                result["failed"].append(f"{what}: {reason}")
            save()


def measure_growth(bench, result, picture, save):
    result["growth"] = []
    for config in bench.configs or default_configs(growth.CONFIGS):
        for precision in bench.precisions:
            for point in growth.points(config):
                what = f"{config.stem} in {precision}, batch {point[1]}, width x{point[2]:g}"
                if bench.left_s() < 10:
                    result["skipped"].append(f"{what}: no time left")
                    continue
                bench.say(what)
                row = growth.measure_point(config, point, bench.engine, precision, bench)
                result["growth"].append(row)
                save()
    if reason := growth.plot(result["growth"], picture):
        result["skipped"].append(f"{picture.name}: {reason}")
    else:
        result["growth_plot"] = picture.name


def markdown(result):
    facts, ceilings = result["machine"], result["ceilings"]
    name = facts["gpu"] if result["engine"] == "cuda" else facts["processor"]
    versions = ", ".join(f"{k} {v}" for k, v in facts.items() if k not in ("gpu", "processor"))
    lines = [
        f"# {name}, {result['engine']}, {result['date']} {result['time_utc']} UTC",
        "",
        f"`{result['command']}`, commit {result['commit']}; {versions}; "
        f"{result['threads']} threads; load before: {result['load_before']}. "
        "Medians over alternating rounds.",
    ]
    if ceilings:
        products = ", ".join(
            f"{flops / 1e9:,.0f} GFLOP/s in {precision}"
            for precision, flops in ceilings["flops_per_second"].items()
        )
        copy = f"{ceilings['bytes_per_second'] / 1e9:,.1f} GB/s"
        lines += ["", f"Measured ceilings: a copy {copy}, a product {products}."]
    for name, _, _, make_table in LEVELS.values():
        if result.get(name):
            lines += ["", f"## {name.capitalize()}", "", *make_table(result)]
    if result.get("growth"):
        lines += ["", "## Growth", "", *growth.growth_table(result)]
    if "growth_plot" in result:
        lines += ["", f"![images per second by batch size and width]({result['growth_plot']})"]
    for kind in ("failed", "skipped"):
        lines += [line for text in result[kind] for line in ("", f"{kind}: {text}")]
    return "\n".join(lines) + "\n"


def main():
    args = parse_arguments()
    bench = Bench(args)
    result = {**describe(bench), "failed": [], "skipped": []}
    facts = result["machine"]
    name = facts["gpu"] if bench.engine == "cuda" else facts["processor"]
    args.out.mkdir(parents=True, exist_ok=True)
    stem = args.out / f"bench_{machine.file_name(name)}_{result['date']}"

    def save():
        stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        stem.with_suffix(".md").write_text(markdown(result))

    try:
        bench.ceilings = result["ceilings"] = measure_ceilings(bench)
    except Unavailable as reason:
        result["failed"].append(f"ceilings: {reason}")
    # What the engine has, those are of.
    known = [p for p in PRECISIONS if p in bench.ceilings.get("flops_per_second", ("fp32",))]
    bench.precisions = bench.precisions or known
    for level in args.level:
        if level == "growth":
            measure_growth(bench, result, stem.with_name(stem.name + "_growth.svg"), save)
        else:
            measure_level(level, bench, result, save)
    save()
    print(f"{stem}.md")
    return 1 if result["failed"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, subprocess.SubprocessError) as error:
        refuse(error)
