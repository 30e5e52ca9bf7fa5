#!/usr/bin/python3
"""Writes one golden per config in configs/ and cases/: ten steps by PyTorch in double precision.

    tests/golden/make_goldens.py [--only NAME] [--check]

Every network is narrowed (`reduce`) and trained on a data set made from a formula; initial weights,
batches, shifts, latents, digits and dropout masks are Numeral's own draws for the config's seed, so
that a trainer given the golden's config and data has to reproduce its numbers. README.md has the
format.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "bench" / "peers"))

import numeral_config  # noqa: E402
import numeral_random  # noqa: E402
from numeral_data import (  # noqa: E402
    SYNTHETIC_FORMULA,
    SYNTHETIC_PAIRS_FORMULA,
    synthetic_data,
    synthetic_pairs,
)
from numeral_sources import PairSource, PhiloxSource  # noqa: E402
from numeral_training import ClassifierTrainer, LatentPredictorTrainer, Trainer  # noqa: E402

STEPS = 10
BATCH = 8
EPOCHS = 2
IMAGES = 44  # five batches of 8 and one of 4
SAMPLES = 16  # values kept of a tensor


# ---- narrower networks --------------------------------------------------------------------------


def narrow(width):
    """Widths above 11 (digits and "fake") become an eighth, rounded up to a multiple of 4."""
    return width if width <= 11 else 4 * -(-width // 32)


def learns_pairs(config):
    return numeral_config.trained_alone(config) == "latent_predictor"


def reduce(config):
    """A small form of a config: same layers, losses, orders and rates; see the constants above."""
    config = json.loads(json.dumps(config))
    for key in ("$schema", "output", "evaluation", "pairs"):
        config.pop(key, None)
    for network in config["networks"].values():
        numeral_config.scale_widths(network, narrow)
    training = config.setdefault("training", {})
    if not learns_pairs(config):
        config.setdefault("data", {}).pop("limit", None)
    batch = training.get("batch_size", 64)
    training["epochs"], training["batch_size"] = EPOCHS, BATCH
    if training.get("generator_batch_size"):
        training["generator_batch_size"] = max(training["generator_batch_size"] * BATCH // batch, 1)
    if training.get("steps_per_epoch"):
        training["steps_per_epoch"] = 5
    return config


# ---- goldens ------------------------------------------------------------------------------------


def number(value):
    return float(f"{float(value):.9g}")


def summary(tensor):
    """Sum, sum of sizes, and the values at i * elems / SAMPLES (all of a smaller tensor)."""
    flat = tensor.detach().double().reshape(-1)
    count = min(SAMPLES, flat.numel())
    return {
        "sum": number(flat.sum()),
        "sum_abs": number(flat.abs().sum()),
        "values": [number(flat[i * flat.numel() // count]) for i in range(count)],
    }


def summaries(tensors):
    return {name: summary(tensor) for name, tensor in tensors.items()}


def first_fakes(trainer):
    """A few draws of the first generated images."""
    source, generator = trainer.source, trainer.networks["generator"]
    fresh = trainer.training["order"] == "generator_first" and trainer.training["fakes"] == "fresh"
    latent = generator.inputs_of("latent")[0]
    values = source.latents(0, BATCH, generator.input_specs[latent], fresh)
    draws = {"latents": [number(value) for value in values[0, :4]]}
    if generator.inputs_of("digit"):
        draws["digits"] = source.digits(0, BATCH, fresh).tolist()
    return draws


def first_draws(trainer):
    """The batches, and a few draws of the first step: where does a trainer differ?"""
    source = trainer.source
    draws = {"batches": [source.batch_indices(step).tolist() for step in range(STEPS)]}
    if isinstance(source, PairSource):
        if trainer.predictor.inputs_of("time"):
            draws["times"] = [number(time) for time in source.times(0, BATCH)]
        return draws
    if source.max_shift:
        draws["shifts"] = source.shifts(0, BATCH).tolist()
    if "generator" in trainer.networks:
        draws.update(first_fakes(trainer))
    return draws


def metrics_of(config):
    """What a trainer's step returns, by the names in a golden."""
    names = {"classifier": ("loss", "accuracy"), "latent_predictor": ("loss",)}
    return names.get(numeral_config.trained_alone(config), ("d_loss", "g_loss"))


