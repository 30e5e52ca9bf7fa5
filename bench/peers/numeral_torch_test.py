#!/usr/bin/python3
"""Checks of the peers' own arithmetic, without Numeral."""

import math
import os
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

import numeral_config
import numeral_random
import safetensors_file
from numeral_torch import BatchNorm, Conv, ConvTranspose, Network, classifier_loss
from numeral_data import VALIDATION_IMAGES, moved, read_idx, synthetic_data
from numeral_sources import PhiloxSource, TorchSource
from numeral_training import ClassifierTrainer


class Draws(unittest.TestCase):
    def test_known_answers(self):
        numeral_random.check_known_answers()

    def test_stream_id(self):
        self.assertEqual(numeral_random.stream_id(""), 2166136261)
        self.assertEqual(numeral_random.stream_id("a"), 0xE40C292C)  # published FNV-1a vector

    def test_permutation(self):
        for n in (1, 2, 5, 44, 1000):
            order = numeral_random.permutation(n, 7, "shuffle", 3)
            self.assertEqual(sorted(order), list(range(n)))

    def test_normal(self):
        values = numeral_random.draw_normal(3, "latents", 0, 400_000).astype(np.float64)
        self.assertLess(abs(values.mean()), 0.01)
        self.assertLess(abs(values.std() - 1), 0.01)


class Layers(unittest.TestCase):
    def test_conv_transpose_is_the_adjoint_of_conv(self):
        torch.manual_seed(1)
        cases = [
            (5, 2, "same"), (5, 1, "same"), (4, 2, "same"), (3, 2, "same"), (2, 3, "same"),
            (1, 2, "same"), (4, 3, "valid"), (4, 2, [1, 1, 1, 1]), (5, 2, [1, 2, 0, 3]),
        ]  # fmt: skip
        for kernel, stride, padding in cases:
            with self.subTest(kernel=kernel, stride=stride, padding=padding):
                spec = {
                    "filters": 2, "kernel": [kernel] * 2, "stride": [stride] * 2,
                    "padding": padding, "output_padding": [0, 0], "bias": False,
                }  # fmt: skip
                transposed = ConvTranspose(spec, (3, 4, 5)).double()
                features = torch.randn(1, 3, 4, 5, dtype=torch.float64)
                image = transposed(features)
                conv = Conv({**spec, "filters": 3}, tuple(image.shape[1:])).double()
                conv.weight.data.copy_(transposed.weight.data)
                other = torch.randn_like(image)
                result = conv(other)
                self.assertEqual(result.shape, features.shape)
                torch.testing.assert_close((result * features).sum(), (other * image).sum())

    def test_same_padding_sizes(self):
        conv = Conv(
            {"filters": 1, "kernel": [5, 5], "stride": [2, 2], "padding": "same", "bias": False},
            (1, 28, 28),
        )
        self.assertEqual(conv.pads, [1, 2, 1, 2])
        self.assertEqual(conv(torch.zeros(1, 1, 28, 28)).shape[2:], (14, 14))

    def test_running_variance(self):
        for convention, spatial, unbiased in [
            ("keras", False, False), ("keras", True, True),
            ("pytorch", False, True), ("pytorch", True, True),
        ]:  # fmt: skip
            x = torch.randn(6, 3, 4, 4) if spatial else torch.randn(6, 3)
            spec = {"epsilon": 1e-3, "momentum": 0.75 if convention == "keras" else 0.25}
            norm = BatchNorm(spec, tuple(x.shape[1:]), convention)
            norm(x)
            axes = (0, 2, 3) if spatial else (0,)
            expected = 0.75 + 0.25 * x.var(axes, unbiased=unbiased)
            torch.testing.assert_close(norm.running_var, expected)
            torch.testing.assert_close(norm.running_mean, 0.25 * x.mean(axes))

    def test_names(self):
        layers = [
            {"type": "dense", "units": 4},
            {"type": "dense", "units": 4, "name": "dense_2"},
            {"type": "dense", "units": 4},
        ]
        inputs = {"z": {"kind": "latent", "size": 3}}
        spec = numeral_config.resolve_network({"inputs": inputs, "layers": layers}, "pytorch")
        network = Network(spec, "pytorch", "generator")
        names = list(network.state_dict())
        self.assertEqual(names[::2], ["dense.weight", "dense_2.weight", "dense_3.weight"])


