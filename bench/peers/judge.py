#!/usr/bin/python3
"""Judges a generator by a classifier: is the digit right, and are the images like real ones?

    judge.py g.bin --data data --judge judge.bin --samples 5000

Trains the judge once and keeps it in --judge. Samples are rounded to bytes and compared with as
many test images. Prints one JSON object:

  s1               share of images that the judge does not take for the requested digit
  fid_c, r_fid     Frechet distance in the judge's 128 features; its share of the real variance
  precision, recall, density, coverage
                   by k nearest neighbours (Kynkaanniemi et al. 2019, Naeem et al. 2020)
  class_kl         of the judged digits from uniform
  mean_confidence  mean largest softmax
"""

import argparse
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import numeral_random
import safetensors_file
from numeral_torch import load_weights, network_of_file, one_hot
from numeral_training import read_idx

BATCH = 128


# ---- the judge ----------------------------------------------------------------------------------


def _block(inputs, outputs, kernel, stride):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU(True)]


class Judge(nn.Module):
    """Its features are what FID-C and the neighbour measures compare."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            *_block(1, 24, 5, 2), *_block(24, 48, 3, 1), *_block(48, 72, 3, 2),
            *_block(72, 72, 3, 2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(72 * 16, 128),
            nn.ReLU(True),
        )  # fmt: skip
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.body(x))


def to_input(images):
    """uint8 [n][28][28] -> [n][1][28][28] in [-1, 1]."""
    return torch.from_numpy(images)[:, None].float() / 127.5 - 1


def shifted(x):
    """Each image moved by up to two pixels; black comes in."""
    padded = F.pad(x, (2, 2, 2, 2), value=-1.0)
    windows = padded.unfold(2, 28, 1).unfold(3, 28, 1)
    n = len(x)
    return windows[torch.arange(n), :, torch.randint(5, (n,)), torch.randint(5, (n,))]


def train_judge(images, labels, epochs, seed):
    torch.manual_seed(seed)
    judge, labels = Judge(), torch.from_numpy(labels)
    inputs, steps = to_input(images), math.ceil(len(labels) / BATCH)
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=0.01, foreach=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * steps)
    for epoch in range(epochs):
        for chosen in torch.randperm(len(labels)).split(BATCH):
            loss = F.cross_entropy(judge(shifted(inputs[chosen])), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"judge: epoch {epoch + 1} of {epochs}, loss {loss.item():.4f}", file=sys.stderr)
    return judge.eval()


def load_judge(args):
    judge = Judge()
    if os.path.exists(args.judge):
        load_weights(judge, args.judge)
        return judge.eval()
    images, labels = read_idx(args.data, "train", args.dataset)
    judge = train_judge(images, labels, args.epochs, args.seed)
    safetensors_file.write(args.judge, {k: v.numpy() for k, v in judge.state_dict().items()})
    return judge


@torch.no_grad()
def look_at(judge, images):
    """(features [n][128], probabilities [n][10]), float64."""
    features, probabilities = [], []
    for part in to_input(images).split(500):
        features.append(judge.body(part))
        probabilities.append(judge.head(features[-1]).softmax(1))
    return torch.cat(features).double(), torch.cat(probabilities).double()


# ---- samples ------------------------------------------------------------------------------------


@torch.no_grad()
def generate(network, count, scale, seed, pixel_range):
    """(uint8 [count][28][28], int64 [count]): the digits in turn."""
    values, digits = {}, torch.arange(count) % 10
    for i, name in enumerate(network.inputs_of("latent")):
        spec = network.input_specs[name]
        normal = spec["distribution"] == "normal"
        draw = numeral_random.draw_normal if normal else numeral_random.draw_uniform
        stream = "judge/latents" + (f"/{name}" if i else "")
        latents = draw(seed, stream, 0, count * spec["size"]).reshape(count, -1) * np.float32(scale)
        values[name] = torch.from_numpy(latents)
    for name in network.inputs_of("digit"):
        values[name] = one_hot(digits)
    low, high = pixel_range
    images = []
    for begin in range(0, count, 500):
        part = network({name: value[begin : begin + 500] for name, value in values.items()})
        part = (part[:, 0] - low) * (255 / (high - low))
        images.append(part.round().clamp(0, 255).to(torch.uint8))
    return torch.cat(images).numpy(), digits.numpy()


def pixel_range_of(network):
    """What the last layer can give: 0 to 1 of a sigmoid, -1 to 1 of a tanh."""
    types = [layer["type"] for layer in network.spec["layers"]]
    squashing = [kind for kind in types if kind in ("tanh", "sigmoid")]
    return (0.0, 1.0) if squashing[-1:] == ["sigmoid"] else (-1.0, 1.0)


# ---- measures -----------------------------------------------------------------------------------


def frechet(real, fake):
    """(distance, trace of the real covariance); unbiased covariances."""
    cov_real, cov_fake = torch.cov(real.T), torch.cov(fake.T)
    values, vectors = torch.linalg.eigh(cov_real)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_fake @ root).clamp(min=0).sqrt().sum()
    means = (real.mean(0) - fake.mean(0)).square().sum()
    distance = means + cov_real.trace() + cov_fake.trace() - 2 * cross
    return distance.item(), cov_real.trace().item()


def neighbour_radii(features, k):
    """Distance of each row to its k-th neighbour among the others."""
    parts = [torch.cdist(part, features) for part in features.split(1000)]
    return torch.cat([d.kthvalue(k + 1, dim=1).values for d in parts])  # the first is itself


def manifold_measures(real, fake, k):
    real, fake = real.float(), fake.float()
    radii_real, radii_fake = neighbour_radii(real, k), neighbour_radii(fake, k)
    inside_real = torch.zeros(len(fake))
    covered, recalled = [], []
    for part, radii in zip(real.split(1000), radii_real.split(1000)):
        distances = torch.cdist(part, fake)
        inside = distances <= radii[:, None]
        inside_real += inside.sum(0)
        covered.append(inside.any(1))
        recalled.append((distances <= radii_fake).any(1))
    return {
        "precision": (inside_real > 0).float().mean().item(),
        "recall": torch.cat(recalled).float().mean().item(),
        "density": (inside_real.sum() / (k * len(fake))).item(),
        "coverage": torch.cat(covered).float().mean().item(),
    }


def judge_images(judge, images, digits, real_images, k):
    """All measures; `digits` is None where none were requested."""
    real, _ = look_at(judge, real_images)
    fake, probabilities = look_at(judge, images)
    confidence, judged = probabilities.max(1)
    shares = torch.bincount(judged, minlength=10).double() / len(judged)
    distance, trace = frechet(real, fake)
    result = {"s1": None}
    if digits is not None:
        result["s1"] = (judged != torch.from_numpy(digits)).double().mean().item()
    return {
        **result,
        "fid_c": distance,
        "r_fid": distance / trace,
        **manifold_measures(real, fake, k),
        "class_kl": (shares * (shares * 10).clamp(min=1e-12).log()).sum().item(),
        "mean_confidence": confidence.mean().item(),
    }


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("generator", nargs="?", help="weights; default: training images")
    parser.add_argument("--data", default="data", help="folder of IDX files")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--judge", default="judge.bin", help="the judge's weights, made if missing")
    parser.add_argument("--epochs", type=int, default=3, help="of the judge's training")
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--latent-scale", type=float, default=1.0)
    parser.add_argument("--neighbours", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    judge = load_judge(args)
    test_images, test_labels = read_idx(args.data, "test", args.dataset)
    _, probabilities = look_at(judge, test_images)
    accuracy = (probabilities.argmax(1).numpy() == test_labels).mean()
    order = numeral_random.permutation(len(test_labels), args.seed, "judge/real", 0)
    real_images = test_images[order[: args.samples]]
    if args.generator:
        network = network_of_file(args.generator)
        images, digits = generate(
            network, args.samples, args.latent_scale, args.seed, pixel_range_of(network)
        )
        digits = digits if network.inputs_of("digit") else None
    else:
        images, digits = read_idx(args.data, "train", args.dataset)
        order = numeral_random.permutation(len(digits), args.seed, "judge/train", 0)
        images, digits = images[order[: args.samples]], digits[order[: args.samples]]
    result = {
        "generator": args.generator,
        "samples": len(images),
        "latent_scale": args.latent_scale,
        "judge_accuracy": accuracy,
        **judge_images(judge, images, digits, real_images, args.neighbours),
    }
    print(json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in result.items()}))


if __name__ == "__main__":
    main()
