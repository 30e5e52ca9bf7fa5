"""Reads a Numeral config (as written or resolved) and fills every default in.

The result is plain dicts with the JSON's own keys. Unknown keys are refused, so that a peer never
silently runs something else than the config says.
"""

import json
from pathlib import Path

REQUIRED = object()


class ByConvention:
    """A default that differs between PyTorch and Keras."""

    def __init__(self, pytorch, keras):
        self.pytorch, self.keras = pytorch, keras


_WEIGHT = ByConvention("kaiming_uniform", "glorot_uniform")
_BIAS = ByConvention("kaiming_uniform", "zeros")
_AFFINE = {"bias": True, "weight_init": _WEIGHT, "bias_init": _BIAS}
_WINDOW = {"kernel": REQUIRED, "stride": 1, "padding": "valid"}

LAYERS = {
    "dense": {"units": REQUIRED, **_AFFINE},
    "conv": {"filters": REQUIRED, **_WINDOW, **_AFFINE},
    "conv_transpose": {"filters": REQUIRED, **_WINDOW, "output_padding": 0, **_AFFINE},
    "batch_norm": {
        "epsilon": ByConvention(1e-5, 1e-3),
        "momentum": ByConvention(0.1, 0.99),
        "weight_init": "ones",
        "bias_init": "zeros",
    },
    "leaky_relu": {"slope": ByConvention(0.01, 0.3)},
    "relu": {},
    "tanh": {},
    "sigmoid": {},
    "dropout": {"rate": 0.5},
    "reshape": {"shape": REQUIRED},
    "flatten": {},
    "max_pool": {"kernel": REQUIRED, "stride": None, "padding": "valid"},
    "global_max_pool": {},
    "upsample": {"factor": 2},
    "pixel_shuffle": {"factor": 2},
    "concat": {},
    "multiply": {},
    "add": {},
}
INPUTS = {
    "latent": {"size": REQUIRED, "distribution": "normal"},
    "digit": {},
    "image": {},
    "time": {},
}
INITS = {
    "zeros": {},
    "ones": {},
    "normal": {"mean": 0.0, "std": 1.0},
    "uniform": {"bound": 1.0},
    "glorot_uniform": {},
    "kaiming_uniform": {},
}
SCHEDULES = {
    "constant": {},
    "linear": {"start": 0.0, "end": 0.0},
    "cosine": {"start": 0.0, "end": 0.0},
}
TOP = {
    "$schema": None,
    "name": "",
    "description": "",
    "seed": 1,
    "convention": "pytorch",
    "precision": "fp32",
    "data": {},
    "networks": REQUIRED,
    "training": {},
    "output": {},
    "evaluation": {},  # of a generator while it trains; no part of a step
    "pairs": {},  # of a latent predictor; no part of a step
}
DATA = {
    "dataset": "mnist",
    "split": "train",
    "digits": [],
    "limit": 0,
    "last_batch": "keep",
    "pixel_range": [-1, 1],
    "max_shift": 0,
}
ROLES = ("generator", "discriminator")  # of a GAN
ALONE = ("classifier", "latent_predictor")  # what is trained without another network
TRAINING = {
    "epochs": 1,
    "batch_size": 64,
    "steps_per_epoch": 0,
    "loss": {},
    "optimizers": {},
    "ema": 0.0,
}
ADVERSARIAL_TRAINING = {
    **TRAINING,
    "generator_batch_size": 0,
    "order": "simultaneous",
    "fakes": None,
    "discriminator_steps": 1,
}
LOSSES = {
    "classifier": {"type": "cross_entropy", "label_smoothing": 0.0},
    "latent_predictor": {"type": "mean_squared"},
}
ADVERSARIAL_LOSS = {"type": "bce", "label_smoothing": 0.0, "combine": "sum"}
OPTIMIZER = {
    "type": "adam",
    "learning_rate": 1e-3,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": ByConvention(1e-8, 1e-7),
    "schedule": {"type": "constant"},
}


def _fill(given, table, convention, where):
    for key in given:
        if key not in table:
            raise ValueError(f"{where}: unknown key {key!r}")
    filled = {}
    for key, default in table.items():
        if isinstance(default, ByConvention):
            default = getattr(default, convention)
        value = given.get(key, default)
        if value is REQUIRED:
            raise ValueError(f"{where}: {key!r} is missing")
        filled[key] = value
    return filled


def _fill_kind(given, kinds, convention, where, selector="type", common=()):
    """Fills an object whose `selector` key names its kind."""
    kind = given.get(selector)
    if kind not in kinds:
        raise ValueError(f"{where}: {selector} {kind!r} is none of {', '.join(kinds)}")
    own = {k: v for k, v in given.items() if k != selector and k not in common}
    return {selector: kind, **_fill(own, kinds[kind], convention, f"{where} ({kind})")}


def _pair(value):
    return [value, value] if isinstance(value, int) else list(value)