def small_classifier(data=None, training=None):
    """A resolved config."""
    layers = [{"type": "flatten"}, {"type": "dense", "units": 10}]
    config = {
        "data": data or {},
        "networks": {"classifier": {"inputs": {"image": {"kind": "image"}}, "layers": layers}},
        "training": {"batch_size": 8, "epochs": 40, **(training or {})},
    }
    return numeral_config.resolve(config)


class Configs(unittest.TestCase):
    def test_classifier(self):
        config = small_classifier()
        self.assertEqual(config["data"]["max_shift"], 0)
        self.assertEqual(list(config["training"]["optimizers"]), ["classifier"])
        loss = {"type": "cross_entropy", "label_smoothing": 0.0}
        self.assertEqual(config["training"]["loss"], loss)
        self.assertEqual(numeral_config.resolve(config), config)

    def test_what_a_classifier_does_not_know(self):
        for training in (
            {"order": "simultaneous"},
            {"optimizers": {"generator": {}}},
            {"loss": {"combine": "mean"}},
        ):
            with self.subTest(training), self.assertRaises(ValueError):
                small_classifier(training=training)
        networks = {**small_classifier()["networks"], "generator": {}}
        with self.assertRaises(ValueError):
            numeral_config.resolve({"networks": networks})

    def test_gans_ignore_evaluation_alone(self):
        path = Path(__file__).resolve().parents[2] / "configs" / "dcgan.json"
        config = numeral_config.parse(path.read_text())
        plain = numeral_config.resolve(config)
        evaluated = numeral_config.resolve({**config, "evaluation": {"classifier": "c.bin"}})
        self.assertEqual({**evaluated, "evaluation": plain["evaluation"]}, plain)
        self.assertEqual(plain["training"]["loss"]["type"], "bce")
        for key in ("evaluations", "classifier"):
            with self.subTest(key), self.assertRaises(ValueError):
                numeral_config.resolve({**config, key: {}})


