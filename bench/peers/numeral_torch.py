"""Numeral's networks and losses as PyTorch modules.

`Network` is built from the JSON of a network; its state_dict has exactly the names, shapes and
orders of a Numeral weights file. Activations are NCHW, flat features in C, H, W order.
"""

import json

import torch
import torch.nn.functional as F
from torch import nn

import numeral_config
import numeral_random
import safetensors_file

IMAGE = (1, 28, 28)
DIGITS = 10


# ---- layers -------------------------------------------------------------------------------------


def same_padding(size, kernel, stride):
    """TensorFlow's "same" in one dimension: padding before and after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def resolve_padding(padding, kernel, stride, height, width):
    """[top, bottom, left, right] for an image of that size."""
    if padding == "valid":
        return [0, 0, 0, 0]
    if padding == "same":
        return [
            *same_padding(height, kernel[0], stride[0]),
            *same_padding(width, kernel[1], stride[1]),
        ]
    return list(padding)


def _pad(x, padding, value=0.0):
    top, bottom, left, right = padding
    return F.pad(x, (left, right, top, bottom), value=value)


def _is_symmetric(padding):
    return padding[0] == padding[1] and padding[2] == padding[3]


class Conv(nn.Conv2d):
    def __init__(self, spec, shape):
        pads = resolve_padding(spec["padding"], spec["kernel"], spec["stride"], *shape[1:])
        self.pads = None if _is_symmetric(pads) else pads
        inside = (0, 0) if self.pads else (pads[0], pads[2])
        super().__init__(
            shape[0], spec["filters"], spec["kernel"], spec["stride"], inside, bias=spec["bias"]
        )

    def forward(self, x):
        return super().forward(_pad(x, self.pads) if self.pads else x)


class ConvTranspose(nn.ConvTranspose2d):
    """The adjoint of Conv: the full result, cropped by that convolution's padding."""

    def __init__(self, spec, shape):
        kernel, stride, padding = spec["kernel"], spec["stride"], spec["padding"]
        full = [(shape[1 + d] - 1) * stride[d] + kernel[d] for d in (0, 1)]
        if padding == "same":
            self.size = [shape[1 + d] * stride[d] for d in (0, 1)]
        else:
            pads = resolve_padding(padding, kernel, stride, *full)
            self.size = [
                full[d] - pads[2 * d] - pads[2 * d + 1] + spec["output_padding"][d] for d in (0, 1)
            ]
        pads = resolve_padding(padding, kernel, stride, *self.size)
        begin = (pads[0], pads[2])
        missing = [max(self.size[d] - (full[d] - 2 * begin[d]), 0) for d in (0, 1)]
        super().__init__(
            shape[0], spec["filters"], kernel, stride, begin, missing, bias=spec["bias"]
        )

    def forward(self, x):
        return super().forward(x)[:, :, : self.size[0], : self.size[1]]


class BatchNorm(nn.Module):
    """Batch norm that can keep the biased running variance, as Keras does for flat features."""

    def __init__(self, spec, shape, convention):
        super().__init__()
        self.epsilon = spec["epsilon"]
        keras = convention == "keras"
        self.share = 1 - spec["momentum"] if keras else spec["momentum"]  # of the new batch
        self.biased = keras and len(shape) == 1
        self.weight = nn.Parameter(torch.ones(shape[0]))
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        self.register_buffer("running_mean", torch.zeros(shape[0]))
        self.register_buffer("running_var", torch.ones(shape[0]))

    def forward(self, x):
        correct = self.biased and self.training
        running_var = self.running_var.clone() if correct else self.running_var
        y = F.batch_norm(
            x, self.running_mean, running_var, self.weight, self.bias, self.training, self.share,
            self.epsilon,
        )  # fmt: skip
        if correct:  # what was added is share * unbiased variance
            kept = self.running_var * (1 - self.share)
            self.running_var.copy_(kept + (running_var - kept) * ((len(x) - 1) / len(x)))
        return y


class Dropout(nn.Module):
    """Draws its own mask, or applies that of `kept`: NHWC shape -> bool tensor."""

    def __init__(self, spec):
        super().__init__()
        self.rate = spec["rate"]
        self.image = None  # C, H, W of the image that flat features came from
        self.kept = None

    def forward(self, x):
        if not self.training or self.kept is None:
            return F.dropout(x, self.rate, self.training)
        c, *pixels = self.image or tuple(x.shape[1:])
        kept = self.kept((len(x), *pixels, c)).movedim(-1, 1).reshape(x.shape)
        return x * kept / (1 - self.rate)


