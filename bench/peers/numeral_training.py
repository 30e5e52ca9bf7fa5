"""Numeral's training steps in PyTorch: orders, reused and fresh fakes, Adam, moving averages.

Where the numbers come from is a source's business: `PhiloxSource` draws what Numeral draws, so that
a run here reproduces a run there; `TorchSource` draws the way PyTorch programs do, for speed.
"""

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import numeral_random as nr
from numeral_torch import adversarial_loss, classifier_loss, make_networks, one_hot

# ---- data ---------------------------------------------------------------------------------------


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


def moved(images, shifts, black):
    """Images [n][c][h][w], each moved by its row (down, right) of `shifts`; `black` comes in."""
    reach = int(shifts.abs().max())
    windows = F.pad(images, (reach,) * 4, value=black)
    for axis in (2, 3):
        windows = windows.unfold(axis, images.shape[axis], 1)
    down, right = shifts.unbind(1)
    return windows[torch.arange(len(images)), :, reach - down, reach - right]


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


class _Source:
    def __init__(self, config, images, labels, dtype):
        low, high = config["data"]["pixel_range"]
        self.batches = Batches(config, len(labels))
        self.dtype = dtype
        pixels = torch.from_numpy(images)[:, None].to(dtype)
        self.images = pixels * ((high - low) / 255) + low
        self.labels = torch.from_numpy(labels)
        self.choices = config["data"]["digits"] or list(range(10))
        self.max_shift, self.black = config["data"]["max_shift"], low

    def batch(self, step):
        """The images of a step, moved where the config says so, and their digits."""
        chosen = torch.as_tensor(self.batch_indices(step))
        images = self.images[chosen]
        if self.max_shift:
            images = moved(images, self.shifts(step, len(chosen)), self.black)
        return images, self.labels[chosen]


class PhiloxSource(_Source):
    """Numeral's own draws."""

    def __init__(self, config, images, labels, dtype=torch.float32):
        super().__init__(config, images, labels, dtype)
        self.seed = config["seed"]

    def batch_indices(self, step):
        epoch, begin, end = self.batches.place(step)
        order = nr.permutation(len(self.labels), self.seed, nr.Streams.SHUFFLE, epoch)
        return order[begin:end]

    def shifts(self, step, rows):
        reach = np.arange(-self.max_shift, self.max_shift + 1)
        drawn = nr.draw_choices(self.seed, nr.Streams.SHIFT, step, 2 * rows, reach)
        return torch.from_numpy(drawn).reshape(rows, 2)

    def latents(self, step, rows, spec, fresh_for_generator=False, further_input=None):
        draw = nr.draw_normal if spec["distribution"] == "normal" else nr.draw_uniform
        stream = nr.Streams.latents(fresh_for_generator, further_input)
        values = draw(self.seed, stream, step, rows * spec["size"])
        return torch.from_numpy(values).to(self.dtype).reshape(rows, -1)

    def digits(self, step, rows, fresh_for_generator=False):
        stream = nr.Streams.digits(fresh_for_generator)
        return torch.from_numpy(nr.draw_choices(self.seed, stream, step, rows, self.choices))

    def begin_pass(self, network, step, pass_name):
        """Sets the dropout masks of the next forward pass."""

        def draw(layer, shape, rate):
            stream = nr.Streams.dropout(network.role, layer, pass_name)
            kept = nr.draw_kept(self.seed, stream, step, math.prod(shape), rate)
            return torch.from_numpy(kept).reshape(shape)

        network.set_dropout(draw)


class PairSource(PhiloxSource):
    """Numeral's own draws for a latent predictor: pairs of latents and digits, noise, times."""

    def __init__(self, config, pairs, labels, dtype=torch.float32):
        self.batches, self.dtype = Batches(config, len(labels)), dtype
        self.seed = config["seed"]
        self.pairs, self.labels = torch.from_numpy(pairs).to(dtype), torch.from_numpy(labels)

    def batch(self, step):
        """The latents of a step and their digits."""
        chosen = torch.as_tensor(self.batch_indices(step))
        return self.pairs[chosen], self.labels[chosen]

    def noise(self, step, rows, spec):
        draw = nr.draw_normal if spec["distribution"] == "normal" else nr.draw_uniform
        values = draw(self.seed, nr.Streams.NOISE, step, rows * spec["size"])
        return torch.from_numpy(values).to(self.dtype).reshape(rows, -1)

    def times(self, step, rows):
        values = nr.draw_times(self.seed, nr.Streams.TIMES, step, rows)
        return torch.from_numpy(values).to(self.dtype)[:, None]


