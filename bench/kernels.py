"""The nodes of a step, one by one: time in the step, alone with warm and with cold caches, and how
near that is to what the machine reaches."""

import servers
from tables import milliseconds, percent, table

RUNS = 9
SHOWN = 15  # nodes in the table; the JSON has all


def floor_of(node, ceilings, precision):
    """(ms, "memory" or "arithmetic"): the least time of one run, and what sets it."""
    memory = 1e3 * node["bytes"] / ceilings["bytes_per_second"]
    arithmetic = 1e3 * node["flops"] / ceilings["flops_per_second"][precision]
    return max((memory, "memory"), (arithmetic, "arithmetic"))


def measure(config, device, precision, bench):
    server = servers.numeral(bench.build, config, device, precision, bench.threads)
    try:
        server.wait()
        in_step = server.ask(f"profile {RUNS}")["nodes"]
        alone = server.ask(f"alone {RUNS}")["nodes"]
    finally:
        server.close()
    times = {key_of(node): node for node in alone}
    nodes = []
    for node in in_step:
        other = times.get(key_of(node), {})
        row = {**node, "warm_ms": other.get("warm_ms"), "cold_ms": other.get("cold_ms")}
        if bench.ceilings:
            row["floor_ms"], row["bound"] = floor_of(node, bench.ceilings, precision)
        nodes.append(row)
    nodes.sort(key=lambda node: -node["ms"] * node["per_step"])
    return {"config": config.stem, "precision": precision, "runs": RUNS, "nodes": nodes}


def key_of(node):
    return node["op"], node["label"], node["attributes"]


def share(node, name):
    return node["floor_ms"] / node[name] if node.get("floor_ms") and node.get(name) else None


def kernel_table(result):
    lines = []
    header = [
        "node", "layer", "ms in the step", "warm ms", "cold ms", "MB", "GFLOP", "floor ms",
        "bound by", "floor / in step", "floor / warm", "floor / cold",
    ]  # fmt: skip
    for row in result["kernels"]:
        whole = sum(node["ms"] * node["per_step"] for node in row["nodes"])
        rows = [
            [
                node["op"], f"{node['label'].split('+')[0]} {node['attributes']}".strip(),
                milliseconds(node["ms"]), *(
                    milliseconds(node[name]) if node.get(name) is not None else "-"
                    for name in ("warm_ms", "cold_ms")
                ),
                f"{node['bytes'] / 1e6:.3g}", f"{node['flops'] / 1e9:.3g}",
                milliseconds(node["floor_ms"]) if "floor_ms" in node else "-",
                node.get("bound", "-"),
                *(percent(share(node, name)) for name in ("ms", "warm_ms", "cold_ms")),
            ]
            for node in row["nodes"][:SHOWN]
        ]  # fmt: skip
        shown = sum(node["ms"] * node["per_step"] for node in row["nodes"][:SHOWN])
        lines += [
            "",
            f"{row['config']} {row['precision']}: {len(row['nodes'])} nodes, "
            f"{milliseconds(whole)} ms one by one; the {len(rows)} longest, "
            f"{percent(shown / whole)} of it:",
            "",
            *table(header, rows),
        ]
    return lines[1:]
