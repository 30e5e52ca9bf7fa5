"""What gpu_check.py checks, part by part. Each part adds to a Checklist and says what it skips."""

import html
import json
import math
import re
import sys

from checks import FAILED, PASSED, SKIPPED
from machine import ROOT, program, torch_facts

SKIP_STATUS = 77  # of a test program that finds nothing to test on
SANITIZER_ERROR = 86  # chosen here, so that it cannot be the program's own status

# Whole trainings with the figures of the generator that must be reached: on the CPU the conditional
# one has 0.15% wrong digits (README.md); no figures of dcgan's 50 epochs are known.
TRAININGS = (
    ("cgan_filterselect", "fp32", ["--latent-scale", "1.25"], {"s1": 0.01}),
    ("dcgan", "fp32", [], {}),
    ("cgan_filterselect", "bf16", ["--latent-scale", "1.25"], {"s1": 0.01}),
)
LEAST_ACCURACY = 0.97  # of the classifier that judges them
BENCHED, BENCHED_PRECISIONS = ("dcgan", "cgan_filterselect", "gan_mlp"), ("fp32", "bf16")


# ---- tests --------------------------------------------------------------------------------------


def attribute(tag, name):
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return html.unescape(found.group(1)) if found else ""


def first_failure(case):
    """Where a test case of Catch2's XML failed, and what it had."""
    for kind in ("FatalErrorCondition", "Exception", "Failure", "Expression"):
        for found in re.finditer(rf"<{kind}\b([^>]*)>(.*?)</{kind}>", case, re.S):
            tag, body = found.groups()
            if kind == "Expression" and attribute(tag, "success") == "true":
                continue
            expanded = re.search(r"<Expanded>(.*?)</Expanded>", body, re.S)
            before = re.findall(r"<Info>(.*?)</Info>", case[: found.end()], re.S)
            said = [expanded.group(1) if expanded else re.sub(r"<[^>]*>", " ", body), *before[-2:]]
            words = " ".join(html.unescape("; ".join(said)).split())
            return f"{attribute(tag, 'filename')}:{attribute(tag, 'line')}: {words}"[:600]
    return "it failed without a word"


def test_cases(xml):
    """[(name, status, seconds, reason)] of what ran; status None: it never ended."""
    cases = []
    for text in re.split(r"(?=<TestCase\b)", xml)[1:]:
        name = attribute(text.split(">", 1)[0], "name")
        result = re.search(r"<OverallResult\b[^>]*>", text)
        if result is None:
            cases.append((name, None, 0.0, "it did not end"))
            continue
        seconds = float(attribute(result.group(0), "durationInSeconds") or 0)
        passed = attribute(result.group(0), "success") == "true"
        reason = None if passed else first_failure(text)
        cases.append((name, PASSED if passed else FAILED, seconds, reason))
    return cases


def run_tests(checks, build, limit_s):
    """Every test that needs a GPU, each a check of its own."""
    command = [build / "numeral_gpu_tests", "[gpu]", "-r", "xml", "-d", "yes"]
    run = checks.run("gpu tests", command, limit_s)
    if run is None:
        return
    unfinished = SKIPPED if run.cut_short else FAILED
    cases = test_cases(run.text)
    if run.stopped and cases and "SIGTERM" in (cases[-1][3] or ""):
        # Catch2 takes the signal that stopped it for a failure.
        cases[-1] = (cases[-1][0], None, cases[-1][2], "it was still running")
    for name, status, seconds, reason in cases:
        checks.add(f"test {name}", status or unfinished, seconds, reason)
    problem = run.problem()
    if run.status == SKIP_STATUS:
        problem = f"the engine does not start: {run.last_line()}"
    if not cases and not problem:
        problem = "no test ran"
    # What ended the program may not be the fault of any of them, and may hide the rest.
    failed = any(status == FAILED for _, status, _, _ in cases)
    if problem and (run.stopped or run.status < 0 or not failed):
        problem += "; the tests after the last one listed did not run" if cases else ""
        checks.add("gpu tests", unfinished, run.seconds, problem)


def run_cudnn_plans(checks, build, limit_s):
    test = build / "cudnn_plans_test"
    if not test.exists():
        return checks.skip("cudnn_plans_test", "not in this build")
    run = checks.run("cudnn_plans_test", [test], limit_s)
    if run is not None:
        skipped = run.status == SKIP_STATUS
        status = SKIPPED if skipped else FAILED if run.problem() else PASSED
        reason = run.last_line() if skipped else run.problem()
        checks.add("cudnn_plans_test", status, run.seconds, reason)


# ---- compute-sanitizer --------------------------------------------------------------------------


def sanitize(checks, build, tool, limit_s):
    """The op tests, which launch every kernel on small and odd shapes, under one of its tools."""
    name = f"compute-sanitizer {tool}"
    command = [
        program("compute-sanitizer"), "--tool", tool, "--error-exitcode", SANITIZER_ERROR,
        "--kernel-name", "kns=numeral",  # not those of cuDNN and cuBLASLt
        build / "numeral_gpu_tests", "[ops]",
    ]  # fmt: skip
    run = checks.run(name, command, limit_s)
    if run is None:
        return
    if run.status == 127:
        return checks.skip(name, "compute-sanitizer is not on this machine")
    if "Device not supported" in run.text:
        return checks.skip(name, "compute-sanitizer does not support this device")
    found = [int(n) for n in re.findall(r"SUMMARY: (\d+) (?:error|hazard)", run.text)]
    if any(found):
        return checks.add(name, FAILED, run.seconds, f"{max(found)} found; see {run.log}")
    if run.stopped:
        # Slow, not wrong: under it a kernel takes 10 to 100 times as long.
        bad = re.search(r"^=+ +(Error|Invalid|Program hit|Warning).*", run.text, re.M)
        status = FAILED if bad else SKIPPED
        reason = f"stopped after {run.limit_s:.0f} s, " + (
            f"but had found: {bad.group(0)}" if bad else "nothing found until then"
        )
        return checks.add(name, status, run.seconds, reason)
    problem = run.problem() or (None if found else "it printed no summary")
    checks.add(name, FAILED if problem else PASSED, run.seconds, problem)


