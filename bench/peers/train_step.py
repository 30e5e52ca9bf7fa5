#!/usr/bin/python3
"""Times one config's training steps in PyTorch on the CPU.

    train_step.py CONFIG --batch 64 --threads 2 --warmup 3 --steps 20

A step is the whole adversarial step that the config describes. The data set is in memory as floats;
latents, digits and dropout come from torch's generator, real and fake images go through D as one
batch where D allows it, Adam updates all tensors of a network at once. Prints one JSON object.

With --serve it prints {"ready": ...}, then answers each line "run K" on standard input with one
JSON object for K steps, until the end of input: a benchmark can so alternate between programs.

With --check it draws what Numeral draws, optionally starts from weights files, and prints each
step's losses instead of times.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch

import numeral_config
from numeral_torch import load_weights, make_networks
from numeral_training import PhiloxSource, TorchSource, Trainer, read_idx, select, synthetic_data


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--batch", type=int, help="instead of the config's batch_size")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warmup", type=int, default=3, help="steps before the timed ones")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true", help="torch.compile, from torch 2.0 on")
    parser.add_argument("--apart", action="store_true", help="real and fake images in two batches")
    parser.add_argument("--data", help="folder of IDX files; without it, a synthetic set")
    parser.add_argument("--images", type=int, default=4096, help="size of the synthetic set")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--serve", action="store_true")
    mode.add_argument("--check", action="store_true")
    parser.add_argument("--generator", help="weights to start from")
    parser.add_argument("--discriminator", help="weights to start from")
    args = parser.parse_args()
    if args.compile and not hasattr(torch, "compile"):
        parser.error(f"torch {torch.__version__} has no torch.compile")
    return args


def load_config(args):
    config = numeral_config.load(args.config)
    if alone := numeral_config.trained_alone(config):
        sys.exit(f"train_step.py: {config['name']} trains a {alone}, this times GANs")
    training = config["training"]
    if args.batch:
        if training["generator_batch_size"]:
            scaled = training["generator_batch_size"] * args.batch // training["batch_size"]
            training["generator_batch_size"] = max(scaled, 1)
        training["batch_size"] = args.batch
        training["steps_per_epoch"] = 0
    if not args.check:
        config["data"]["last_batch"] = "drop"  # every timed step is of the same size
    return config


def load_images(args, config):
    data = config["data"]
    if args.data:
        return select(config, *read_idx(args.data, data["split"], data["dataset"]))
    return synthetic_data(args.images, data["digits"] or range(10))


def make_trainer(args, config):
    networks = make_networks(config)
    for network, path in zip(networks, (args.generator, args.discriminator)):
        if path:
            load_weights(network, path)
        if args.channels_last:
            network.to(memory_format=torch.channels_last)
    source = (PhiloxSource if args.check else TorchSource)(config, *load_images(args, config))
    if args.channels_last:
        source.images = source.images.to(memory_format=torch.channels_last)
    wrap = torch.compile if args.compile else lambda network: network
    return Trainer(config, source, not (args.apart or args.check), networks, wrap)


class Runner:
    """Counts steps and times them."""

    def __init__(self, trainer):
        self.trainer, self.next_step = trainer, 0

    def run(self, steps):
        """Milliseconds of each step."""
        times = []
        for _ in range(steps):
            begin = time.perf_counter()
            self.losses = self.trainer.step(self.next_step)
            times.append((time.perf_counter() - begin) * 1e3)
            self.next_step += 1
        return times


def check(trainer, steps):
    d_losses, g_losses = [], []
    for step in range(steps):
        d_loss, g_loss = trainer.step(step)
        d_losses.append(d_loss.item())
        g_losses.append(None if g_loss is None else g_loss.item())
    return {"d_loss": d_losses, "g_loss": g_losses}


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


def reply(value):
    print(json.dumps(value), flush=True)


def serve(runner, about):
    reply({"ready": True, **about})
    for line in sys.stdin:
        words = line.split()
        if len(words) != 2 or words[0] != "run" or not words[1].isdigit():
            reply({"error": f"expected 'run K', got {line.strip()!r}"})
            continue
        reply({"step_ms": [round(t, 4) for t in runner.run(int(words[1]))]})


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    config = load_config(args)
    trainer = make_trainer(args, config)
    about = {
        "program": "pytorch",
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "config": config["name"],
        "batch": config["training"]["batch_size"],
        "threads": torch.get_num_threads(),
        "channels_last": args.channels_last,
        "compile": args.compile,
        "joined": trainer.join,
        "blas": loaded_blas(),
    }
    warn_about_blas(about["blas"])
    if args.check:
        return reply({**about, **check(trainer, args.steps)})
    runner = Runner(trainer)
    runner.run(args.warmup)
    if args.serve:
        return serve(runner, about)
    times = runner.run(args.steps)
    d_loss, g_loss = (None if loss is None else loss.item() for loss in runner.losses)
    return reply(
        {
            **about,
            "median_ms": round(statistics.median(times), 4),
            "step_ms": [round(t, 4) for t in times],
            "d_loss": d_loss,
            "g_loss": g_loss,
        }
    )


if __name__ == "__main__":
    main()
