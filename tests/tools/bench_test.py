#!/usr/bin/env python3
"""tools/bench.sh over programs that answer as each case says: what it compares, counts, refuses."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import types
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import growth  # noqa: E402
import kernels  # noqa: E402
import run  # noqa: E402
import runs  # noqa: E402
import servers  # noqa: E402
import steps  # noqa: E402

NODES = [
    {"op": "copy", "label": "a", "attributes": "", "bytes": 3000, "flops": 0, "per_step": 1},
    {"op": "product", "label": "b", "attributes": "", "bytes": 10, "flops": 8000, "per_step": 0.5},
]
CEILINGS = {"bytes_per_second": 1e6, "flops_per_second": {"fp32": 1e6}}

# A server whose steps take MS milliseconds; "--apart" and other options change what it says.
SERVER = """
import json, sys
ms, losses = 4.0, [{"d_loss": 0.5, "g_loss": 2.0}, {"d_loss": 0.4, "g_loss": 2.1}]
NODES = %s
if "train_step_stub" in sys.argv[0]:
    ms = 6.0
    if "--channels-last" in sys.argv:
        ms, losses[1]["g_loss"] = 3.0, 2.2
    if "--compile" in sys.argv:
        sys.exit("stub: no compiler")
    if "--apart" in sys.argv:
        ms = 5.0
print(json.dumps({"ready": "stub", "batch": 10, "losses": losses}), flush=True)
for line in sys.stdin:
    words = line.split()
    if words[0] == "run":
        answer = {"ms": [ms] * int(words[1])}
    elif words[0] == "profile":
        answer = {"nodes": [{**node, "ms": 4.0} for node in NODES]}
    else:
        answer = {"nodes": [{**node, "warm_ms": 3.0, "cold_ms": 6.0} for node in NODES]}
    print(json.dumps(answer), flush=True)
""" % NODES


class Folder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        (self.folder / "build").mkdir()
        self.put("build/bench_train_step", SERVER)
        self.put("build/bench_ceilings", f"print({json.dumps(json.dumps(CEILINGS))})")
        self.put("train_step_stub", SERVER)
        self.addCleanup(setattr, servers, "PEER", servers.PEER)
        servers.PEER = self.folder / "train_step_stub"

    def put(self, name, program):
        path = self.folder / name
        path.write_text(f"#!{sys.executable}\n{program}\n")
        path.chmod(0o755)

    def bench(self, **values):
        return types.SimpleNamespace(**{
            "build": self.folder / "build", "threads": 1, "peers": True, "few_modes": False,
            "rounds": 2, "seconds": 0.1, "ceilings": CEILINGS, "say": lambda line: None, **values,
        })  # fmt: skip


class Steps(Folder):
    def measure(self, **values):
        return steps.measure(ROOT / "configs/dcgan.json", "cpu", "fp32", self.bench(**values))

    def test_the_fastest_mode_with_the_same_losses_counts(self):
        row = self.measure()
        self.assertEqual(row["best_peer"], "eager, apart")
        self.assertEqual(row["times_faster"], 1.25)
        self.assertEqual(row["images_per_second"], 2500)
        self.assertEqual(list(row["losses_differ"]), ["eager, channels last"])
        self.assertIn("0.031", row["losses_differ"]["eager, channels last"])
        self.assertEqual(row["not_measured"]["compiled"], "stub: no compiler")
        self.assertNotIn("compiled", row["programs"])
        table = "\n".join(steps_table(row))
        self.assertIn("| dcgan | fp32 | 10 | 4 | 4 to 4 | 2,500 |", table)
        self.assertIn("5 (eager, apart) | 1.25 |", table)
        self.assertIn("no compiler", table)

    def test_floor(self):
        row = self.measure()
        # 3000 bytes take 3 ms; 8000 operations take 8 ms, every second step.
        self.assertEqual((row["floor_ms"], row["floor_share"]), (7, 1.75))
        self.assertNotIn("floor_ms", self.measure(ceilings={}))

    def test_alone(self):
        row = self.measure(peers=False)
        self.assertEqual(list(row["programs"]), ["numeral"])
        self.assertNotIn("best_peer", row)

    def test_losses(self):
        differ = steps.losses_differ
        ours = [{"d_loss": 1.0}]
        self.assertIsNone(differ(ours, [{"d_loss": 1.0001}], 1e-4))
        self.assertIsNotNone(differ(ours, [{"d_loss": 1.001}], 1e-4))
        self.assertIsNotNone(differ(ours, [{"d_loss": float("nan")}], 1e-4))
        self.assertIsNotNone(differ(ours, [{"loss": 1.0}], 1e-4))
        self.assertIsNotNone(differ(ours, [], 1e-4))


def steps_table(row):
    return run.step_table({"steps": [row]})


class Kernels(Folder):
    def test_shares(self):
        row = kernels.measure(ROOT / "configs/dcgan.json", "cpu", "fp32", self.bench())
        copy, product = sorted(row["nodes"], key=lambda node: node["op"])
        self.assertEqual((copy["floor_ms"], copy["bound"]), (3, "memory"))
        self.assertEqual((product["floor_ms"], product["bound"]), (8, "arithmetic"))
        line = next(text for text in kernels.kernel_table({"kernels": [row]}) if "copy" in text)
        self.assertIn("| 4 | 3 | 6 |", line)
        self.assertTrue(line.endswith("| memory | 75% | 100% | 50% |"), line)


class Growth(Folder):
    def test_widths(self):
        dcgan = growth.varied(ROOT / "configs/dcgan.json", 64, 0.5)
        self.assertEqual(dcgan["training"]["batch_size"], 64)
        generator = dcgan["networks"]["generator"]
        self.assertEqual(generator["inputs"]["z"]["size"], 52)
        self.assertEqual(generator["layers"][0]["units"], 7 * 7 * 128)
        self.assertEqual(generator["layers"][3]["shape"], [7, 7, 128])
        self.assertEqual([l["filters"] for l in generator["layers"] if "filters" in l], [64, 32, 1])
        same = growth.varied(ROOT / "configs/dcgan.json", 256, 1)
        self.assertEqual(same, json.loads((ROOT / "configs/dcgan.json").read_text()))

    def test_plot(self):
        config, rows = ROOT / "configs/gan_mlp.json", []
        for point in growth.points(config):
            rows.append(growth.measure_point(config, point, "cpu", "fp32", self.bench(rounds=1)))
        self.assertEqual(len(rows), len(growth.BATCHES) + len(growth.WIDTHS))
        self.assertTrue(all(len(row["images_per_second"]) == 2 for row in rows))
        if shutil.which("gnuplot"):
            picture = self.folder / "growth.svg"
            self.assertIsNone(growth.plot(rows, picture))
            text = picture.read_text()
            for part in ("</svg>", "gan_mlp fp32, numeral", "gan_mlp fp32, pytorch", "4096"):
                self.assertTrue(part in text, part)


# A trainer that is good enough after its second epoch where a classifier judges it.
TRAINER = """
import json, sys
from pathlib import Path
folder = Path(sys.argv[sys.argv.index("--run-dir") + 1])
folder.mkdir()
(folder / "g.bin").write_text("")
lines = [{"epoch": 1, "seconds": 2.0}, {"epoch": 2, "seconds": 4.0}, {"epoch": 3, "seconds": 6.0}]
if "--classifier" in sys.argv:
    for line, s1, fid_c in zip(lines, (0.02, 0.01, 0.005), (5.0, %s, 30.0)):
        line.update(s1=s1, fid_c=fid_c)