class Reshape(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.shape = tuple([spec["shape"][-1], *spec["shape"][:-1]])

    def forward(self, x):
        return x.reshape(len(x), *self.shape)


class MaxPool(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.kernel, self.stride = spec["kernel"], spec["stride"]
        self.pads = resolve_padding(spec["padding"], spec["kernel"], spec["stride"], 0, 0)

    def forward(self, x):
        if any(self.pads):
            x = _pad(x, self.pads, float("-inf"))
        return F.max_pool2d(x, self.kernel, self.stride)


class GlobalMaxPool(nn.Module):
    def forward(self, x):
        return x.flatten(2).max(2).values  # its gradient goes to one pixel, amax's to all that tie


class Upsample(nn.Upsample):
    def __init__(self, spec):
        super().__init__(scale_factor=spec["factor"], mode="nearest")


class Concat(nn.Module):
    def forward(self, *inputs):
        return torch.cat(inputs, 1)


class Fold(nn.Module):
    """Elementwise over all inputs; flat ones beside images are spread over the pixels."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        dims = max(x.dim() for x in inputs)
        result = None
        for x in inputs:
            x = x if x.dim() == dims else x[:, :, None, None]
            result = x if result is None else self.function(result, x)
        return result


def _make_layer(spec, shapes, convention):
    """The module of a resolved layer; `shapes` are its inputs', without the batch."""
    shape = shapes[0]
    return {
        "dense": lambda: nn.Linear(shape[0], spec["units"], bias=spec["bias"]),
        "conv": lambda: Conv(spec, shape),
        "conv_transpose": lambda: ConvTranspose(spec, shape),
        "batch_norm": lambda: BatchNorm(spec, shape, convention),
        "leaky_relu": lambda: nn.LeakyReLU(spec["slope"]),
        "relu": nn.ReLU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "dropout": lambda: Dropout(spec),
        "reshape": lambda: Reshape(spec),
        "flatten": nn.Flatten,
        "max_pool": lambda: MaxPool(spec),
        "global_max_pool": GlobalMaxPool,
        "upsample": lambda: Upsample(spec),
        "pixel_shuffle": lambda: nn.PixelShuffle(spec["factor"]),
        "concat": Concat,
        "multiply": lambda: Fold(torch.mul),
        "add": lambda: Fold(torch.add),
    }[spec["type"]]()


# ---- networks -----------------------------------------------------------------------------------

_KEEPS_ORDER = ("batch_norm", "leaky_relu", "relu", "tanh", "sigmoid", "dropout")


class Network(nn.Module):
    """A network of a config. Its submodules have the layers' names."""

    def __init__(self, spec, convention, role):
        """`spec` is resolved (numeral_config.resolve_network); `role` is "generator", ..."""
        super().__init__()
        self.spec, self.convention, self.role = spec, convention, role
        self.input_specs = spec["inputs"]
        shapes = {name: self._input_shape(name) for name in self.input_specs}
        images = {}  # flat values whose features are an image's: its shape
        for layer in spec["layers"]:
            name, sources = layer["name"], layer["inputs"]
            module = _make_layer(layer, [shapes[s] for s in sources], convention)
            self.add_module(name, module)
            zeros = [torch.zeros(1, *shapes[s]) for s in sources]
            with torch.no_grad():
                shapes[name] = tuple(module.eval()(*zeros).shape[1:])
            if layer["type"] == "flatten":
                images[name] = shapes[sources[0]]
            elif layer["type"] in _KEEPS_ORDER:
                images[name] = images.get(sources[0])
            if layer["type"] == "dropout" and len(shapes[name]) == 1:
                self._check_plain_after(name)
                module.image = images[name]
        self.shapes = shapes
        self.train()

    def _check_plain_after(self, name):
        """Refuses a dropout of flat features that a reshape wants in an image's order."""
        for layer in self.spec["layers"]:
            if name in layer["inputs"]:
                if layer["type"] == "reshape":
                    raise NotImplementedError(f"{name}: dropout of flat features before a reshape")
                if layer["type"] in _KEEPS_ORDER + ("add", "multiply"):
                    self._check_plain_after(layer["name"])

    def _input_shape(self, name):
        spec = self.input_specs[name]
        return {
            "latent": lambda: (spec["size"],),
            "digit": lambda: (DIGITS,),
            "image": lambda: IMAGE,
            "time": lambda: (1,),
        }[spec["kind"]]()

    def inputs_of(self, kind):
        """Names of the inputs of a kind."""
        return [name for name, spec in self.input_specs.items() if spec["kind"] == kind]

    def couples_batch(self):
        """Whether a sample's result depends on the rest of its batch in training."""
        return any(layer["type"] == "batch_norm" for layer in self.spec["layers"])

    def forward(self, values):
        """`values`: input name -> tensor; digits are one-hot."""
        values = dict(values)
        for layer in self.spec["layers"]:
            inputs = [values[source] for source in layer["inputs"]]
            values[layer["name"]] = self._modules[layer["name"]](*inputs)
        return values[self.spec["layers"][-1]["name"]]

    def set_dropout(self, draw):
        """Masks come from draw(layer, NHWC shape, rate) -> bool tensor; None: torch's own."""
        for name, module in self._modules.items():
            if isinstance(module, Dropout):
                module.kept = None if draw is None else _bind(draw, name, module.rate)

    def initialise(self, seed):
        """The same values as InitialValues() of src/graph."""
        layers = {layer["name"]: layer for layer in self.spec["layers"]}
        for full_name, tensor in self.named_parameters():
            name, suffix = full_name.rsplit(".", 1)
            layer, weight = layers[name], self._modules[name].weight
            if layer["type"] == "batch_norm":
                fan_in, fan_out = len(weight), 1
            else:
                area = weight[0, 0].numel()
                fan_in, fan_out = weight.shape[1] * area, weight.shape[0] * area
            values = numeral_random.draw_init(
                seed, self.role, full_name, tensor.numel(), layer[suffix + "_init"], fan_in, fan_out
            )
            with torch.no_grad():
                tensor.copy_(torch.from_numpy(values).reshape(tensor.shape))


def _bind(draw, name, rate):
    return lambda shape: draw(name, shape, rate)


def make_networks(config):
    """[generator, discriminator], [classifier] or [latent_predictor] of a resolved config, drawn
    from its seed."""
    networks = []
    for role, spec in config["networks"].items():
        network = Network(spec, config["convention"], role)
        network.initialise(config["seed"])
        networks.append(network)
    return networks


def one_hot(digits, dtype=torch.float32):
    return F.one_hot(digits, DIGITS).to(dtype)


def load_weights(module, path):
    """Strict; returns the file's metadata."""
    tensors, metadata = safetensors_file.read(path)
    module.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()})
    return metadata


