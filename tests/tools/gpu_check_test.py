#!/usr/bin/env python3
"""tools/gpu_check.sh without a GPU: with programs in place of the driver's, the sanitizer's and the
build's that do what each case says, it must report what happened and nothing else."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from checks import Checklist  # noqa: E402

SCRIPT = ROOT / "tools/gpu_check.sh"

CASE = (
    '<TestCase name="{name}" tags="[gpu]">{body}'
    '<OverallResult success="{success}" durationInSeconds="0.5"/></TestCase>'
)
FAILURE = """<Info>op 3 of 9</Info>
<Expression success="false" type="CHECK" filename="ops_test.cpp" line="12">
<Original>a == b</Original><Expanded>1 == 2</Expanded></Expression>"""
GOOD_TESTS = [CASE.format(name=f"test {i}", body="", success="true") for i in (1, 2)]

WAIT_FOR_SIGNAL = """
import signal, sys, time
body = '<FatalErrorCondition filename="a.cpp" line="1">SIGTERM - Termination</FatalErrorCondition>'
def stop(*_):
    print('''CASE'''.format(name="test 3", body=body, success="false"), flush=True)
    sys.exit(15)
signal.signal(signal.SIGTERM, stop)
time.sleep(60)
"""

SERVER = """
import sys, json
seconds = {"engine": 0.1, "data": 0.0, "compile": 0.1, "first_step": 0.1}
about = {"ready": "stub", "batch": 8, "losses": [{"d_loss": 1.0}], "seconds": seconds}
print(json.dumps(about), flush=True)
for line in sys.stdin:
    verb = line.split()[0]
    answer = {"ms": [0.5]} if verb == "run" else {"nodes": [{"bytes": 100, "flops": 0}]}
    print(json.dumps(answer), flush=True)
"""
TRAINER = """
import sys, json, pathlib
arguments = sys.argv[1:]
folder = pathlib.Path(arguments[arguments.index("--run-dir") + 1])
folder.mkdir(parents=True)
line = {"epoch": 1, "step": 9, "seconds": 1.5, "d_loss": 1.0, "test_accuracy": ACCURACY}
(folder / "metrics.jsonl").write_text(json.dumps(line) + "\\n")
for name in ("g.bin", "c.bin"):
    (folder / name).write_text("weights")
