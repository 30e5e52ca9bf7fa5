#!/usr/bin/python3
"""Writes fixtures.json: metrics of small sets by other routes than src/metrics takes.

    tests/metrics/make_fixtures.py [--check]

Inputs are not stored: they are drawn by the integer formulas below, which fixture_inputs.h repeats.
The trace of the square root of a product of covariances is the sum of the singular values of the
centred samples' products, A B^T, so no matrix square root is taken; the eigenvalues of the
unsymmetric product S_r S_g must agree. Balls are counted by loops over all pairs in double
precision. Wilson's interval is found as the roots of its quadratic equation. Needs numpy. --check
compares with the file instead of writing it.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).resolve().parent / "fixtures.json"
PIXELS = 784


class Draws:
    """The upper halves of a linear congruential generator (Numerical Recipes' constants)."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self, bound):
        self.state = (1664525 * self.state + 1013904223) % 2**32
        return (self.state >> 16) % bound


# ---- sets of features ---------------------------------------------------------------------------


def spec(seed, count, size, levels=256, divisor=32, shift=0, rank=None, distinct=None):
    """A set by formula. All values but those of divisor 37 are exact in single precision."""
    return {
        "seed": seed,
        "count": count,
        "size": size,
        "levels": levels,  # 1: all images are the same
        "divisor": divisor,
        "shift": shift,
        "rank": rank or size,  # features from here on are combinations of those before
        "distinct": distinct or count,  # images from here on repeat those before
    }


def draw_features(s):
    draw = Draws(s["seed"])
    rows = []
    for image in range(s["count"]):
        if image >= s["distinct"]:
            rows.append(rows[image % s["distinct"]])
            continue
        row = []
        for j in range(s["size"]):
            if j < s["rank"]:
                value = (draw(s["levels"]) - s["levels"] // 2) * (1 + j % 3) + s["shift"]
                row.append(np.float32(value) / np.float32(s["divisor"]))
            else:
                row.append(row[j % s["rank"]] * np.float32(0.5) + row[(j + 1) % s["rank"]])
        rows.append(row)
    return np.array(rows, dtype=np.float32).astype(np.float64)


FEATURE_CASES = {
    "ordinary": (spec(1, 120, 9), spec(2, 100, 9, levels=200, shift=9)),
    "rounded values across tiles": (spec(3, 130, 33, divisor=37), spec(4, 97, 33, divisor=37)),
    "more generated than real": (spec(5, 33, 7), spec(6, 210, 7, levels=280)),
    "one feature": (spec(7, 40, 1), spec(8, 50, 1, shift=20)),
    "fewer images than features": (spec(9, 50, 70), spec(10, 45, 70, levels=220, shift=3)),
    "few images": (spec(11, 6, 5), spec(12, 6, 5)),
    "both of lower rank": (spec(13, 90, 12, rank=4), spec(14, 80, 12, rank=4, levels=220)),
    "generated of lower rank": (spec(15, 90, 12), spec(16, 80, 12, rank=3)),
    "constant generator": (spec(17, 60, 8), spec(18, 50, 8, levels=1, shift=5)),
    "both constant": (spec(19, 30, 4, levels=1), spec(20, 20, 4, levels=1, shift=8)),
    "both the same constant": (
        spec(19, 9, 4, levels=1, shift=7),
        spec(20, 8, 4, levels=1, shift=7),
    ),
    "identical": (spec(21, 70, 10), spec(21, 70, 10)),
    "identical of lower rank": (spec(22, 70, 40, rank=10), spec(22, 70, 40, rank=10)),
    "ties": (spec(23, 60, 2, levels=5), spec(24, 50, 2, levels=5, shift=1)),
    "duplicates": (spec(25, 80, 6, levels=16), spec(26, 90, 6, levels=16, distinct=9)),
    "duplicated real": (spec(27, 90, 3, levels=8, distinct=30), spec(28, 70, 3, levels=8)),
    "far apart": (spec(29, 50, 6), spec(30, 50, 6, shift=4000)),
    "collapsed": (spec(31, 100, 6), spec(32, 100, 6, levels=24, shift=30)),
}


def frechet(real, generated):
    """The distance, and the trace of the real covariance."""
    centred = [(x - x.mean(axis=0)) / math.sqrt(len(x) - 1) for x in (real, generated)]
    traces = [np.sum(x * x) for x in centred]
    root = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()
    covariances = [np.atleast_2d(np.cov(x.T, ddof=1)) for x in (real, generated)]
    eigenvalues = np.linalg.eigvals(covariances[0] @ covariances[1])
    other = np.sqrt(np.maximum(eigenvalues.real, 0)).sum()
    if abs(root - other) > 1e-5 * sum(traces):
        raise SystemExit(f"two routes to the same trace give {root} and {other}")
    means = real.mean(axis=0) - generated.mean(axis=0)
    return means @ means + max(0, sum(traces) - 2 * root), traces[0]


def squared_distances(a, b):
    return np.array([[sum((x - y) ** 2) for y in b] for x in a])


def radii(points, k):
    squared = squared_distances(points, points)
    result = []
    for i, row in enumerate(squared):
        others = [value for j, value in enumerate(row) if j != i]
        result.append(sorted(others)[k - 1])
    return result


def require_clear(squared, radius):
    """No distance may be so near a radius, without being it, that single precision decides."""
    for value, limit in np.nditer([squared, radius]):
        if value != limit and abs(value - limit) < 1e-5 * limit:
            raise SystemExit(f"{value} is too near the radius {limit}: take another seed")


def neighbourhood(real, generated, k):
    real_radii, generated_radii = radii(real, k), radii(generated, k)
    squared = squared_distances(real, generated)
    require_clear(squared, np.broadcast_to(np.array(real_radii)[:, None], squared.shape))
    require_clear(squared, np.broadcast_to(generated_radii, squared.shape))
    n, m = squared.shape
    inside = [[squared[i][j] <= real_radii[i] for j in range(m)] for i in range(n)]
    recalled = [any(squared[i][j] <= generated_radii[j] for j in range(m)) for i in range(n)]
    precise = [any(inside[i][j] for i in range(n)) for j in range(m)]
    return {
        "k": k,
        "precision": sum(precise) / m,
        "recall": sum(recalled) / n,
        "density": sum(map(sum, inside)) / (k * m),
        "coverage": sum(map(any, inside)) / n,
    }


def feature_case(name, specs):
    real, generated = (draw_features(s) for s in specs)
    distance, trace = frechet(real, generated)
    case = {"name": name, "real": specs[0], "generated": specs[1]}
    case.update(frechet=distance, trace_real=trace)
    if trace > 0:
        case["relative"] = distance / trace
    case["neighbours"] = [neighbourhood(real, generated, k) for k in (1, 3, 5)]
    return case


# ---- judged images ------------------------------------------------------------------------------


def draw_judged(seed, count):
    draw = Draws(seed)
    wanted, probabilities = [], []
    for _ in range(count):
        wanted.append(draw(10))
        favourite = draw(10) if draw(4) == 0 else wanted[-1]
        weights = [draw(8) + (draw(300) if digit == favourite else 0) for digit in range(10)]
        weights[favourite] += 1
        probabilities.append([np.float32(w) / np.float32(sum(weights)) for w in weights])
    return wanted, probabilities


def wilson(samples, errors):
    """Where (errors / samples - p)^2 = z^2 p (1 - p) / samples."""
    z2, share = 1.959964**2, errors / samples
    roots = np.roots([1 + z2 / samples, -2 * share - z2 / samples, share**2])
    return sorted(roots.real)


def classification_case(seed, count):
    wanted, probabilities = draw_judged(seed, count)
    given = [row.index(max(row)) for row in probabilities]
    wrong = [i for i in range(count) if wanted[i] != given[i]]
    shares = np.bincount(given, minlength=10) / count
    by_digit = [[wanted.count(d), sum(wanted[i] == d for i in wrong)] for d in range(10)]
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (wanted, given), 1)
    confidence = [float(max(row)) for row in probabilities]
    return {
        "seed": seed,
        "count": count,
        "given": given,
        "errors": len(wrong),
        "wilson": wilson(count, len(wrong)),
        "by_digit": by_digit,
        "confusion": confusion.tolist(),
        "kl": sum(s * (math.log(s) - math.log(0.1)) for s in shares if s > 0),
        "mean_confidence": math.fsum(confidence) / count,
        "unsure_share": sum(c < np.float32(0.9) for c in confidence) / count,
        "mean_wanted_probability": math.fsum(
            float(probabilities[i][wanted[i]]) for i in range(count)
        )
        / count,
        "most_confidently_wrong": sorted(wrong, key=lambda i: (-confidence[i], i))[:12],
    }


# ---- nearest images -----------------------------------------------------------------------------


def draw_images(seed, training_count, count):
    """Training images, the last ten equal to the first; copies of them, near copies and others."""
    draw = Draws(seed)
    training = [[draw(256) for _ in range(PIXELS)] for _ in range(training_count - 10)]
    training += [training[i] for i in range(10)]
    images = []
    for i in range(count):
        source = training[i * 7 % training_count]
        if i % 4 == 0:
            images.append(source)
        elif i % 4 == 1:
            images.append([byte ^ 1 if p % 3 == 0 else byte for p, byte in enumerate(source)])
        else:
            images.append([draw(256) for _ in range(PIXELS)])
    return training, images


def nearest_case(seed, training_count, count):
    training, images = (np.array(x) for x in draw_images(seed, training_count, count))
    squared = np.array([((training - image) ** 2).sum(axis=1) for image in images])
    return {
        "seed": seed,
        "training": training_count,
        "images": count,
        "squared": squared.min(axis=1).tolist(),
        "index": squared.argmin(axis=1).tolist(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the file")
    arguments = parser.parse_args()
    fixtures = {
        "description": "Metrics of sets drawn by formula; made by make_fixtures.py.",
        "features": [feature_case(name, specs) for name, specs in FEATURE_CASES.items()],
        "classification": [classification_case(1, 300), classification_case(2, 17)],
        "nearest": [nearest_case(1, 70, 37), nearest_case(2, 21, 3)],
    }
    text = json.dumps(fixtures, indent=1) + "\n"
    if not arguments.check:
        FILE.write_text(text)
    elif not same(json.loads(FILE.read_text()), json.loads(text)):
        sys.exit(f"{FILE} is not what this script computes")


def same(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
    return a == b


if __name__ == "__main__":
    main()
