"""Whole programs: from the start of a process to trained weights, and to the first step."""

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


def train(config, device, precision, bench):
    """Seconds of a whole `trainer`, weights, pictures and report included."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            bench.build / "trainer", config, "--device", device, "--data-dir", bench.data,
            "--run-dir", Path(folder) / "run", "--set", f'/precision="{precision}"', "--quiet",
        ]  # fmt: skip
        if bench.epochs:
            command += ["--epochs", bench.epochs]
        begin = time.perf_counter()
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True,
            timeout=max(bench.left_s(), 1), env=servers.environment(bench.threads), cwd=ROOT,
        )  # fmt: skip
        seconds = time.perf_counter() - begin
        weights = list(Path(folder, "run").glob("*.bin"))
    if done.returncode or not weights:
        raise Unavailable((done.stderr.strip().splitlines() or ["no weights"])[-1])
    return round(seconds, 3)


def measure(config, device, precision, bench):
    row = {"config": config.stem, "precision": precision, "epochs": bench.epochs or "all"}
    row["start_up_seconds"] = start_up(config, device, precision, bench)
    try:
        row["training_seconds"] = train(config, device, precision, bench)
    except subprocess.TimeoutExpired:
        row["not_trained"] = "no time left"
    return row


def run_table(result):
    header = [
        "config", "precision", "first step after s", "without the data", "data", "engine",
        "plan and upload", "first step", "epochs", "trained after s",
    ]  # fmt: skip
    rows = []
    for row in result["runs"]:
        seconds = row["start_up_seconds"]
        names = ("whole", "beyond_data", "data", "engine", "compile", "first_step")
        parts = [f"{seconds[name]:.3f}" for name in names]
        trained = row.get("training_seconds", row.get("not_trained"))
        rows.append([row["config"], row["precision"], *parts, row["epochs"], trained])
    return table(header, rows)