class TorchSource(_Source):
    """torch's generator; the data set stays in memory as floats."""

    def __init__(self, config, images, labels, dtype=torch.float32):
        super().__init__(config, images, labels, dtype)
        self.epoch = None

    def batch_indices(self, step):
        epoch, begin, end = self.batches.place(step)
        if epoch != self.epoch:
            self.epoch, self.order = epoch, torch.randperm(len(self.labels))
        return self.order[begin:end]

    def shifts(self, step, rows):
        return torch.randint(-self.max_shift, self.max_shift + 1, (rows, 2))

    def latents(self, step, rows, spec, fresh_for_generator=False, further_input=None):
        values = torch.randn if spec["distribution"] == "normal" else torch.rand
        values = values(rows, spec["size"], dtype=self.dtype)
        return values if spec["distribution"] == "normal" else values * 2 - 1

    def digits(self, step, rows, fresh_for_generator=False):
        return torch.tensor(self.choices)[torch.randint(len(self.choices), (rows,))]

    def begin_pass(self, network, step, pass_name):
        pass


# ---- updates ------------------------------------------------------------------------------------


def schedule_factor(schedule, t, total):
    """Factor on the learning rate at update t = 1 .. total; as src/plan/schedule.h."""
    if schedule["type"] == "constant" or total <= 1:
        return 1.0
    progress = (t - 1) / (total - 1)
    if progress <= schedule["start"]:
        return 1.0
    share = min((progress - schedule["start"]) / (1 - schedule["start"]), 1.0)
    fall = share if schedule["type"] == "linear" else (1 - math.cos(math.pi * share)) / 2
    return 1 + (schedule["end"] - 1) * fall


class Adam:
    """torch.optim.Adam. Keras's form adds epsilon to sqrt(v), torch's to sqrt(v / (1 - beta2^t)):
    with torch's epsilon divided by sqrt(1 - beta2^t) the two are the same."""

    def __init__(self, spec, epsilon_hat, parameters, total):
        self.spec, self.epsilon_hat, self.total = spec, epsilon_hat, total
        self.parameters, self.updates = list(parameters), 0
        self.optimizer = torch.optim.Adam(
            self.parameters, betas=(spec["beta1"], spec["beta2"]), foreach=True
        )

    def update(self, gradients):
        self.updates += 1
        t, spec, group = self.updates, self.spec, self.optimizer.param_groups[0]
        group["lr"] = spec["learning_rate"] * schedule_factor(spec["schedule"], t, self.total)
        group["eps"] = spec["epsilon"]
        if self.epsilon_hat:
            group["eps"] /= math.sqrt(1 - spec["beta2"] ** t)
        for parameter, gradient in zip(self.parameters, gradients):
            parameter.grad = gradient
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


class Average:
    """Moving average of a network's weights and running statistics."""

    def __init__(self, network, decay):
        self.decay = decay
        self.source = list(network.state_dict().values())
        self.values = [value.clone() for value in self.source]
        self.names = list(network.state_dict())

    def update(self):
        torch._foreach_mul_(self.values, self.decay)
        torch._foreach_add_(self.values, self.source, alpha=1 - self.decay)

    def state_dict(self):
        return dict(zip(self.names, self.values))


# ---- the steps ----------------------------------------------------------------------------------


class ClassifierTrainer:
    """Runs the steps of a classifier's resolved config, numbered from 0.

    The gradients of the last step are in `gradients`: {"classifier": [...]}.
    """

    def __init__(self, config, source):
        self.config, self.training, self.source = config, config["training"], source
        (self.classifier,) = make_networks(config)
        self.classifier.to(source.dtype).train()
        self.networks = {"classifier": self.classifier}
        self.adam = Adam(
            self.training["optimizers"]["classifier"], config["convention"] == "keras",
            self.classifier.parameters(), source.batches.total,
        )  # fmt: skip
        self.average = None
        if self.training["ema"]:
            self.average = Average(self.classifier, self.training["ema"])
        self.gradients = {}

    def step(self, step):
        """(loss, accuracy) of the step's batch, as tensors; both are those before its update."""
        images, digits = self.source.batch(step)
        self.source.begin_pass(self.classifier, step, "real")
        logits = self.classifier({name: images for name in self.classifier.inputs_of("image")})
        loss = classifier_loss(self.training["loss"], logits, digits)
        gradients = torch.autograd.grad(loss, self.adam.parameters)
        self.gradients = {"classifier": gradients}
        self.adam.update(gradients)
        if self.average:
            self.average.update()
        return loss.detach(), (logits.detach().argmax(1) == digits).double().mean()