class Shifts(unittest.TestCase):
    def test_moved(self):
        images = torch.arange(1.0, 1 + 2 * 28 * 28).reshape(2, 1, 28, 28)
        result = moved(images, torch.tensor([[2, -1], [0, 3]]), -0.5, 3)
        self.assertEqual(result.shape, images.shape)
        torch.testing.assert_close(result[0, 0, 2:, :27], images[0, 0, :26, 1:])
        self.assertTrue((result[0, 0, :2] == -0.5).all() and (result[0, 0, :, 27] == -0.5).all())
        torch.testing.assert_close(result[1, 0, :, 3:], images[1, 0, :, :25])
        self.assertTrue((result[1, 0, :, :3] == -0.5).all())
        still = torch.zeros(2, 2, dtype=torch.int64)
        torch.testing.assert_close(moved(images, still, 0, 1), images)

    def test_sources(self):
        images, labels = synthetic_data(44)
        config = small_classifier({"max_shift": 2, "pixel_range": [-0.5, 1]})
        still = small_classifier({"pixel_range": [-0.5, 1]})
        for kind in (PhiloxSource, TorchSource):
            source = kind(config, images, labels)
            shifts = torch.cat([source.shifts(step, 50) for step in range(20)])
            self.assertEqual(sorted(set(shifts.flatten().tolist())), [-2, -1, 0, 1, 2])
        source, other = PhiloxSource(config, images, labels), PhiloxSource(still, images, labels)
        for step in (0, 5):  # five batches of 8, one of 4
            (batch, digits), (plain, same) = source.batch(step), other.batch(step)
            self.assertTrue(torch.equal(digits, same))
            expected = moved(plain, source.shifts(step, len(digits)), -0.5, 2)
            torch.testing.assert_close(batch, expected)

    def test_draws(self):
        source = PhiloxSource(small_classifier({"max_shift": 3}), *synthetic_data(8))
        bits = numeral_random.draw_bits(1, "shift", 4, 6)
        expected = [[int(b) * 7 // 2**32 - 3 for b in bits[2 * i : 2 * i + 2]] for i in range(3)]
        self.assertEqual(source.shifts(4, 3).tolist(), expected)


class Classifiers(unittest.TestCase):
    def test_loss(self):
        logits = torch.zeros(2, 10, dtype=torch.float64)
        logits[:, 3] = math.log(11)  # softmax is 11/20 there, 1/20 elsewhere
        spec = {"type": "cross_entropy", "label_smoothing": 0.0}
        loss = classifier_loss(spec, logits, torch.tensor([3, 4]))
        self.assertAlmostEqual(float(loss), math.log(20) - math.log(11) / 2)
        # The targets of 3 are 0.91 and 0.01, those of 4 leave 3 with 0.01.
        loss = classifier_loss({**spec, "label_smoothing": 0.1}, logits, torch.tensor([3, 4]))
        self.assertAlmostEqual(float(loss), math.log(20) - 0.92 * math.log(11) / 2)
        with self.assertRaises(ValueError):
            classifier_loss({**spec, "type": "softmax"}, logits, torch.tensor([3, 4]))

    def test_learns(self):
        optimizers = {"classifier": {"learning_rate": 3e-3}}
        config = small_classifier(training={"ema": 0.5, "optimizers": optimizers})
        source = PhiloxSource(config, *synthetic_data(44))
        trainer = ClassifierTrainer(config, source)
        results = [trainer.step(step) for step in range(source.batches.total)]
        loss, accuracy = (sum(map(float, column)) / 6 for column in zip(*results[-6:]))
        self.assertGreater(float(results[0][0]), 1.5)
        self.assertLess(loss, 0.5)
        self.assertGreater(accuracy, 0.9)
        for name, value in trainer.average.state_dict().items():
            weights = trainer.classifier.state_dict()[name]
            self.assertFalse(torch.equal(value, weights))
            torch.testing.assert_close(value, weights, atol=0.01, rtol=0)


class Files(unittest.TestCase):
    def test_round_trip_and_refusals(self):
        tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([7], np.int64)}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "w.bin")
            safetensors_file.write(path, tensors, {"role": "generator"})
            read, metadata = safetensors_file.read(path)
            self.assertEqual(metadata, {"role": "generator"})
            for name, value in tensors.items():
                np.testing.assert_array_equal(read[name], value)
            data = Path(path).read_bytes()
            for bad in (data[:-1], data + b"\0", data[:20], b"\xff" * 8 + data[8:]):
                Path(path).write_bytes(bad)
                with self.assertRaises(ValueError):
                    safetensors_file.read(path)

    def test_parts_of_the_training_set(self):
        count = VALIDATION_IMAGES + 3
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = np.repeat(labels, 784)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "train-images-idx3-ubyte").write_bytes(bytes(16) + images.tobytes())
            path = Path(folder, "train-labels-idx1-ubyte")
            path.write_bytes(bytes(8) + labels.tobytes())
            for split, expected in [
                ("train", labels), ("fit", labels[:3]), ("validation", labels[3:]),
            ]:  # fmt: skip
                read_images, read_labels = read_idx(folder, split)
                np.testing.assert_array_equal(read_labels, expected)
                np.testing.assert_array_equal(read_images[:, 5, 7], expected)
            Path(folder, "train-images-idx3-ubyte").write_bytes(bytes(16 + 7 * 784))
            path.write_bytes(bytes(8 + 7))
            with self.assertRaises(ValueError):
                read_idx(folder, "fit")


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main()
