"""The result of gpu_check.py as Markdown."""

from runs import run_table
from tables import step_table, table

VERSIONS = ("driver", "nvcc", "cudnn", "python", "processor", "cores", "system")


def figure(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def checks_table(checks):
    rows = []
    for check in checks:
        said = [check["reason"]] if "reason" in check else []
        said += [f"{name} {figure(value)}" for name, value in check.get("metrics", {}).items()]
        text = ", ".join(said).replace("|", "\\|").replace("\n", " ")
        rows.append([check["name"], check["status"], f"{check['seconds']:.1f}", text])
    return table(["check", "", "seconds", "reason or figures"], rows)


def markdown(result):
    facts, summary = result["machine"], result["summary"]
    versions = ", ".join(f"{name} {facts[name]}" for name in VERSIONS if name in facts)
    torch = result["steps"].get("pytorch") or {}
    if torch:
        versions += f", PyTorch {torch['torch']} (cuDNN {torch['torch_cudnn']})"
    counts = ", ".join(f"{count} {status}" for status, count in summary.items())
    lines = [
        f"# {facts['gpu']}, {result['date']} {result['time_utc']} UTC: {counts}",
        "",
        f"`{result['command']}`, commit {result['commit']}, {result['seconds']:.0f} s; {versions}.",
        "",
        *checks_table(result["checks"]),
    ]
    if result["steps"].get("steps"):
        lines += ["", "## Training steps", "", *step_table(result["steps"])]
    if result["runs"].get("runs"):
        lines += ["", "## Whole runs", "", *run_table(result["runs"])]
    return "\n".join(lines) + "\n"
