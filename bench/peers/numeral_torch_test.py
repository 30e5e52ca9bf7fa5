#!/usr/bin/python3
"""Checks of the peers' own arithmetic, without Numeral."""

import os
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

import numeral_config
import numeral_random
import safetensors_file
from numeral_torch import BatchNorm, Conv, ConvTranspose, Network


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


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main()
