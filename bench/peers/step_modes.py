"""The ways in which PyTorch can run a step: precisions, layouts, compiled, as a CUDA graph."""

import functools

import torch

PRECISIONS = ("fp32", "tf32", "bf16")
WARM_UP_STEPS = 3  # before a capture, on a stream of its own


def set_precision(precision):
    """fp32 without TF32 anywhere; tf32 with it in products and convolutions; bf16 is `autocast`."""
    allowed = precision != "fp32"
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed
    torch.backends.cudnn.benchmark = True  # every step has the same shapes


def autocast(network, device):
    """The network in mixed precision, with results in float32 for the losses."""

    def run(values):
        with torch.autocast(device, torch.bfloat16):
            return network(values).float()

    return run


def wrap(trainer, device, precision, compiled=False):
    for role, network in trainer.networks.items():
        run = torch.compile(network) if compiled else network
        trainer.run[role] = autocast(run, device) if precision == "bf16" else run


class CapturedStep:
    """A trainer's steps as CUDA graphs: one for those that update the generator, one for the
    others. The data set, the draws and the counters are on the device."""

    def __init__(self, trainer):
        self.trainer = trainer
        self.period = getattr(trainer, "period", 1)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for step in range(WARM_UP_STEPS * self.period):
                trainer.source.begin_step(step)
                trainer.step(step)
        torch.cuda.current_stream().wait_stream(stream)
        for adam in trainer.adam.values():
            adam.captured = True
        self.graphs = {}
        for residue in sorted({0, self.period - 1}):
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                losses = trainer.step(residue)
            self.graphs[residue == self.period - 1] = (graph, losses)
        trainer.source.epoch = None  # the next step begins one

    def step(self, step):
        with_generator = (step + 1) % self.period == 0
        self.trainer.source.begin_step(step)
        for role, adam in self.trainer.adam.items():
            if role != "generator" or with_generator:
                adam.advance()
        graph, losses = self.graphs[with_generator]
        graph.replay()
        return losses


def plain_step(trainer):
    def step(number):
        trainer.source.begin_step(number)
        return trainer.step(number)

    return step


def synchronise(device):
    if device == "cuda":
        torch.cuda.synchronize()


@functools.lru_cache(None)
def missing(device, compiled, graph, precision):
    """Why this torch cannot run so; None where it can."""
    if device == "cuda" and not torch.cuda.is_available():
        return f"torch {torch.__version__} sees no GPU"
    if compiled and not hasattr(torch, "compile"):
        return f"torch {torch.__version__} has no torch.compile"
    if graph and device != "cuda":
        return "a CUDA graph needs --device cuda"
    if precision == "tf32" and device != "cuda":
        return "tf32 needs --device cuda"
    return None