(folder / "metrics.jsonl").write_text("\\n".join(map(json.dumps, lines)))
"""


class Runs(Folder):
    def measure(self, fid_c, judge="c.bin"):
        self.put("build/trainer", TRAINER % fid_c)
        self.put("c.bin", "")
        stub = SERVER.replace('"ready": "stub"', '"ready": "stub", "seconds": {"data": 0.01}')
        self.put("build/bench_train_step", stub)
        bench = self.bench(
            data=self.folder, epochs=None, left_s=lambda: 60,
            classifier=self.folder / "c.bin", judge=self.folder / judge,
        )  # fmt: skip
        row = runs.measure(ROOT / "configs/quickstart.json", "cpu", "fp32", bench)
        self.assertGreater(row["training_seconds"], 0)
        seconds = row["start_up_seconds"]
        self.assertAlmostEqual(seconds["whole"], seconds["beyond_data"] + 0.01, places=2)
        return row

    def test_seconds_to_the_first_epoch_that_is_good_enough(self):
        row = self.measure(fid_c=20)
        self.assertEqual(
            row["quality"], {"reached": True, "epoch": 2, "seconds": 4.0, "s1": 0.01, "fid_c": 20}
        )
        self.assertEqual(runs.quality_text(row), "4.0, epoch 2: S1 1.00%, FID-C 20.0")

    def test_quality_that_is_not_reached(self):
        row = self.measure(fid_c=20.5)
        self.assertEqual(
            runs.quality_text(row), "not reached; after epoch 3: S1 0.50%, FID-C 30.0"
        )

    def test_nobody_to_judge(self):
        self.assertIn("nobody.bin", self.measure(fid_c=1, judge="nobody.bin")["no_quality"])


class Command(Folder):
    def run_bench(self, *options):
        environment = {**os.environ, "PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}
        command = [ROOT / "tools/bench.sh", "--build", self.folder / "build", "--no-peers", "--out"]
        return subprocess.run(
            [*map(str, command), str(self.folder / "out"), *options],
            capture_output=True, text=True, env=environment,
        )  # fmt: skip

    def test_refusals(self):
        for options in (
            ["--config", "nowhere"],
            ["--precision", "fp64"],
            ["--engine", "gpu"],
            ["--engine", "cuda"],
            ["--level", "x"],
            ["--rounds", "0"],
            ["--epochs", "0"],
            ["--build", "/nowhere"],
        ):
            if options[-1] == "cuda" and shutil.which("nvidia-smi", path="/usr/bin:/bin"):
                continue
            with self.subTest(options):
                done = self.run_bench(*options)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("bench.sh: ", done.stderr.splitlines()[-1])
        self.assertFalse((self.folder / "out").exists())

    def test_files(self):
        options = ["--level", "step", "--level", "kernel", "--config", "dcgan", "--seconds", "0.1"]
        done = self.run_bench(*options)
        self.assertEqual(done.returncode, 0, done.stderr)
        (path,) = (self.folder / "out").glob("*.json")
        result = json.loads(path.read_text())
        self.assertEqual((len(result["steps"]), len(result["kernels"])), (1, 1))
        self.assertIn(" ".join(options[:4]), result["command"])
        text = path.with_suffix(".md").read_text()
        for part in ("## Steps", "## Kernels", result["commit"], "a copy 0.0 GB/s"):
            self.assertIn(part, text)

    def test_a_program_that_fails(self):
        self.put("build/bench_train_step", "raise SystemExit('out of memory')")
        done = self.run_bench("--level", "step", "--config", "gan_mlp")
        self.assertEqual(done.returncode, 1)
        (path,) = (self.folder / "out").glob("*.md")
        self.assertIn("out of memory", path.read_text())


if __name__ == "__main__":
    unittest.main()
