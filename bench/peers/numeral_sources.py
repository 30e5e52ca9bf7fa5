"""Where the numbers of a training step come from.

`PhiloxSource` draws what Numeral draws, so that a run here reproduces a run there; `TorchSource`
draws the way PyTorch programs do, for speed. Each has a form for a latent predictor's pairs.
"""

import math

import numpy as np
import torch

import numeral_random as nr
from numeral_data import Batches, moved


class _Source:
    def __init__(self, config, labels, dtype, device):
        self.batches = Batches(config, len(labels))
        self.dtype, self.device = dtype, torch.device(device)
        self.labels = self.here(labels).long()

    def here(self, values):
        """An array or tensor on the device that is trained on."""
        return torch.as_tensor(values).to(self.device)


class _ImageSource(_Source):
    def __init__(self, config, images, labels, dtype=torch.float32, device="cpu"):
        super().__init__(config, labels, dtype, device)
        low, high = config["data"]["pixel_range"]
        pixels = self.here(images)[:, None].to(dtype)
        self.images = pixels * ((high - low) / 255) + low
        self.choices = config["data"]["digits"] or list(range(10))
        self.max_shift, self.black = config["data"]["max_shift"], low

    def batch(self, step):
        """The images of a step, moved where the config says so, and their digits."""
        chosen = self.here(self.batch_indices(step))
        images = self.images[chosen]
        if self.max_shift:
            images = moved(images, self.shifts(step, len(chosen)), self.black, self.max_shift)
        return images, self.labels[chosen]


class PhiloxSource(_ImageSource):
    """Numeral's own draws."""

    def __init__(self, config, images, labels, dtype=torch.float32, device="cpu"):
        super().__init__(config, images, labels, dtype, device)
        self.seed = config["seed"]

    def batch_indices(self, step):
        epoch, begin, end = self.batches.place(step)
        order = nr.permutation(len(self.labels), self.seed, nr.Streams.SHUFFLE, epoch)
        return order[begin:end]

    def shifts(self, step, rows):
        reach = np.arange(-self.max_shift, self.max_shift + 1)
        drawn = nr.draw_choices(self.seed, nr.Streams.SHIFT, step, 2 * rows, reach)
        return self.here(drawn).reshape(rows, 2)

    def latents(self, step, rows, spec, fresh_for_generator=False, further_input=None):
        stream = nr.Streams.latents(fresh_for_generator, further_input)
        return self._floats(stream, step, rows, spec)

    def _floats(self, stream, step, rows, spec):
        draw = nr.draw_normal if spec["distribution"] == "normal" else nr.draw_uniform
        values = draw(self.seed, stream, step, rows * spec["size"])
        return self.here(values).to(self.dtype).reshape(rows, -1)

    def digits(self, step, rows, fresh_for_generator=False):
        stream = nr.Streams.digits(fresh_for_generator)
        return self.here(nr.draw_choices(self.seed, stream, step, rows, self.choices))

    def begin_pass(self, network, step, pass_name):
        """Sets the dropout masks of the next forward pass. Of "joined" images the first half is
        real, the second fake."""

        def kept(layer, shape, rate, name):
            stream = nr.Streams.dropout(network.role, layer, name)
            return nr.draw_kept(self.seed, stream, step, math.prod(shape), rate).reshape(shape)

        def draw(layer, shape, rate):
            if pass_name != "joined":
                return self.here(kept(layer, shape, rate, pass_name))
            half = (shape[0] // 2, *shape[1:])
            return self.here(np.concatenate([kept(layer, half, rate, p) for p in ("real", "fake")]))

        network.set_dropout(draw)


class PairSource(PhiloxSource):
    """Numeral's own draws for a latent predictor: pairs of latents and digits, noise, times."""

    def __init__(self, config, pairs, labels, dtype=torch.float32, device="cpu"):
        _Source.__init__(self, config, labels, dtype, device)
        self.seed = config["seed"]
        self.pairs = self.here(pairs).to(dtype)

    def batch(self, step):
        """The latents of a step and their digits."""
        chosen = self.here(self.batch_indices(step))
        return self.pairs[chosen], self.labels[chosen]

    def noise(self, step, rows, spec):
        return self._floats(nr.Streams.NOISE, step, rows, spec)

    def times(self, step, rows):
        values = nr.draw_times(self.seed, nr.Streams.TIMES, step, rows)
        return self.here(values).to(self.dtype)[:, None]


class TorchSource(_ImageSource):
    """torch's generator; the data set stays in the device's memory as floats. What a step takes
    from it is computed on the device, so that a CUDA graph can hold the whole step."""

    def __init__(self, config, images, labels, dtype=torch.float32, device="cpu"):
        super().__init__(config, images, labels, dtype, device)
        self.choices_here = self.here(self.choices)
        self._begin()

    def _begin(self):
        count = len(self.labels)
        self.epoch = None
        self.order = torch.empty(count, dtype=torch.int64, device=self.device)
        self.place = torch.zeros((), dtype=torch.int64, device=self.device)
        self.rows = torch.arange(min(self.batches.size, count), device=self.device)

    def begin_step(self, step):
        """What the host does before a step: a new order where an epoch begins."""
        epoch = step // self.batches.per_epoch
        if epoch != self.epoch:
            self.epoch = epoch
            self.order.copy_(torch.randperm(len(self.order), device=self.device))
            self.place.zero_()

    def batch_indices(self, step):
        chosen = self.order[self.place + self.rows]
        self.place += len(self.rows)
        return chosen

    def shifts(self, step, rows):
        reach = self.max_shift
        return torch.randint(-reach, reach + 1, (rows, 2), device=self.device)

    def latents(self, step, rows, spec, fresh_for_generator=False, further_input=None):
        return self._floats(rows, spec)

    def _floats(self, rows, spec):
        values = torch.randn if spec["distribution"] == "normal" else torch.rand
        values = values(rows, spec["size"], dtype=self.dtype, device=self.device)
        return values if spec["distribution"] == "normal" else values * 2 - 1

    def digits(self, step, rows, fresh_for_generator=False):
        chosen = torch.randint(len(self.choices), (rows,), device=self.device)
        return self.choices_here[chosen]

    def begin_pass(self, network, step, pass_name):
        pass


class TorchPairSource(TorchSource):
    """The same for a latent predictor."""

    def __init__(self, config, pairs, labels, dtype=torch.float32, device="cpu"):
        _Source.__init__(self, config, labels, dtype, device)
        self.pairs = self.here(pairs).to(dtype)
        self._begin()

    def batch(self, step):
        chosen = self.batch_indices(step)
        return self.pairs[chosen], self.labels[chosen]

    def noise(self, step, rows, spec):
        return self._floats(rows, spec)

    def times(self, step, rows):
        return torch.rand(rows, 1, dtype=self.dtype, device=self.device)
