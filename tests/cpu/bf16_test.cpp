// The CPU engine with bf16 activations. Processors without bf16 arithmetic have none of it: there
// every test here says that it is skipped.
#include "config/parse.h"
#include "engine/engine.h"
#include "tests/catch.h"
#include "tests/support/compare.h"
#include "tests/support/op_cases.h"
#include "tests/tolerance.h"
#include "tests/train/compare_runs.h"
#include "tests/train/golden_run.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

bool HasBf16(const Engine& engine) {
  const std::vector<Precision>& precisions = engine.capabilities().precisions;
  const bool has = std::count(precisions.begin(), precisions.end(), Precision::kBf16) > 0;
  if (!has) WARN("skipped: the cpu engine computes in " << engine.capabilities().precisions_text);
  return has;
}

std::vector<OpCase> Bf16Cases() {
  std::vector<OpCase> cases;
  for (const OpCase& op_case : AllCases()) {
    if (auto bf16 = WithBf16Activations(op_case)) cases.push_back(std::move(*bf16));
  }
  return cases;
}

}  // namespace

TEST_CASE("cpu: every op with bf16 activations", "[bf16]") {
  const auto engine = MakeCpuEngine();
  if (HasBf16(*engine)) CheckCases(*engine, Bf16Cases());
}

TEST_CASE("cpu: ten bf16 steps of every config stay near those in fp32", "[bf16]") {
  const auto engine = MakeCpuEngine({.poison = true});
  if (!HasBf16(*engine)) return;
  for (const auto& file : GoldenFiles()) {
    DYNAMIC_SECTION(file.stem().string()) {
      GoldenRun bf16(file, *engine, true, Precision::kBf16), fp32(file, *engine);
      bf16.session().Run(0, GoldenRun::kSteps);
      fp32.session().Run(0, GoldenRun::kSteps);
      CheckCloseLosses(bf16.session(), fp32.session(), 2, tolerance::kBf16Metrics);
      CheckCloseLosses(bf16.session(), fp32.session(), GoldenRun::kSteps, tolerance::kBf16TenSteps);
    }
  }
}

TEST_CASE("cpu: a resumed bf16 run has the bits of one that was not stopped", "[bf16]") {
  const auto engine = MakeCpuEngine();
  if (!HasBf16(*engine)) return;
  for (const auto& file : GoldenFiles()) {
    DYNAMIC_SECTION(file.stem().string()) {
      const TempFolder folder;
      GoldenRun whole(file, *engine, true, Precision::kBf16);
      GoldenRun before(file, *engine, true, Precision::kBf16);
      GoldenRun after(file, *engine, true, Precision::kBf16);
      whole.session().Run(0, 6);
      before.session().Run(0, 3);
      RunPosition position;
      position.step = 3;
      before.session().Save(folder.path() / "checkpoint", position);
      after.session().Run(0, 2);  // what a session held before does not matter
      CHECK(after.session().Restore(folder.path() / "checkpoint").step == 3);
      after.session().Run(3, 3);
      CheckSameState(whole.session(), after.session(), false);
    }
  }
}

}  // namespace numeral
