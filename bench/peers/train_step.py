#!/usr/bin/python3
"""Times one config's training steps in PyTorch, as bench_train_step does Numeral's.

    train_step.py CONFIG --device cuda --precision bf16 --graph --steps 200
    train_step.py CONFIG --serve

A step is the whole step that the config describes. The data set is in the device's memory as
floats; latents, digits and dropout come from torch's generator, real and fake images go through D
as one batch where D allows it, Adam updates all tensors of a network at once. Prints one JSON
object.

The first steps, in every mode, draw what Numeral draws from the weights that Numeral starts with;
their losses are printed, so that whoever compares times can see that the same is computed. They
come before a graph is captured or a network compiled.

With --serve it prints what it is when it is ready, then answers each line "run K [C]" on standard
input with one JSON object, the milliseconds per step of K chunks of C steps, until the end of
input: a benchmark can so alternate between programs.
"""

import argparse
import json
import re
import statistics
import sys
import time
from pathlib import Path

import torch

import numeral_config
import step_modes
from numeral_data import read_idx, select, synthetic_data, synthetic_pairs
from numeral_sources import PairSource, PhiloxSource, TorchPairSource, TorchSource
from numeral_torch import load_weights, make_networks
from numeral_training import ClassifierTrainer, LatentPredictorTrainer, Trainer

LOSSES = {None: ("d_loss", "g_loss"), "classifier": ("loss",), "latent_predictor": ("loss",)}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=step_modes.PRECISIONS, default="fp32")
    parser.add_argument("--batch", type=int, help="instead of the config's batch_size")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--check", type=int, default=2, help="first steps, with Numeral's draws")
    parser.add_argument("--warmup", type=int, default=3, help="steps before the timed ones")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true", help="torch.compile, from torch 2.0 on")
    parser.add_argument("--graph", action="store_true", help="whole steps as CUDA graphs")
    parser.add_argument("--apart", action="store_true", help="real and fake images in two batches")
    parser.add_argument("--data", help="folder of IDX files; without it, a synthetic set")
    parser.add_argument("--images", type=int, default=4096, help="size of the synthetic set")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--generator", help="weights to start from")
    parser.add_argument("--discriminator", help="weights to start from")
    args = parser.parse_args()
    if reason := step_modes.missing(args.device, args.compile, args.graph, args.precision):
        parser.error(reason)
    return args


def load_config(args):
    config = numeral_config.load(args.config)
    training = config["training"]
    if args.batch:
        if training.get("generator_batch_size"):
            scaled = training["generator_batch_size"] * args.batch // training["batch_size"]
            training["generator_batch_size"] = max(scaled, 1)
        training["batch_size"] = args.batch
    # Every timed step is of the same size; bench/step_runner.cpp does the same to the config.
    config["data"]["last_batch"], training["steps_per_epoch"] = "drop", 0
    return config


def load_data(args, config):
    data, alone = config["data"], numeral_config.trained_alone(config)
    if alone == "latent_predictor":
        return synthetic_pairs(args.images, config["networks"][alone]["layers"][-1]["units"])
    if args.data:
        return select(config, *read_idx(args.data, data["split"], data["dataset"]))
    return synthetic_data(args.images, data["digits"] or range(10))


def make_trainer(args, config):
    """A trainer with Numeral's draws, and the source with torch's."""
    alone, networks = numeral_config.trained_alone(config), make_networks(config)
    for network, path in zip(networks, (args.generator, args.discriminator)):
        if path:
            load_weights(network, path)
        if args.channels_last:
            network.to(memory_format=torch.channels_last)
    kinds = (PhiloxSource, TorchSource)
    if alone == "latent_predictor":
        kinds = (PairSource, TorchPairSource)
    data = load_data(args, config)
    sources = [kind(config, *data, device=args.device) for kind in kinds]
    if args.channels_last and alone != "latent_predictor":
        for source in sources:
            source.images = source.images.to(memory_format=torch.channels_last)
    options = {"networks": networks, "capturable": args.graph}
    if alone is None:
        return Trainer(config, sources[0], not args.apart, **options), sources[1]
    single = ClassifierTrainer if alone == "classifier" else LatentPredictorTrainer
    return single(config, sources[0], **options), sources[1]


def check(trainer, names, steps):
    """The losses of the first steps, by Numeral's names."""
    rows = []
    for step in range(steps):
        losses = zip(names, trainer.step(step))
        rows.append({name: loss.item() for name, loss in losses if loss is not None})
    return rows


class Runner:
    """Counts steps and times them."""

    def __init__(self, step, device, first):
        self.step, self.device, self.next_step = step, device, first

    def run(self, chunks, steps=1):
        """Milliseconds per step of each chunk; the host waits for the device only after one."""
        times = []
        step_modes.synchronise(self.device)
        for _ in range(chunks):
            begin = time.perf_counter()
            for _ in range(steps):
                self.losses = self.step(self.next_step)
                self.next_step += 1
            step_modes.synchronise(self.device)
            times.append((time.perf_counter() - begin) * 1e3 / steps)
        return times


def make_runner(args, trainer, source):
    """What is timed: the trainer on torch's own draws, in the mode asked for."""
    trainer.source = source
    for network in trainer.networks.values():
        network.set_dropout(None)
    if args.compile:
        step_modes.wrap(trainer, args.device, args.precision, compiled=True)
    step = step_modes.CapturedStep(trainer).step if args.graph else step_modes.plain_step(trainer)
    return Runner(step, args.device, args.check)


def loaded_blas():
    """The library that torch's matrix products come from, or None where it is built in."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return None
    found = {line.split()[-1] for line in maps.read_text().splitlines() if "blas" in line}
    names = sorted(str(Path(path).resolve()) for path in found)
    if any("/blas/libblas.so" in name for name in names):
        return "netlib"
    return names[-1] if names else None


def warn_about_blas(blas):
    if blas == "netlib":
        print(
            "train_step.py: torch runs on the netlib reference BLAS, several times slower than "
            "OpenBLAS (README.md says how to give it one)",
            file=sys.stderr,
        )


def describe(args, config, trainer):
    on_gpu = args.device == "cuda"
    return {
        "program": "pytorch",
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "config": config["name"],
        "precision": args.precision,
        "batch": config["training"]["batch_size"],
        "threads": torch.get_num_threads(),
        "channels_last": args.channels_last,
        "compile": args.compile,
        "graph": args.graph,
        "joined": getattr(trainer, "join", False),
        "blas": None if on_gpu else loaded_blas(),
    }


def reply(value):
    print(json.dumps(value), flush=True)


def serve(runner, about):
    reply({"ready": True, **about})
    for line in sys.stdin:
        asked = re.fullmatch(r"run ([1-9]\d{0,8})(?: ([1-9]\d{0,8}))?", line.strip())
        if not asked:
            reply({"error": f"expected 'run K [C]', got {line.strip()!r}"})
            continue
        times = runner.run(*(int(number) for number in asked.groups(default=1)))
        reply({"ms": [round(t, 5) for t in times]})


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    step_modes.set_precision(args.precision)
    config = load_config(args)
    trainer, source = make_trainer(args, config)
    step_modes.wrap(trainer, args.device, args.precision)
    names = LOSSES[numeral_config.trained_alone(config)]
    about = describe(args, config, trainer)
    about["losses"] = check(trainer, names, args.check)
    warn_about_blas(about["blas"])
    runner = make_runner(args, trainer, source)
    runner.run(args.warmup)
    if args.serve:
        return serve(runner, about)
    times = runner.run(args.steps)
    return reply({**about, "median_ms": round(statistics.median(times), 4), "ms": times})


if __name__ == "__main__":
    main()