"""
EVALUATE = """
import sys, json, pathlib
arguments = sys.argv[1:]
figures = {"fid_c": 7.0, "rfid": 0.01, "s1": {"error_rate": ERRORS}}
pathlib.Path(arguments[arguments.index("--json") + 1]).write_text(json.dumps(figures))
"""
CEILINGS = 'print(\'{"bytes_per_second": 1e9, "flops_per_second": {"fp32": 1e9, "bf16": 1e9}}\')'
SANITIZER = 'print("========= ERROR SUMMARY: 0 errors")'
GPU = 'print("NVIDIA H200, 580.1, 143771, 9.0")'


class Machine:
    """A folder with stubs: bin/ for the search path, build/, data/, out/."""

    def __init__(self, folder, gpu=True, data=True):
        self.folder = Path(folder)
        for name in ("bin", "build", "data/mnist", "python/torch"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "python/torch/__init__.py").write_text("raise ImportError('not here')")
        if gpu:
            self.put("bin/nvidia-smi", GPU)
        if data:
            (self.folder / "data/mnist/train-images-idx3-ubyte").write_text("")
        self.put("bin/compute-sanitizer", SANITIZER)
        self.tests(GOOD_TESTS)
        self.put("build/trainer", TRAINER.replace("ACCURACY", "0.99"))
        self.put("build/evaluate", EVALUATE.replace("ERRORS", "0.002"))
        self.put("build/bench_train_step", SERVER)
        self.put("build/bench_ceilings", CEILINGS)
        self.put("build/bench_device_copy", CEILINGS)
        (self.folder / "build/libnumeral_cuda.so").write_text("")

    def put(self, name, program):
        path = self.folder / name
        path.write_text(f"#!{sys.executable}\n{program}\n")
        path.chmod(0o755)

    def tests(self, cases, end=""):
        self.put("build/numeral_gpu_tests", f"print('''{''.join(cases)}''', flush=True)\n{end}")

    def run(self, *options, build=True):
        command = [SCRIPT, "--python", sys.executable, "--out", self.folder / "out"]
        command += ["--data", self.folder / "data", "--commit", "abc"]
        if build:
            command += ["--build", self.folder / "build"]
        environment = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder / "python"),
        }
        return subprocess.run(
            [*map(str, command), *options], capture_output=True, text=True, env=environment
        )

    def report(self):
        """The JSON and the Markdown of the one report there must be."""
        (path,) = (self.folder / "out").glob("*.json")
        assert path.name.startswith("nvidia_h200_"), path
        return json.loads(path.read_text()), path.with_suffix(".md").read_text()


class GpuCheck(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)

    def machine(self, **options):
        return Machine(self.scratch.name, **options)

    def check(self, machine, status, *options):
        """Checks by name, after a run that must end with `status`."""
        run = machine.run(*options)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        report, text = machine.report()
        checks = {check["name"]: check for check in report["checks"]}
        for state, count in report["summary"].items():
            found = [name for name, check in checks.items() if check["status"] == state]
            self.assertEqual(len(found), count)
        for name, check in checks.items():
            self.assertIn(f"| {name} | {check['status']} |", text)
            self.assertEqual("reason" in check, check["status"] != "passed", check)
        self.assertEqual(status, 1 if report["summary"]["failed"] else 0)
        self.report, self.text = report, text
        return checks

    def statuses(self, checks, status):
        return {name for name, check in checks.items() if check["status"] == status}

    def test_without_a_gpu(self):
        run = self.machine(gpu=False).run(build=False)
        self.assertEqual(run.returncode, 2)
        self.assertEqual(run.stdout, "")
        self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
        self.assertIn("no GPU", run.stderr)
        self.assertFalse((Path(self.scratch.name) / "out").exists())

    def test_a_driver_without_a_gpu(self):
        machine = self.machine()
        machine.put("bin/nvidia-smi", "import sys; print('No devices were found'); sys.exit(6)")
        self.assertEqual(machine.run().returncode, 2)

    def test_bad_input(self):
        machine = self.machine()
        (machine.folder / "build/evaluate").unlink()
        for options in (
            [],
            ["--build", "/nowhere"],
            ["--classifier", "/nowhere"],
            ["--minutes", "0"],
            ["--minutes", "nan"],
            ["--python", "/nowhere"],
            ["--unknown"],
        ):
            with self.subTest(options):
                run = machine.run(*options)
                self.assertEqual(run.returncode, 2)
                self.assertIn("gpu_check.sh: ", run.stderr.splitlines()[-1])

    def test_all_is_well(self):
        checks = self.check(self.machine(), 0)
        skipped = self.statuses(checks, "skipped")
        self.assertEqual(skipped, {"cudnn_plans_test", "steps in PyTorch"})
        for name in (
            "test test 1", "test test 2", "compute-sanitizer memcheck", "steps", "start-up",
            "compute-sanitizer racecheck", "train classifier_cnn", "train dcgan fp32",
            "evaluate dcgan fp32", "evaluate cgan_filterselect bf16",
        ):  # fmt: skip
            self.assertIn(name, self.statuses(checks, "passed"))
        self.assertEqual(checks["evaluate dcgan fp32"]["metrics"]["s1"], 0.002)
        self.assertEqual(checks["train dcgan fp32"]["metrics"]["seconds"], 1.5)
        self.assertEqual(self.report["commit"], "abc")
        self.assertEqual(self.report["machine"]["driver"], "580.1")
        medians = {row["programs"]["numeral"]["median_ms"] for row in self.report["steps"]["steps"]}
        self.assertEqual((len(self.report["steps"]["steps"]), medians), (6, {0.5}))
        self.assertIn("| dcgan | bf16 | 8 | 0.5 |", self.text)
        precisions = [row["precision"] for row in self.report["runs"]["runs"]]
        self.assertEqual(precisions, ["fp32", "bf16"])
        self.assertIn("## Whole runs", self.text)

    def test_a_failing_test(self):
        machine = self.machine()
        failing = CASE.format(name="test 3", body=FAILURE, success="false")
        machine.tests([*GOOD_TESTS, failing], "raise SystemExit(1)")
        checks = self.check(machine, 1, "--skip-training")
        self.assertEqual(self.statuses(checks, "failed"), {"test test 3"})
        reason = checks["test test 3"]["reason"]
        for part in ("ops_test.cpp:12", "1 == 2", "op 3 of 9"):
            self.assertIn(part, reason)
        self.assertEqual(checks["trainings"]["status"], "skipped")

    def test_tests_that_end_early(self):
        begun = '<TestCase name="test 3" tags="[gpu]">'
        for name, cases, end, reason in (
            ("crash", [*GOOD_TESTS, begun], "import os; os.abort()", "signal 6"),
            ("silence", [], "", "no test ran"),
            ("engine", [], "print('SKIPPED: no driver'); raise SystemExit(77)", "no driver"),
            ("status", GOOD_TESTS, "raise SystemExit(3)", "exit status 3"),
        ):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                machine = Machine(folder)
                machine.tests(cases, end)
                checks = self.check(machine, 1, "--skip-training")
                self.assertIn(reason, checks["gpu tests"]["reason"])
                self.assertEqual("test test 3" in self.statuses(checks, "failed"), name == "crash")

    def test_a_sanitizer_that_finds_something(self):
        machine = self.machine()
        found = 'print("========= RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)")'
        machine.put("bin/compute-sanitizer", f"{found}\nraise SystemExit(86)")
        checks = self.check(machine, 1, "--skip-training")
        self.assertIn("2 found", checks["compute-sanitizer racecheck"]["reason"])

    def test_a_sanitizer_that_says_nothing(self):
        machine = self.machine()
        machine.put("bin/compute-sanitizer", "")
        checks = self.check(machine, 1, "--skip-training")
        self.assertIn("no summary", checks["compute-sanitizer memcheck"]["reason"])

    def test_a_device_without_a_sanitizer(self):
        machine = self.machine()
        machine.put("bin/compute-sanitizer", "print('Device not supported'); raise SystemExit(1)")
        checks = self.check(machine, 0, "--skip-training")
        self.assertEqual(checks["compute-sanitizer memcheck"]["status"], "skipped")

    def test_no_time(self):
        machine = self.machine()
        # Catch2 takes the signal for a failure of the test that runs.
        machine.tests(GOOD_TESTS, WAIT_FOR_SIGNAL.replace("CASE", CASE))
        checks = self.check(machine, 0, "--minutes", "0.08")
        self.assertEqual(self.statuses(checks, "passed"), {"test test 1", "test test 2"})
        self.assertIn("still running", checks["gpu tests"]["reason"])
        self.assertEqual(checks["test test 3"]["status"], "skipped")
        for name in ("compute-sanitizer memcheck", "steps", "train classifier_cnn"):
            self.assertIn("no time left", checks[name]["reason"])

    def test_trainings(self):
        machine = self.machine()
        machine.put("build/evaluate", EVALUATE.replace("ERRORS", "0.2"))
        checks = self.check(machine, 1)
        wrong = {"evaluate cgan_filterselect fp32", "evaluate cgan_filterselect bf16"}
        self.assertEqual(self.statuses(checks, "failed"), wrong)
        machine.put("build/trainer", TRAINER.replace("ACCURACY", "0.5"))
        checks = self.check(machine, 1)
        self.assertEqual(self.statuses(checks, "failed"), {"train classifier_cnn"})
        self.assertEqual(checks["evaluate dcgan fp32"]["status"], "skipped")
        machine.put("build/trainer", "raise SystemExit(1)")
        checks = self.check(machine, 1)
        self.assertIn("train dcgan fp32", self.statuses(checks, "failed"))
        self.assertNotIn("evaluate dcgan fp32", checks)

    def test_parts(self):
        options = ["--part", "memcheck", "--part", "start-up"]
        checks = self.check(self.machine(), 0, *options)
        self.assertEqual(self.statuses(checks, "passed"), {"compute-sanitizer memcheck", "start-up"})
        self.assertEqual(checks["part trainings"]["reason"], "not asked for")
        self.assertEqual((len(checks), self.report["steps"]), (6, {}))
        self.assertTrue(list((Path(self.scratch.name) / "out").glob("*_memcheck_start-up.md")))

    def test_no_data(self):
        checks = self.check(self.machine(data=False), 0)
        for name in ("trainings", "start-up"):
            self.assertIn("no MNIST", checks[name]["reason"])


class Limits(unittest.TestCase):
    """What a program's own limit does, and the end of the time of all."""

    def checklist(self, minutes):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Checklist(minutes, Path(folder.name), say=lambda line: None)

    def test_a_program_that_hangs(self):
        # With a child that would go on, and deaf to the first signal.
        script = "trap '' TERM; sleep 61.25 & wait; sleep 61.25"
        checks = self.checklist(1)
        self.assertFalse(checks.check("hangs", ["sh", "-c", script], 0.5))
        self.assertEqual(checks.checks[0]["status"], "failed")
        self.assertIn("still running at its limit", checks.checks[0]["reason"])
        left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        self.assertNotIn("sleep 61.25", left)

    def test_the_end_of_the_time(self):
        checks = self.checklist(3.5 / 60)
        checks.check("sleeps", ["sleep", "60"], 30)
        checks.check("late", ["true"], 30)
        self.assertEqual([check["status"] for check in checks.checks], ["skipped"] * 2)
        self.assertGreater(checks.checks[0]["seconds"], 1)
        self.assertEqual(checks.checks[1]["seconds"], 0)

    def test_a_program_that_is_not_there(self):
        checks = self.checklist(1)
        self.assertFalse(checks.check("nothing", ["/nowhere/program"], 5))
        self.assertEqual(checks.checks[0]["status"], "failed")


if __name__ == "__main__":
    unittest.main()
