"""Images per second against batch size and width of the networks, and their plot."""

import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import servers
from machine import ROOT
from servers import Unavailable, summary
from steps import CHUNK_MS, load
from tables import table

sys.path.append(str(ROOT / "bench/peers"))

import numeral_config  # noqa: E402

BATCHES = (16, 64, 256, 1024, 4096)
WIDTHS = (0.5, 1, 2, 4)
CONFIGS = ("dcgan", "gan_mlp")
LEAST_WIDTH = 12  # what is narrower stays: digits, scores, colours


def varied(config, batch, width):
    """The config, as written, with another batch size and networks so many times as wide."""
    config = load(config)
    training = config["training"]
    if training.get("generator_batch_size"):
        share = training["generator_batch_size"] / training["batch_size"]
        training["generator_batch_size"] = max(int(share * batch), 1)
    training["batch_size"] = batch
    if width != 1:

        def scaled(size):
            return size if size < LEAST_WIDTH else 4 * math.ceil(size * width / 4)

        for network in config["networks"].values():
            numeral_config.scale_widths(network, scaled)
    return config


def points(config):
    """(axis, batch, width) of every measurement."""
    own = load(config)["training"]["batch_size"]
    yield from (("batch", batch, 1) for batch in BATCHES)
    yield from (("width", own, width) for width in WIDTHS)


def programs(path, device, precision, bench):
    """Numeral, and PyTorch in the mode that is likely its fastest."""
    one = ["--warm-up", 1]
    yield "numeral", servers.numeral(bench.build, path, device, precision, bench.threads, one)
    if bench.peers:
        mode, options = list(servers.peer_modes(device, load(path), few=True).items())[-1]
        # Losses are compared at the config's own size, by steps.py.
        options = [*options, "--check", 0, "--warmup", 1]
        yield f"pytorch {mode}", servers.peer(path, device, precision, bench.threads, options)


def measure_point(config, point, device, precision, bench):
    axis, batch, width = point
    row = {
        "config": config.stem, "precision": precision, "axis": axis, "batch": batch, "width": width,
        "images_per_second": {}, "not_measured": {},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{config.stem}.json"
        path.write_text(json.dumps(varied(config, batch, width)))
        for name, server in programs(path, device, precision, bench):
            try:
                server.wait()
                servers.take_turns([server], 1, bench.seconds / 3, CHUNK_MS[device])
                per_second = batch * 1e3 / summary(server.times)["median_ms"]
                row["images_per_second"][name] = round(per_second, 1)
            except Unavailable as reason:
                row["not_measured"][name] = str(reason)
            finally:
                server.close()
    return row


def growth_table(result):
    names = sorted({name for row in result["growth"] for name in row["images_per_second"]})
    header = ["config", "precision", "batch", "width", *(f"{name}, images/s" for name in names)]
    rows = []
    for row in result["growth"]:
        figures = [row["images_per_second"].get(name) for name in names]
        cells = ["-" if figure is None else f"{figure:,.0f}" for figure in figures]
        rows.append([row["config"], row["precision"], row["batch"], f"x{row['width']:g}", *cells])
    return table(header, rows)


def curves(rows, axis):
    """{label: [(x, images per second)]}, each sorted."""
    found = {}
    for row in rows:
        if row["axis"] == axis:
            for name, figure in row["images_per_second"].items():
                label = f"{row['config']} {row['precision']}, {name.split()[0]}"
                found.setdefault(label, []).append((row[axis], figure))
    return {label: sorted(values) for label, values in sorted(found.items())}


def gnuplot_script(rows, path):
    lines = [
        'set terminal svg size 1100,520 font "sans,12" background rgb "white"',
        f"set output {json.dumps(str(path))}",
        "set multiplot layout 1,2",
        "set logscale x 2; set logscale y 10; set grid; set key below samplen 2",
        'set ylabel "images per second"',
    ]
    for axis, label in (("batch", "batch size"), ("width", "width of the networks")):
        drawn = curves(rows, axis)
        if not drawn:
            continue
        blocks = []
        for i, values in enumerate(drawn.values()):
            blocks += [f"$d{axis}{i} << END", *(f"{x} {y}" for x, y in values), "END"]
        parts = [
            f'$d{axis}{i} with linespoints lw 2 title "{name}" noenhanced'
            for i, name in enumerate(drawn)
        ]
        places = sorted({x for values in drawn.values() for x, _ in values})
        lines += [
            *blocks,
            f"set xtics ({', '.join(map(str, places))})",
            f"set xrange [{places[0] / 1.1}:{places[-1] * 1.1}]",
            f'set xlabel "{label}"',
            "plot " + ", ".join(parts),
        ]
    return "\n".join([*lines, "unset multiplot", ""])


def plot(rows, path):
    """Writes the picture; why not, where it cannot."""
    if not shutil.which("gnuplot"):
        return "no gnuplot (tools/setup.sh installs it)"
    done = subprocess.run(
        ["gnuplot"], input=gnuplot_script(rows, path), capture_output=True, text=True
    )
    return (done.stderr.strip().splitlines() or ["gnuplot fails"])[-1] if done.returncode else None