class LatentPredictorTrainer:
    """Runs the steps of a latent predictor's resolved config, numbered from 0.

    Without noise the network learns the latents themselves; with noise and a time, by flow
    matching, the velocity on a quarter of a circle from the one to the other. The gradients of the
    last step are in `gradients`: {"latent_predictor": [...]}.
    """

    def __init__(self, config, source):
        self.config, self.training, self.source = config, config["training"], source
        (self.predictor,) = make_networks(config)
        self.predictor.to(source.dtype).train()
        self.networks = {"latent_predictor": self.predictor}
        self.adam = Adam(
            self.training["optimizers"]["latent_predictor"], config["convention"] == "keras",
            self.predictor.parameters(), source.batches.total,
        )  # fmt: skip
        self.average = None
        if self.training["ema"]:
            self.average = Average(self.predictor, self.training["ema"])
        self.gradients = {}

    def step(self, step):
        """(loss,) of the step's batch, as a tensor, before its update."""
        network, source = self.predictor, self.source
        answer, digits = source.batch(step)
        values = {name: one_hot(digits, source.dtype) for name in network.inputs_of("digit")}
        for place, time in zip(network.inputs_of("latent"), network.inputs_of("time")):
            noise = source.noise(step, len(digits), network.input_specs[place])
            values[time] = source.times(step, len(digits))
            angle = math.pi / 2 * values[time]
            values[place] = angle.cos() * noise + angle.sin() * answer
            answer = math.pi / 2 * (angle.cos() * answer - angle.sin() * noise)
        source.begin_pass(network, step, "pairs")
        loss = F.mse_loss(network(values), answer)
        gradients = torch.autograd.grad(loss, self.adam.parameters)
        self.gradients = {"latent_predictor": gradients}
        self.adam.update(gradients)
        if self.average:
            self.average.update()
        return (loss.detach(),)