# ---- trainings ----------------------------------------------------------------------------------


def has_mnist(data):
    folder = data / "mnist" if (data / "mnist").is_dir() else data
    return (folder / "train-images-idx3-ubyte").exists()


def last_line_of_metrics(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return json.loads(lines[-1])


def judge_classifier(folder):
    def judge(_):
        line = last_line_of_metrics(folder)
        accuracy = line.get("test_accuracy") or 0
        details = {"metrics": {"test_accuracy": accuracy, "training_seconds": line.get("seconds")}}
        low = accuracy < LEAST_ACCURACY
        return (f"accuracy of {accuracy}, not {LEAST_ACCURACY}" if low else None), details

    return judge


def judge_training(folder):
    def judge(_):
        line = last_line_of_metrics(folder)
        kept = ("epoch", "step", "seconds", "images_per_second", "d_loss", "g_loss")
        return None, {"metrics": {key: line[key] for key in kept if key in line}}

    return judge


def figures_of(evaluation):
    """The figures of evaluation.json by name."""
    names = ("fid_c", "rfid", "precision", "recall", "density", "coverage")
    figures = {name: evaluation[name] for name in names if evaluation.get(name) is not None}
    if evaluation.get("s1"):
        figures["s1"] = evaluation["s1"]["error_rate"]
    return figures


def judge_evaluation(path, most):
    def judge(_):
        figures = figures_of(json.loads(path.read_text()))
        problems = [
            f"{name} is {figures.get(name)}, more than {limit}"
            for name, limit in most.items()
            if not figures.get(name, math.inf) <= limit
        ]
        if "fid_c" not in figures or not all(math.isfinite(v) for v in figures.values()):
            problems.append(f"figures are missing or not finite: {figures}")
        return "; ".join(problems) or None, {"metrics": figures}

    return judge


def train_classifier(checks, build, data, runs, limit_s):
    folder = runs / "classifier_cnn"
    command = [
        build / "trainer", ROOT / "configs/classifier_cnn.json", "--device", "cuda",
        "--data-dir", data, "--run-dir", folder,
    ]  # fmt: skip
    passed = checks.check("train classifier_cnn", command, limit_s, judge_classifier(folder))
    return folder / "c.bin" if passed else None


def train(checks, build, data, runs, classifier, training, limit_s):
    config, precision, options, most = training
    name, folder = f"{config} {precision}", runs / f"{config}_{precision}"
    command = [
        build / "trainer", ROOT / f"configs/{config}.json", "--device", "cuda", "--data-dir", data,
        "--run-dir", folder, "--set", f'/precision="{precision}"',
    ]  # fmt: skip
    if not checks.check(f"train {name}", command, limit_s, judge_training(folder)):
        return
    if classifier is None:
        return checks.skip(f"evaluate {name}", "no classifier")
    figures = folder / "figures.json"
    command = [
        build / "evaluate", "--classifier", classifier, "--generator", folder / "g.bin",
        "--device", "cuda", "--data-dir", data, "--json", figures, *options,
    ]  # fmt: skip
    checks.check(f"evaluate {name}", command, limit_s, judge_evaluation(figures, most))


# ---- steps beside PyTorch, whole runs ------------------------------------------------------------


def bench(checks, name, build, out, level, options, limit_s):
    """What bench/run.py measured, also where it was stopped."""
    command = [
        sys.executable, ROOT / "bench/run.py", "--engine", "cuda", "--level", level, "--build",
        build, "--out", out, "--minutes", (limit_s - 25) / 60, *options,
    ]  # fmt: skip
    for precision in BENCHED_PRECISIONS:
        command += ["--precision", precision]
    checks.check(name, command, limit_s)
    found = sorted(out.glob("bench_*.json"))
    return json.loads(found[-1].read_text()) if found else {}


def bench_steps(checks, build, out, limit_s):
    torch = torch_facts(sys.executable)
    options = ["--seconds", 2, "--rounds", 3, "--few-modes"]
    for config in BENCHED:
        options += ["--config", config]
    if not torch.get("cuda"):
        reason = "no PyTorch" if not torch else f"PyTorch {torch['torch']} sees no GPU"
        checks.skip("steps in PyTorch", f"{sys.executable}: {reason}")
        options.append("--no-peers")
    measured = bench(checks, "steps", build, out / "steps", "step", options, limit_s)
    return {"pytorch": torch, **measured}


def bench_runs(checks, build, data, out, limit_s):
    """How long the first step and a short training take from the start of a process."""
    if not has_mnist(data):
        checks.skip("start-up", f"no MNIST in {data}")
        return {}
    options = ["--config", "quickstart", "--data", data]
    return bench(checks, "start-up", build, out / "runs", "run", options, limit_s)