def make_trainer(resolved):
    """The trainer of a resolved config on synthetic data, and what a golden says of the data."""
    alone = numeral_config.trained_alone(resolved)
    if alone == "latent_predictor":
        size = resolved["networks"][alone]["layers"][-1]["units"]
        pairs = synthetic_pairs(IMAGES, size)
        data = {"count": IMAGES, "size": size, "formula": SYNTHETIC_PAIRS_FORMULA}
        source = PairSource(resolved, *pairs, torch.float64)
        return LatentPredictorTrainer(resolved, source), data
    digits = resolved["data"]["digits"] or list(range(10))
    source = PhiloxSource(resolved, *synthetic_data(IMAGES, digits), torch.float64)
    data = {"count": IMAGES, "digits": digits, "formula": SYNTHETIC_FORMULA}
    return (ClassifierTrainer if alone else Trainer)(resolved, source), data


def make_golden(config, name):
    """The golden of a reduced config, as the JSON's dict."""
    resolved = numeral_config.resolve(config, name)
    trainer, data = make_trainer(resolved)
    networks, metrics = trainer.networks, metrics_of(resolved)
    golden = {
        "description": "Ten steps in double precision by PyTorch; made by make_goldens.py.",
        "data": data,
        "config": config,
        "draws": first_draws(trainer),
        "initial": {role: summaries(n.state_dict()) for role, n in networks.items()},
        "gradients": {},
        **{metric: [] for metric in metrics},
    }
    for step in range(STEPS):
        trainer.gradients = {}
        for metric, value in zip(metrics, trainer.step(step)):
            golden[metric].append(None if value is None else number(value))
        for role, gradients in trainer.gradients.items():
            if role not in golden["gradients"]:
                names = [parameter for parameter, _ in networks[role].named_parameters()]
                golden["gradients"][role] = summaries(dict(zip(names, gradients)))
    golden["weights"] = {role: summaries(n.state_dict()) for role, n in networks.items()}
    if trainer.average:
        averaged = next(iter(networks))  # all but a discriminator
        golden["weights"][f"{averaged}/ema"] = summaries(trainer.average.state_dict())
    return golden


def compact(value, indent=0):
    """JSON with one summary or list of numbers per line."""
    pad = " " * indent
    if isinstance(value, dict) and not set(value) >= {"sum", "sum_abs"}:
        items = [f'{pad} {json.dumps(k)}: {compact(v, indent + 1)}' for k, v in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{pad}}}" if items else "{}"
    if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        items = [f"{pad} {json.dumps(item)}" for item in value]
        return "[\n" + ",\n".join(items) + f"\n{pad}]"
    return json.dumps(value)


def agree(a, b):
    """Whether two goldens are the same up to the rounding of another machine."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(agree(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(agree, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-9 + 1e-6 * abs(b)
    return a == b


def all_configs():
    paths = [*(ROOT / "configs").glob("*.json"), *(HERE / "cases").glob("*.json")]
    for path in sorted(paths, key=lambda path: path.stem):
        yield path.stem, numeral_config.parse(path.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="one config's name")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    args = parser.parse_args()
    torch.set_num_threads(1)
    numeral_random.check_known_answers()
    made = stale = 0
    for name, config in all_configs():
        if args.only not in (None, name):
            continue
        golden = make_golden(reduce(config), name)
        text, path = compact(golden) + "\n", HERE / f"{name}.json"
        assert json.loads(text) == golden
        made += 1
        metric = metrics_of(config)[0]
        losses = f"{metric} {golden[metric][0]:.4f} -> {golden[metric][-1]:.4f}"
        print(f"{name}: {losses}, {len(text) / 1024:.0f} KiB")
        if not args.check:
            path.write_text(text)
        elif not path.exists() or not agree(golden, json.loads(path.read_text())):
            stale += 1
            print(f"{name}: {path.name} is not what this script makes")
    if made == 0 or stale:
        sys.exit(f"{made} goldens made, {stale} stale")


if __name__ == "__main__":
    main()