def _padding(value):
    """"same", "valid" or [top, bottom, left, right]."""
    if isinstance(value, str):
        return value
    pair = _pair(value)
    return [pair[0], pair[0], pair[1], pair[1]] if len(pair) == 2 else pair


def _resolve_layer(layer, convention, where):
    resolved = _fill_kind(layer, LAYERS, convention, where, common=("name", "inputs"))
    for key in ("weight_init", "bias_init"):
        if key in resolved:
            init = resolved[key]
            init = {"type": init} if isinstance(init, str) else init
            resolved[key] = _fill_kind(init, INITS, convention, f"{where}/{key}")
    if "kernel" in resolved:
        if resolved["stride"] is None:
            resolved["stride"] = resolved["kernel"]
        for key in ("kernel", "stride", "output_padding"):
            if key in resolved:
                resolved[key] = _pair(resolved[key])
        resolved["padding"] = _padding(resolved["padding"])
        if resolved["type"] == "max_pool" and resolved["padding"] == "valid":
            resolved["padding"] = [0, 0, 0, 0]
    return resolved


def resolve_network(network, convention, where="network"):
    """One network with all defaults, names and inputs explicit."""
    inputs = {
        name: _fill_kind(spec, INPUTS, convention, f"{where}/inputs/{name}", selector="kind")
        for name, spec in network["inputs"].items()
    }
    taken = {layer["name"] for layer in network["layers"] if "name" in layer} | set(inputs)
    layers = []
    for i, layer in enumerate(network["layers"]):
        resolved = _resolve_layer(layer, convention, f"{where}/layers/{i}")
        name = layer.get("name")
        if name is None:
            count = 1
            name = layer["type"]
            while name in taken:
                count += 1
                name = f"{layer['type']}_{count}"
            taken.add(name)
        previous = [layers[-1]["name"]] if layers else list(inputs)
        if "inputs" not in layer and len(previous) != 1:
            raise ValueError(f"{where}/layers/{i}: 'inputs' is missing")
        layers.append({**resolved, "name": name, "inputs": list(layer.get("inputs", previous))})
    return {"inputs": inputs, "layers": layers}


def trained_alone(config):
    """The role of the network that a config, as written or resolved, trains alone; None for a GAN."""
    return next((role for role in ALONE if role in config["networks"]), None)


def _resolve_optimizer(optimizer, convention, where):
    optimizer = _fill(optimizer, OPTIMIZER, convention, where)
    optimizer["schedule"] = _fill_kind(
        optimizer["schedule"], SCHEDULES, convention, f"{where}/schedule"
    )
    return optimizer


def _resolve_training(training, roles, convention):
    adversarial = roles == ROLES
    table = ADVERSARIAL_TRAINING if adversarial else TRAINING
    loss = ADVERSARIAL_LOSS if adversarial else LOSSES[roles[0]]
    training = _fill(training, table, convention, "/training")
    if adversarial and training["fakes"] is None:
        fresh = training["order"] == "discriminator_first"
        training["fakes"] = "fresh" if fresh else "reused"
    training["loss"] = _fill(training["loss"], loss, convention, "/training/loss")
    where = "/training/optimizers"
    optimizers = _fill(training["optimizers"], dict.fromkeys(roles, {}), convention, where)
    training["optimizers"] = {
        role: _resolve_optimizer(optimizer, convention, f"{where}/{role}")
        for role, optimizer in optimizers.items()
    }
    return training


def resolve(config, name=""):
    """A whole config with every default filled in."""
    convention = config.get("convention", "pytorch")
    top = _fill(config, TOP, convention, "config")
    top["name"] = top["name"] or name
    top["data"] = _fill(top["data"], DATA, convention, "/data")
    alone = trained_alone(top)
    roles = (alone,) if alone else ROLES
    networks = _fill(top["networks"], dict.fromkeys(roles, REQUIRED), convention, "/networks")
    top["networks"] = {
        role: resolve_network(network, convention, f"/networks/{role}")
        for role, network in networks.items()
    }
    top["training"] = _resolve_training(top["training"], roles, convention)
    return top


def _number(text):
    """Numeral takes 1e3 for an integer."""
    value = float(text)
    return int(value) if value.is_integer() else value


def parse(text):
    return json.loads(text, parse_float=_number)


def load(path):
    path = Path(path)
    return resolve(parse(path.read_text()), path.stem)


def scale_widths(network, scaled):
    """Gives every layer and latent of a network, as written, `scaled` of its width; what feeds a
    reshape gets the size of the scaled shape."""
    products = {}
    for layer in network["layers"]:
        if layer["type"] == "reshape" and len(layer["shape"]) == 3:
            h, w, c = layer["shape"]
            products[h * w * c] = h * w * scaled(c)
            layer["shape"] = [h, w, scaled(c)]

    def width(units):
        return products.get(units, scaled(units))

    for spec in network["inputs"].values():
        if "size" in spec:
            spec["size"] = width(spec["size"])
    for layer in network["layers"]:
        for key in ("units", "filters"):
            if key in layer:
                layer[key] = width(layer[key])
