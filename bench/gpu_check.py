#!/usr/bin/python3
"""Everything that only a GPU can tell, in under ten minutes; tools/gpu_check.sh calls this.

Runs the tests that need a GPU, compute-sanitizer over those of single ops, whole trainings with
their evaluation, and training steps beside PyTorch. Each part has a limit, and what does not fit
into the minutes is skipped, with the reason. Writes <GPU>_<date>.json and .md into bench/results;
with --part, the parts' names are in the file's.

Exit status: 0 nothing failed, 1 something did, 2 no GPU or bad input.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import gpu_parts
import machine
from checks import FAILED, PASSED, SKIPPED, Checklist
from gpu_report import markdown

PROGRAMS = ("numeral_gpu_tests", "trainer", "evaluate", "bench_train_step", "libnumeral_cuda.so")


def refuse(text):
    print(f"gpu_check.sh: {text}", file=sys.stderr)
    sys.exit(2)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="gpu_check.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, help="a finished build; without it, build/ is made")
    parser.add_argument("--data", type=Path, help="folder of MNIST (default: $NUMERAL_DATA, data)")
    parser.add_argument("--python", help="the Python whose PyTorch is measured")
    parser.add_argument("--minutes", type=float, default=9.5)
    parser.add_argument("--out", type=Path, default=machine.ROOT / "bench/results")
    parser.add_argument("--classifier", type=Path, help="c.bin that judges (default: trains one)")
    parser.add_argument("--commit", help="what the sources are, where there is no git")
    parser.add_argument("--part", action="append", choices=PARTS, help="repeatable; default: all")
    parser.add_argument("--skip-training", action="store_true")
    args = parser.parse_args()
    if not args.minutes > 0:
        refuse(f"--minutes {args.minutes}: give a positive number")
    if args.classifier and not args.classifier.is_file():
        refuse(f"--classifier {args.classifier}: there is no such file")
    if args.build and not args.build.is_dir():
        refuse(f"--build {args.build}: there is no such folder")
    args.data = args.data or Path(os.environ.get("NUMERAL_DATA") or machine.ROOT / "data")
    for name in ("build", "data", "out", "classifier"):
        if getattr(args, name):
            setattr(args, name, getattr(args, name).resolve())
    return args


def make_build(checks):
    """build/, brought up to date; None where that fails."""
    build = machine.ROOT / "build"
    steps = [["cmake", "--build", "--preset", "release"]]
    if not (build / "build.ninja").exists():
        steps.insert(0, ["cmake", "--preset", "release"])
    command = " && ".join(map(shlex.join, steps))
    inside = f"cd {shlex.quote(str(machine.ROOT))} && {command}"
    return build if checks.check("build", ["sh", "-c", inside], 300) else None


def check_tests(checks, args, build, work):
    gpu_parts.run_tests(checks, build, 150)
    gpu_parts.run_cudnn_plans(checks, build, 20)


def check_memory(checks, args, build, work):
    gpu_parts.sanitize(checks, build, "memcheck", 90)


def check_races(checks, args, build, work):
    gpu_parts.sanitize(checks, build, "racecheck", 90)


def check_steps(checks, args, build, work):
    return {"steps": gpu_parts.bench_steps(checks, build, work, 120)}


def check_start(checks, args, build, work):
    return {"runs": gpu_parts.bench_runs(checks, build, args.data, work, 60)}


def check_trainings(checks, args, build, work):
    if args.skip_training:
        return checks.skip("trainings", "--skip-training")
    if not gpu_parts.has_mnist(args.data):
        return checks.skip("trainings", f"no MNIST in {args.data}")
    runs = work / "trained"
    classifier = args.classifier or gpu_parts.train_classifier(checks, build, args.data, runs, 60)
    for training in gpu_parts.TRAININGS:
        gpu_parts.train(checks, build, args.data, runs, classifier, training, 100)


# In this order: what finds mistakes before what takes long.
PARTS = {
    "tests": check_tests,
    "memcheck": check_memory,
    "steps": check_steps,
    "trainings": check_trainings,
    "racecheck": check_races,
    "start-up": check_start,
}


def check_all(checks, args, build, work, save):
    """Saves after every part: whatever ends the process leaves a report of what was done."""
    measured = {}
    for name, check in PARTS.items():
        if args.part and name not in args.part:
            checks.skip(f"part {name}", "not asked for")
        else:
            measured.update(check(checks, args, build, work) or {})
        save(measured)


def write(args, checks, facts, measured):
    result = {
        **machine.stamp(),
        "command": shlex.join(["tools/gpu_check.sh", *sys.argv[1:]]),
        "commit": args.commit or machine.commit(),
        "machine": facts,
        "minutes": args.minutes,
        "seconds": round(checks.limit_s - checks.left_s(), 1),
        "summary": {status: checks.count(status) for status in (PASSED, FAILED, SKIPPED)},
        "checks": checks.checks,
        "steps": measured.get("steps", {}),
        "runs": measured.get("runs", {}),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    parts = "".join(f"_{part}" for part in PARTS if part in (args.part or ()))
    stem = args.out / f"{machine.file_name(facts['gpu'])}_{result['date']}{parts}"
    stem.with_name(stem.name + ".json").write_text(json.dumps(result, indent=1) + "\n")
    stem.with_name(stem.name + ".md").write_text(markdown(result))
    return stem.with_name(stem.name + ".md")


def main():
    args = parse_arguments()
    if machine.gpu() is None:
        refuse("no GPU: nvidia-smi shows none on this machine; tools/test.sh needs none")
    work = (args.build or machine.ROOT / "build") / "gpu_check"
    shutil.rmtree(work, ignore_errors=True)
    checks = Checklist(args.minutes, work)
    build = args.build or make_build(checks)
    missing = [name for name in PROGRAMS if build and not (build / name).exists()]
    if args.build and missing:
        refuse(f"--build {args.build} has no {', '.join(missing)}")
    if missing:
        checks.add("build", FAILED, reason=f"it has no {', '.join(missing)}")
    facts = machine.facts(build)

    def save(measured):
        return write(args, checks, facts, measured)

    report = save({})
    if build and not missing:
        check_all(checks, args, build, work, save)
    print(report)
    print(", ".join(f"{checks.count(status)} {status}" for status in (PASSED, FAILED, SKIPPED)))
    return 1 if checks.count(FAILED) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, subprocess.SubprocessError) as error:
        refuse(error)