class Trainer:
    """Runs the steps of a GAN's resolved config, numbered from 0.

    `join` runs real and fake images through D as one batch where D allows that. The gradients of
    the last step are in `gradients`: {"generator": [...], "discriminator": [...]}.
    """

    def __init__(self, config, source, join=False, networks=None, wrap=lambda network: network):
        """`networks`: (generator, discriminator), by default new ones; `wrap` makes what is called
        in place of each, such as a compiled form."""
        self.config, self.training, self.source = config, config["training"], source
        self.generator, self.discriminator = networks or make_networks(config)
        self.networks = {n.role: n for n in (self.generator, self.discriminator)}
        for network in self.networks.values():
            network.to(source.dtype).train()
        self.run = {role: wrap(network) for role, network in self.networks.items()}
        self.join = join and not self.discriminator.couples_batch()
        self.period = self.training["discriminator_steps"]
        total, epsilon_hat = source.batches.total, config["convention"] == "keras"
        optimizers = self.training["optimizers"]
        self.adam = {
            network.role: Adam(optimizers[network.role], epsilon_hat, network.parameters(), updates)
            for network, updates in (
                (self.generator, max(total // self.period, 1)),
                (self.discriminator, total),
            )
        }
        self.average = None
        if self.training["ema"]:
            self.average = Average(self.generator, self.training["ema"])
        self.gradients = {}
        self._check()

    def _check(self):
        training = self.training
        reused = training["order"] == "simultaneous" or training["fakes"] == "reused"
        if reused and (training["generator_batch_size"] or self.period > 1):
            raise ValueError("generator_batch_size and discriminator_steps need fresh fakes")
        if training["order"] == "simultaneous" and training["fakes"] == "fresh":
            raise ValueError("simultaneous updates share their fakes")

    def step(self, step):
        """(d_loss, g_loss) as tensors; g_loss is None where the generator is not updated."""
        with_generator = (step + 1) % self.period == 0
        order, fresh = self.training["order"], self.training["fakes"] == "fresh"
        self.real, self.real_digits = self.source.batch(step)
        rows = len(self.real)
        if order == "simultaneous":
            return self._simultaneous(step, self._fakes(step, rows))
        generator_rows = self.training["generator_batch_size"] or rows
        g_loss = None
        if order == "discriminator_first":
            with torch.set_grad_enabled(with_generator and not fresh):
                fakes = self._fakes(step, rows)
            d_loss = self._update_discriminator(step, fakes)
            if with_generator:
                fakes = self._fakes(step, generator_rows, True) if fresh else fakes
                g_loss = self._update_generator(step, fakes)
            return d_loss, g_loss
        fakes = None
        if with_generator:
            fakes = self._fakes(step, generator_rows, fresh)
            g_loss = self._update_generator(step, fakes)
        if fresh:
            with torch.no_grad():
                fakes = self._fakes(step, rows)
        return self._update_discriminator(step, fakes), g_loss

    def _fakes(self, step, rows, fresh_for_generator=False):
        """Generated images and their digits (None where nobody knows them)."""
        network, source, digits, values = self.generator, self.source, None, {}
        for i, name in enumerate(network.inputs_of("latent")):
            spec, further = network.input_specs[name], name if i else None
            values[name] = source.latents(step, rows, spec, fresh_for_generator, further)
        if network.inputs_of("digit") or len(source.choices) == 1:
            digits = source.digits(step, rows, fresh_for_generator)
        for name in network.inputs_of("digit"):
            values[name] = one_hot(digits, source.dtype)
        only_for_d = self.training["fakes"] == "fresh" and not fresh_for_generator
        source.begin_pass(network, step, "fake" if only_for_d else "generator")
        return self.run["generator"](values), digits

    def _judge(self, step, pass_name, images, digits):
        network = self.discriminator
        self.source.begin_pass(network, step, pass_name)
        values = {name: images for name in network.inputs_of("image")}
        for name in network.inputs_of("digit"):
            values[name] = one_hot(digits, self.source.dtype)
        return self.run["discriminator"](values)

    def _loss(self, part, logits, digits):
        return adversarial_loss(self.training["loss"], part, logits, digits)

    def _discriminator_loss(self, step, images, digits):
        """The loss and D's logits of the fakes."""
        if self.join:
            both = None
            if digits is not None:
                both = torch.cat([self.real_digits, digits])
            logits = self._judge(step, "joined", torch.cat([self.real, images]), both)
            real, fake = logits[: len(self.real)], logits[len(self.real) :]
        else:
            real = self._judge(step, "real", self.real, self.real_digits)
            fake = self._judge(step, "fake", images, digits)
        loss = self._loss("real", real, self.real_digits) + self._loss("fake", fake, digits)
        return loss / 2 if self.training["loss"]["combine"] == "mean" else loss, fake

    def _gradients(self, network, loss, retain=False):
        parameters = self.adam[network.role].parameters
        self.gradients[network.role] = torch.autograd.grad(loss, parameters, retain_graph=retain)

    def _apply(self, network):
        self.adam[network.role].update(self.gradients[network.role])
        if network is self.generator and self.average:
            self.average.update()

    def _update_discriminator(self, step, fakes):
        images, digits = fakes
        loss, _ = self._discriminator_loss(step, images.detach(), digits)
        self._gradients(self.discriminator, loss)
        self._apply(self.discriminator)
        return loss.detach()

    def _update_generator(self, step, fakes):
        images, digits = fakes
        logits = self._judge(step, "generator", images, digits)
        loss = self._loss("generator", logits, digits)
        self._gradients(self.generator, loss)
        self._apply(self.generator)
        return loss.detach()

    def _simultaneous(self, step, fakes):
        images, digits = fakes
        d_loss, logits = self._discriminator_loss(step, images, digits)
        g_loss = self._loss("generator", logits, digits)
        self._gradients(self.generator, g_loss, retain=True)
        self._gradients(self.discriminator, d_loss)
        self._apply(self.generator)
        self._apply(self.discriminator)
        return d_loss.detach(), g_loss.detach()
