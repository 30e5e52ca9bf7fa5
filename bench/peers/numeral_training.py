"""Numeral's training steps in PyTorch: orders, reused and fresh fakes, Adam, moving averages.

Where the numbers come from is a source's business (numeral_sources.py).
"""

import math

import torch
import torch.nn.functional as F

from numeral_torch import adversarial_loss, classifier_loss, make_networks, one_hot

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
    with torch's epsilon divided by sqrt(1 - beta2^t) the two are the same.

    With `capturable`, for a CUDA graph, the learning rate is a tensor that `advance` sets between
    replays, and epsilon stays what it was at the capture."""

    def __init__(self, spec, epsilon_hat, parameters, total, capturable=False):
        self.spec, self.epsilon_hat, self.total = spec, epsilon_hat, total
        self.parameters, self.updates = list(parameters), 0
        self.captured = False
        options = {"foreach": True}
        if self.parameters[0].is_cuda and torch.__version__ >= "2":
            options = {"fused": True}
        if capturable:
            rate = torch.tensor(float(spec["learning_rate"]), device=self.parameters[0].device)
            options.update(capturable=True, lr=rate)
        self.optimizer = torch.optim.Adam(
            self.parameters, betas=(spec["beta1"], spec["beta2"]), **options
        )

    def advance(self):
        """Sets the next update's rate and epsilon."""
        self.updates += 1
        t, spec, group = self.updates, self.spec, self.optimizer.param_groups[0]
        rate = spec["learning_rate"] * schedule_factor(spec["schedule"], t, self.total)
        if not isinstance(group["lr"], torch.Tensor):
            group["lr"] = rate
        elif spec["schedule"]["type"] != "constant":
            group["lr"].fill_(rate)
        group["eps"] = spec["epsilon"]
        if self.epsilon_hat:
            group["eps"] /= math.sqrt(1 - spec["beta2"] ** t)

    def update(self, gradients):
        if not self.captured:
            self.advance()
        for parameter, gradient in zip(self.parameters, gradients):
            if gradient.stride() != parameter.stride():  # which the fused form refuses
                gradient = torch.empty_like(parameter).copy_(gradient)
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


def _begin_alone(trainer, config, source, networks, capturable):
    """What a trainer of a single network starts with."""
    trainer.config, trainer.training, trainer.source = config, config["training"], source
    (network,) = networks or make_networks(config)
    network.to(source.device, source.dtype).train()
    trainer.networks = {network.role: network}
    trainer.run = dict(trainer.networks)  # what is called in place of each
    adam = Adam(
        trainer.training["optimizers"][network.role], config["convention"] == "keras",
        network.parameters(), source.batches.total, capturable,
    )  # fmt: skip
    trainer.adam, trainer.average, trainer.gradients = {network.role: adam}, None, {}
    if trainer.training["ema"]:
        trainer.average = Average(network, trainer.training["ema"])


class ClassifierTrainer:
    """Runs the steps of a classifier's resolved config, numbered from 0.

    The gradients of the last step are in `gradients`: {"classifier": [...]}.
    """

    def __init__(self, config, source, networks=None, capturable=False):
        _begin_alone(self, config, source, networks, capturable)
        (self.classifier,) = self.networks.values()

    def step(self, step):
        """(loss, accuracy) of the step's batch, as tensors; both are those before its update."""
        images, digits = self.source.batch(step)
        self.source.begin_pass(self.classifier, step, "real")
        values = {name: images for name in self.classifier.inputs_of("image")}
        logits = self.run["classifier"](values)
        loss = classifier_loss(self.training["loss"], logits, digits)
        adam = self.adam["classifier"]
        self.gradients = {"classifier": torch.autograd.grad(loss, adam.parameters)}
        adam.update(self.gradients["classifier"])
        if self.average:
            self.average.update()
        return loss.detach(), (logits.detach().argmax(1) == digits).double().mean()


class LatentPredictorTrainer:
    """Runs the steps of a latent predictor's resolved config, numbered from 0.

    Without noise the network learns the latents themselves; with noise and a time, by flow
    matching, the velocity on a quarter of a circle from the one to the other. The gradients of the
    last step are in `gradients`: {"latent_predictor": [...]}.
    """

    def __init__(self, config, source, networks=None, capturable=False):
        _begin_alone(self, config, source, networks, capturable)
        (self.predictor,) = self.networks.values()

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
        loss = F.mse_loss(self.run["latent_predictor"](values), answer)
        adam = self.adam["latent_predictor"]
        self.gradients = {"latent_predictor": torch.autograd.grad(loss, adam.parameters)}
        adam.update(self.gradients["latent_predictor"])
        if self.average:
            self.average.update()
        return (loss.detach(),)


class Trainer:
    """Runs the steps of a GAN's resolved config, numbered from 0.

    `join` runs real and fake images through D as one batch where D allows that. The gradients of
    the last step are in `gradients`: {"generator": [...], "discriminator": [...]}.
    """

    def __init__(self, config, source, join=False, networks=None, capturable=False):
        """`networks`: (generator, discriminator), by default new ones."""
        self.config, self.training, self.source = config, config["training"], source
        self.generator, self.discriminator = networks or make_networks(config)
        self.networks = {n.role: n for n in (self.generator, self.discriminator)}
        for network in self.networks.values():
            network.to(source.device, source.dtype).train()
        self.run = dict(self.networks)  # what is called in place of each
        self.join = join and not self.discriminator.couples_batch()
        self.period = self.training["discriminator_steps"]
        total, epsilon_hat = source.batches.total, config["convention"] == "keras"
        optimizers = self.training["optimizers"]
        self.adam = {
            network.role: Adam(
                optimizers[network.role], epsilon_hat, network.parameters(), updates, capturable
            )
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
