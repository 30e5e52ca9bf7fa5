#!/usr/bin/python3
"""Loads a run's weights files the way a PyTorch user would, and runs the generator.

    check_safetensors.py CONFIG g.bin d.bin [--images IMAGES] [--latents Z.npy] [--digits D.npy]

Checks that each file's metadata describes the config's network, that its tensors load strictly into
the PyTorch module of that description, that all values are finite, and that both networks run in
inference mode. With --images (.npy, or a safetensors file with one tensor or one called "images")
the generator's images must agree. Exits 1 on any mismatch.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench" / "peers"))

import numeral_config  # noqa: E402
import numeral_random  # noqa: E402
import safetensors_file  # noqa: E402
from numeral_torch import network_of_file, one_hot  # noqa: E402


class Mismatch(Exception):
    pass


def require(condition, message):
    if not condition:
        raise Mismatch(message)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("generator")
    parser.add_argument("discriminator")
    parser.add_argument("--latents", help=".npy [rows][size]; default: the first draws of the run")
    parser.add_argument("--digits", help=".npy [rows]; default: 0, 1, ... in turn")
    parser.add_argument("--rows", type=int, default=20, help="images, where no latents are given")
    parser.add_argument("--images", help="what the generator should make")
    parser.add_argument("--atol", type=float, default=2e-5)
    parser.add_argument("--out", help="writes the images, float32 [rows][28][28], as .npy")
    return parser.parse_args()


def first_difference(file, config):
    """Where two resolved networks differ, or None."""
    if file["inputs"] != config["inputs"]:
        return f"inputs are {json.dumps(file['inputs'])}, not {json.dumps(config['inputs'])}"
    for ours, theirs in zip(file["layers"], config["layers"]):
        if ours != theirs:
            return f"a layer is {json.dumps(ours)}, not {json.dumps(theirs)}"
    counts = len(file["layers"]), len(config["layers"])
    return None if counts[0] == counts[1] else f"{counts[0]} layers, not {counts[1]}"


def load_network(path, role, config):
    """The file's network, checked against the config's."""
    _, metadata = safetensors_file.read(path)
    for key in ("network", "role", "convention"):
        require(key in metadata, f"{path}: metadata has no {key!r}")
    require(metadata["role"] == role, f"{path}: role is {metadata['role']!r}, not {role!r}")
    same = metadata["convention"] == config["convention"]
    require(same, f"{path}: convention is {metadata['convention']!r}")
    network = network_of_file(path)
    differing = first_difference(network.spec, config["networks"][role])
    require(not differing, f"{path}: not the config's {role}: {differing}")
    for name, value in network.state_dict().items():
        require(value.dtype == torch.float32, f"{path}: {name} is {value.dtype}")
        require(bool(torch.isfinite(value).all()), f"{path}: {name} is not finite")
    return network


def generator_inputs(args, network, seed):
    """({input: tensor}, digits or None)."""
    names = network.inputs_of("latent")
    require(len(names) == 1 or not args.latents, "--latents serves generators of one latent input")
    values, rows = {}, args.rows
    if args.latents:
        values[names[0]] = torch.from_numpy(np.load(args.latents).astype(np.float32))
        rows = len(values[names[0]])
    else:
        for i, name in enumerate(names):
            spec = network.input_specs[name]
            normal = spec["distribution"] == "normal"
            draw = numeral_random.draw_normal if normal else numeral_random.draw_uniform
            stream = numeral_random.Streams.latents(further_input=name if i else None)
            drawn = draw(seed, stream, 0, rows * spec["size"])
            values[name] = torch.from_numpy(drawn).reshape(rows, -1)
    if not network.inputs_of("digit"):
        return values, None
    digits = np.load(args.digits).astype(np.int64) if args.digits else np.arange(rows) % 10
    digits = torch.from_numpy(digits)
    for name in network.inputs_of("digit"):
        values[name] = one_hot(digits)
    return values, digits


def load_images(path):
    if path.endswith(".npy"):
        return np.load(path)
    tensors, _ = safetensors_file.read(path)
    if len(tensors) == 1:
        return next(iter(tensors.values()))
    require("images" in tensors, f"{path}: has no tensor 'images'")
    return tensors["images"]


def compare(images, path, atol):
    wanted = load_images(path)
    require(wanted.size == images.size, f"{path}: {wanted.size} values, not {images.size}")
    difference = np.abs(wanted.reshape(images.shape).astype(np.float64) - images)
    worst = difference.max()
    close = bool(np.isfinite(worst) and worst <= atol)
    require(close, f"{path}: images differ by up to {worst:.3g}, allowed are {atol:.3g}")
    print(f"images agree: largest difference {worst:.3g} of {atol:.3g} allowed")


@torch.no_grad()
def check(args):
    config = numeral_config.load(args.config)
    generator = load_network(args.generator, "generator", config)
    discriminator = load_network(args.discriminator, "discriminator", config)
    values, digits = generator_inputs(args, generator, config["seed"])
    images = generator(values)
    require(bool(torch.isfinite(images).all()), "the generator's images are not finite")
    judged = {name: images for name in discriminator.inputs_of("image")}
    for name in discriminator.inputs_of("digit"):
        judged[name] = one_hot(digits)
    scores = discriminator(judged)
    require(bool(torch.isfinite(scores).all()), "the discriminator's scores are not finite")
    flat = images.numpy().reshape(len(images), 28, 28)
    if args.out:
        np.save(args.out, flat)
    if args.images:
        compare(flat, args.images, args.atol)
    tensors = len(generator.state_dict()) + len(discriminator.state_dict())
    print(f"{tensors} tensors load strictly; {len(flat)} images, mean {flat.mean():.4f}")


def main():
    args = parse_arguments()
    torch.set_num_threads(1)
    try:
        check(args)
    except (Mismatch, ValueError, RuntimeError, OSError, KeyError) as error:
        sys.exit(f"check_safetensors: {error}")


if __name__ == "__main__":
    main()
