"""Training steps: Numeral's, PyTorch's in every mode, and the floor that the machine sets."""

import json

import servers
from servers import Unavailable, summary

# By how much first losses may differ, of themselves and one: fp32 as tests/tolerance.h has it for
# ten steps; the others round products to 11 and 8 bits.
LOSS_SHARES = {"fp32": 1e-4, "tf32": 5e-3, "bf16": 3e-2}
CHUNK_MS = {"cpu": 0, "cuda": 20}  # waiting for a GPU after every step would be measured too


def load(path):
    return json.loads(path.read_text())


def losses_differ(ours, theirs, share):
    """The worst difference of the first steps' losses; None where they agree."""
    worst = 0.0
    for row, other in zip(ours, theirs):
        for name in row.keys() & other.keys():
            difference = abs(row[name] - other[name]) / (1 + abs(other[name]))
            worst = max(worst, difference if difference == difference else float("inf"))
    compared = sum(len(row.keys() & other.keys()) for row, other in zip(ours, theirs))
    if compared == 0:
        return "no losses to compare"
    return None if worst <= share else f"first losses differ by {worst:.2g}"


def floor_ms(nodes, ceilings, precision):
    """The least time of a step: each node's bytes or arithmetic at the measured ceilings."""
    bytes_per_second = ceilings["bytes_per_second"]
    flops_per_second = ceilings["flops_per_second"][precision]
    return 1e3 * sum(
        node.get("per_step", 1)
        * max(node["bytes"] / bytes_per_second, node["flops"] / flops_per_second)
        for node in nodes
    )


def start_peers(config, device, precision, bench):
    """{mode: server} and {mode: why not}. They load side by side."""
    modes = servers.peer_modes(device, load(config), bench.few_modes)
    loading = {
        mode: servers.peer(config, device, precision, bench.threads, options)
        for mode, options in modes.items()
    }
    running, missing = {}, {}
    for mode, server in loading.items():
        try:
            running[mode] = server.wait()
        except Unavailable as reason:
            missing[mode] = str(reason)
    return running, missing


def measure(config, device, precision, bench):
    """The row of one config in one precision. Throws Unavailable where Numeral cannot run it."""
    ours = servers.numeral(bench.build, config, device, precision, bench.threads).wait()
    running, missing = start_peers(config, device, precision, bench) if bench.peers else ({}, {})
    everyone = {"numeral": ours, **running}
    try:
        return row(config, precision, everyone, missing, device, bench)
    finally:
        for server in everyone.values():
            server.close()


def compare_losses(everyone, precision, say):
    """{program: why its losses are not Numeral's}; printed before anything is timed."""
    ours, wrong = everyone["numeral"].about["losses"], {}
    say(f"  numeral's first losses: {ours[:2]}")
    for name, server in everyone.items():
        if name == "numeral":
            continue
        problem = losses_differ(ours, server.about["losses"], LOSS_SHARES[precision])
        say(f"  {name}: {problem or 'the same'}: {server.about['losses']}")
        if problem:
            wrong[name] = problem
    return wrong


def row(config, precision, everyone, missing, device, bench):
    wrong = compare_losses(everyone, precision, bench.say)
    servers.take_turns(list(everyone.values()), bench.rounds, bench.seconds, CHUNK_MS[device])
    ours = everyone["numeral"]
    programs = {name: summary(server.times) for name, server in everyone.items()}
    median = programs["numeral"]["median_ms"]
    result = {
        "config": config.stem,
        "precision": precision,
        "batch": ours.about["batch"],
        "images_per_second": round(ours.about["batch"] * 1e3 / median, 1),
        "programs": programs,
        "about": {name: server.about for name, server in everyone.items()},
        "not_measured": missing,
        "losses_differ": wrong,
    }
    trusted = [name for name in programs if name != "numeral" and name not in wrong]
    if trusted:
        best = min(trusted, key=lambda name: programs[name]["median_ms"])
        result["best_peer"] = best
        result["times_faster"] = round(programs[best]["median_ms"] / median, 2)
    if bench.ceilings:
        nodes = ours.ask("profile 6")["nodes"]
        result["floor_ms"] = round(floor_ms(nodes, bench.ceilings, precision), 4)
        result["floor_share"] = round(result["floor_ms"] / median, 3)
    return result
