"""The images and pairs that networks learn from, and which of them a step sees."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

VALIDATION_IMAGES = 10_000  # the end of the training set; "fit" is what is before


def read_idx(folder, split="train", dataset="mnist"):
    """(uint8 [n][28][28], int64 [n]) of uncompressed IDX files in `folder` or its subfolder."""
    folder = Path(folder)
    folder = folder / dataset if (folder / dataset).is_dir() else folder
    stem = {"train": "train", "fit": "train", "validation": "train", "test": "t10k"}[split]
    images = np.fromfile(folder / f"{stem}-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 28, 28)
    labels = np.fromfile(folder / f"{stem}-labels-idx1-ubyte", np.uint8)[8:].astype(np.int64)
    if split not in ("fit", "validation"):
        return images, labels
    fit = len(labels) - VALIDATION_IMAGES
    if fit <= 0:
        raise ValueError(f"{split!r} needs more than {VALIDATION_IMAGES} training images")
    part = slice(None, fit) if split == "fit" else slice(fit, None)
    return images[part], labels[part]


SYNTHETIC_FORMULA = (
    "image i, row y, column x, all integers: label = digits[i % len(digits)]; "
    "cx = 9 + i*5 % 11; cy = 9 + i*3 % 11; "
    "ring = abs((x-cx)*(x-cx) + (y-cy)*(y-cy) - 5*label); "
    "byte = min(255, max(0, 224 - 6*ring) + ((7*x + 11*y + 13*i) & 31))"
)


def synthetic_data(count, digits=range(10)):
    """Rings that grow with the digit on a faint texture; see SYNTHETIC_FORMULA."""
    labels = np.resize(np.asarray(digits), count)
    i, y, x = np.meshgrid(np.arange(count), np.arange(28), np.arange(28), indexing="ij")
    ring = np.abs((x - 9 - i * 5 % 11) ** 2 + (y - 9 - i * 3 % 11) ** 2 - 5 * labels[i])
    pixels = np.minimum(255, np.maximum(0, 224 - 6 * ring) + ((7 * x + 11 * y + 13 * i) & 31))
    return pixels.astype(np.uint8), labels


SYNTHETIC_PAIRS_FORMULA = (
    "pair i, feature j, all integers: digit = i % 10; "
    "latent = ((7*i + 11*j + 3*digit*j) % 17 - 8) / 8"
)


def synthetic_pairs(count, size):
    """(float64 [count][size], digits); see SYNTHETIC_PAIRS_FORMULA."""
    i, j = np.meshgrid(np.arange(count), np.arange(size), indexing="ij")
    return ((7 * i + 11 * j + 3 * (i % 10) * j) % 17 - 8) / 8, np.arange(count) % 10


def select(config, images, labels):
    """The config's digits and limit applied."""
    digits, limit = config["data"]["digits"], config["data"]["limit"]
    kept = np.isin(labels, digits) if digits else np.ones(len(labels), bool)
    images, labels = images[kept], labels[kept]
    return (images[:limit], labels[:limit]) if limit else (images, labels)


def moved(images, shifts, black, reach):
    """Images [n][c][h][w], each moved by its row (down, right) of `shifts`, at most by `reach`;
    `black` comes in."""
    windows = F.pad(images, (reach,) * 4, value=black)
    for axis in (2, 3):
        windows = windows.unfold(axis, images.shape[axis], 1)
    down, right = shifts.unbind(1)
    rows = torch.arange(len(images), device=images.device)
    return windows[rows, :, reach - down, reach - right]


class Batches:
    """Which images a step sees."""

    def __init__(self, config, count):
        training = config["training"]
        self.count, self.size = count, training["batch_size"]
        whole = count // self.size
        keep = config["data"]["last_batch"] == "keep" or whole == 0
        self.per_epoch = whole + (1 if keep and count % self.size else 0)
        if training["steps_per_epoch"] > self.per_epoch:
            raise ValueError(f"steps_per_epoch is above the {self.per_epoch} batches of the data")
        self.per_epoch = training["steps_per_epoch"] or self.per_epoch
        self.total = self.per_epoch * training["epochs"]

    def place(self, step):
        """(epoch, begin, end) in the epoch's order."""
        epoch, position = divmod(step, self.per_epoch)
        begin = position * self.size
        return epoch, begin, min(begin + self.size, self.count)
