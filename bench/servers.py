"""Programs that stay loaded and answer a line with a JSON object: Numeral's bench_train_step and
PyTorch's peers/train_step.py, which take turns."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

from machine import ROOT

PEER = ROOT / "bench/peers/train_step.py"


class Unavailable(Exception):
    """A program that does not start here, with its last words."""


def environment(threads):
    return {**os.environ, "OMP_NUM_THREADS": str(threads)}


class Server:
    """Loading when made; `wait` until it is ready before anything else."""

    def __init__(self, command, threads):
        self.command, self.times = [str(word) for word in command], []
        self.errors = tempfile.TemporaryFile("w+")  # a pipe that nobody reads would fill up
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            text=True, env=environment(threads),
        )  # fmt: skip

    def wait(self):
        self.about = self._read()
        return self

    def _read(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        status = self.process.wait()
        self.errors.seek(0)
        words = self.errors.read().strip().splitlines()
        self.close()
        raise Unavailable(words[-1] if words else f"exit status {status}")

    def ask(self, request):
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # what it said before is what matters
        answer = self._read()
        if "error" in answer:
            raise Unavailable(answer["error"])
        return answer

    def run(self, chunks, steps):
        """Adds the milliseconds per step of each chunk to `times`."""
        self.times += self.ask(f"run {chunks} {steps}")["ms"]

    def close(self):
        self.process.terminate()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            stream.close()


def numeral(build, config, device, precision, threads, options=()):
    command = [
        build / "bench_train_step", config, "--device", device, "--set",
        f"/precision={json.dumps(precision)}", *options,
    ]  # fmt: skip
    return Server(command, threads)


def peer(config, device, precision, threads, options=(), python=sys.executable):
    command = [
        python, PEER, config, "--serve", "--device", device, "--precision", precision,
        "--threads", threads, *options,
    ]  # fmt: skip
    return Server(command, threads)


def has_convolutions(config):
    return any(
        "conv" in layer["type"]
        for network in config["networks"].values()
        for layer in network["layers"]
    )


def peer_modes(device, config, few=False):
    """{name: options}: every way of running a config's step that PyTorch has and that may be the
    fastest; or a few, of which one probably is."""
    convolutions = has_convolutions(config)
    layouts = {"channels last": ["--channels-last"]} if convolutions else {}
    if not (few and convolutions):
        layouts = {"": [], **layouts}
    runs = {"eager": []} if few else {"eager": [], "compiled": ["--compile"]}
    if device == "cuda":
        runs["graph"] = ["--graph"]
    if device == "cuda" and not few:
        runs["compiled graph"] = ["--compile", "--graph"]
    modes = {
        ", ".join(filter(None, (run, layout))): [*runs[run], *layouts[layout]]
        for run in runs
        for layout in layouts
    }
    if device == "cpu" and "generator" in config["networks"]:
        modes["eager, apart"] = ["--apart"]
    return modes


def summary(times):
    ordered = sorted(times)
    return {
        "median_ms": round(statistics.median(ordered), 4),
        "p10_ms": round(ordered[len(ordered) // 10], 4),
        "p90_ms": round(ordered[len(ordered) * 9 // 10], 4),
        "chunks": len(ordered),
    }


def take_turns(servers, rounds, seconds, chunk_ms):
    """Every server runs a few chunks in turn, round after round, so that a busy moment of the
    machine hits all of them. `seconds` is one's share; a chunk lasts `chunk_ms`, or one step."""
    plans = []
    for server in servers:
        server.run(1, 1)
        if server.times[-1] < 1000:
            server.run(1, 4)
        step_ms = max(server.times[-1], 1e-3)
        server.times.clear()
        steps = max(1, round(chunk_ms / step_ms))
        chunks = max(2, round(seconds * 1e3 / rounds / (steps * step_ms)))
        plans.append((server, chunks, steps))
    for _ in range(rounds):
        for server, chunks, steps in plans:
            server.run(chunks, steps)
