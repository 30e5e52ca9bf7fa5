"""Results as Markdown tables."""


def table(header, rows):
    """Lines of a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]


def percent(share):
    return "-" if share is None else f"{share:.0%}"


def milliseconds(value):
    return f"{value:.4g}" if value < 1000 else f"{value:.0f}"


def step_rows(result):
    for row in result["steps"]:
        ours, best = row["programs"]["numeral"], row.get("best_peer")
        spread = f"{milliseconds(ours['p10_ms'])} to {milliseconds(ours['p90_ms'])}"
        peer = "-"
        if best:
            peer = f"{milliseconds(row['programs'][best]['median_ms'])} ({best})"
        yield [
            row["config"], row["precision"], row["batch"], milliseconds(ours["median_ms"]), spread,
            f"{row['images_per_second']:,.0f}", percent(row.get("floor_share")), peer,
            row.get("times_faster", "-"),
        ]  # fmt: skip


def step_table(result):
    header = [
        "config", "precision", "batch", "Numeral ms", "p10 to p90", "images/s", "floor / time",
        "PyTorch ms (fastest mode)", "times faster",
    ]  # fmt: skip
    lines = table(header, list(step_rows(result)))
    for row in result["steps"]:
        for problem in ("losses_differ", "not_measured"):
            reasons = {}
            for name, reason in row[problem].items():
                reasons.setdefault(reason, []).append(name)
            for reason, names in reasons.items():
                what = f"{row['config']} {row['precision']}, PyTorch {'; '.join(names)}"
                lines += ["", f"{what}: not counted, {reason}."]
    return lines
