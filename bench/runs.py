"""Whole programs: from the start of a process to the first step and to trained weights, and how much
training a stated quality takes."""

import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import servers
from machine import ROOT
from servers import Unavailable
from tables import table

STARTS = 5
# Of wrong digits the share, by --classifier, and the Fréchet distance by --judge, from the training
# images.
GOOD_S1, GOOD_FID_C = 0.01, 20


def start_up(config, device, precision, bench):
    """From the start of the process to the end of its first step; medians of seconds by part."""
    starts = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        server = servers.numeral(
            bench.build, config, device, precision, bench.threads,
            options=["--data-dir", bench.data, "--warm-up", 1],
        )  # fmt: skip
        try:
            server.wait()
            whole = time.perf_counter() - begin
        finally:
            server.close()
        parts = server.about["seconds"]
        starts.append({**parts, "whole": whole, "beyond_data": whole - parts["data"]})
    return {name: round(statistics.median(s[name] for s in starts), 4) for name in starts[0]}


def train(config, device, precision, bench, options=()):
    """Seconds of a whole `trainer`, weights, pictures and report included; its metrics.jsonl."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [
            bench.build / "trainer", config, "--device", device, "--data-dir", bench.data,
            "--run-dir", run, "--set", f'/precision="{precision}"', "--quiet", *options,
        ]  # fmt: skip
        if bench.epochs:
            command += ["--epochs", bench.epochs]
        begin = time.perf_counter()
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True,
            timeout=max(bench.left_s(), 1), env=servers.environment(bench.threads), cwd=ROOT,
        )  # fmt: skip
        seconds = time.perf_counter() - begin
        if done.returncode or not list(run.glob("*.bin")):
            raise Unavailable((done.stderr.strip().splitlines() or ["no weights"])[-1])
        lines = (run / "metrics.jsonl").read_text().splitlines()
    return round(seconds, 3), [json.loads(line) for line in lines]


def quality(config, device, precision, bench):
    """The first epoch that is good enough, with the seconds of training up to it, those of judging
    left out; the last one's figures where none is. Raises Unavailable where nobody can tell."""
    for path in (bench.classifier, bench.judge):
        if not path.is_file():
            raise Unavailable(f"needs {path}, as README.md trains it")
    options = ["--classifier", bench.classifier, "--judge", bench.judge]
    lines = [line for line in train(config, device, precision, bench, options)[1] if "s1" in line]
    if not lines:
        raise Unavailable("its digits are nobody's choice, so none of them is wrong")
    good = [line for line in lines if line["s1"] <= GOOD_S1 and line["fid_c"] <= GOOD_FID_C]
    line = good[0] if good else lines[-1]
    return {"reached": bool(good), **{key: line[key] for key in ("epoch", "seconds", "s1", "fid_c")}}


def measure(config, device, precision, bench):
    row = {"config": config.stem, "precision": precision, "epochs": bench.epochs or "all"}
    row["start_up_seconds"] = start_up(config, device, precision, bench)
    try:
        row["training_seconds"] = train(config, device, precision, bench)[0]
    except subprocess.TimeoutExpired:
        row["not_trained"] = "no time left"
    try:
        row["quality"] = quality(config, device, precision, bench)
    except subprocess.TimeoutExpired:
        row["no_quality"] = "no time left"
    except Unavailable as reason:
        row["no_quality"] = str(reason)
    return row


def quality_text(row):
    if "quality" not in row:
        return f"- ({row['no_quality']})"
    found = row["quality"]
    figures = f"S1 {found['s1']:.2%}, FID-C {found['fid_c']:.1f}"
    if found["reached"]:
        return f"{found['seconds']:.1f}, epoch {found['epoch']}: {figures}"
    return f"not reached; after epoch {found['epoch']}: {figures}"


def run_table(result):
    header = [
        "config", "precision", "first step after s", "without the data", "data", "engine",
        "plan and upload", "first step", "epochs", "trained after s",
        f"training s to S1 <= {GOOD_S1:.0%} and FID-C <= {GOOD_FID_C}",
    ]  # fmt: skip
    rows = []
    for row in result["runs"]:
        seconds = row["start_up_seconds"]
        names = ("whole", "beyond_data", "data", "engine", "compile", "first_step")
        parts = [f"{seconds[name]:.3f}" for name in names]
        trained = row.get("training_seconds", row.get("not_trained"))
        cells = [row["config"], row["precision"], *parts, row["epochs"], trained]
        rows.append([*cells, quality_text(row)])
    return table(header, rows)