def save_weights(network, path):
    """A file that Numeral reads as its own."""
    tensors = {k: v.detach().float().numpy() for k, v in network.state_dict().items()}
    metadata = {
        "network": json.dumps(network.spec),
        "role": network.role,
        "convention": network.convention,
    }
    safetensors_file.write(path, tensors, metadata)


def network_of_file(path):
    """Builds the network that a weights file describes and loads the weights, in inference mode."""
    _, metadata = safetensors_file.read(path)
    convention, role = metadata["convention"], metadata["role"]
    spec = numeral_config.resolve_network(
        numeral_config.parse(metadata["network"]), convention, str(path)
    )
    network = Network(spec, convention, role)
    load_weights(network, path)
    return network.eval()


# ---- losses -------------------------------------------------------------------------------------


def _digit_or_zeros(part, logits, digits, smoothing):
    target = torch.zeros_like(logits)
    if part != "fake":
        target = one_hot(digits, logits.dtype)
        target = target * (1 - smoothing) if part == "real" else target
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(1).mean()


def _softmax(part, logits, digits, smoothing):
    fake = torch.full((len(logits),), DIGITS, device=logits.device)
    target = fake if part == "fake" else digits
    return F.cross_entropy(logits, target, label_smoothing=smoothing if part == "real" else 0.0)


def _bce(part, logits, digits, smoothing):
    target = {"real": 1 - smoothing, "fake": 0.0, "generator": 1.0}[part]
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def _least_squares(part, logits, digits, smoothing):
    target = {"real": 1 - smoothing, "fake": 0.0, "generator": 1.0}[part]
    return (logits - target).square().mean() / 2


def _hinge(part, logits, digits, smoothing):
    if smoothing:
        raise NotImplementedError("label smoothing of the hinge loss, which has no targets")
    if part == "generator":
        return -logits.mean()
    return F.relu(1 - logits if part == "real" else 1 + logits).mean()


_LOSSES = {
    "bce": _bce,
    "digit_or_zeros": _digit_or_zeros,
    "softmax": _softmax,
    "least_squares": _least_squares,
    "hinge": _hinge,
}


def adversarial_loss(spec, part, logits, digits):
    """Mean over rows of D's loss on "real" or "fake" images, or of the "generator"'s.

    `spec` is the config's /training/loss; `digits` are those of the images, unused by the
    one-output losses.
    """
    return _LOSSES[spec["type"]](part, logits, digits, spec["label_smoothing"])


def classifier_loss(spec, logits, digits):
    """Mean over rows of the cross-entropy of softmax; `spec` is the config's /training/loss."""
    if spec["type"] != "cross_entropy":
        raise ValueError(f"{spec['type']!r} is no loss of a classifier")
    return F.cross_entropy(logits, digits, label_smoothing=spec["label_smoothing"])
