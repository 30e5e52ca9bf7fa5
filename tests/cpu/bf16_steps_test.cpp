// Whole bf16 runs of the CPU engine.
#include "tests/cpu/bf16_engine.h"
#include "tests/tolerance.h"
#include "tests/train/compare_runs.h"
#include "tests/train/golden_run.h"
#include "tests/util/temp_folder.h"

namespace numeral {

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
