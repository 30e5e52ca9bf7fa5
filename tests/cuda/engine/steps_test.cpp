// Whole training steps of every config, narrowed, on the CUDA engine.
#include "tests/catch.h"
#include "tests/cuda/engine/tested_engine.h"
#include "tests/tolerance.h"
#include "tests/train/compare_runs.h"
#include "tests/train/golden_run.h"

namespace numeral {

TEST_CASE("cuda: ten steps of every config agree with PyTorch", "[gpu][steps]") {
  const auto engine = MakeTestedEngine({.poison = true});
  for (const auto& file : GoldenFiles()) {
    DYNAMIC_SECTION(file.stem().string()) {
      GoldenRun run(file, *engine);
      run.CheckInitial();
      run.CheckSteps();
      run.CheckWeights();
    }
  }
}

TEST_CASE("cuda: gradients of the first steps are the CPU engine's", "[gpu][steps]") {
  const auto cpu = MakeCpuEngine();
  const auto cuda = MakeTestedEngine();
  for (const auto& file : GoldenFiles()) {
    DYNAMIC_SECTION(file.stem().string()) {
      GoldenRun a(file, *cuda), b(file, *cpu);
      a.session().Run(0, 2);
      b.session().Run(0, 2);
      CheckCloseLosses(a.session(), b.session(), 2, tolerance::kTenSteps.rtol);
      CheckCloseGradients(a.session(), b.session(), tolerance::kGoldenGradientAtol,
                          tolerance::kSecondStepShare);
    }
  }
}

TEST_CASE("cuda: bf16 steps stay near those in fp32", "[gpu][steps]") {
  const auto engine = MakeTestedEngine();
  for (const auto& file : GoldenFiles()) {
    DYNAMIC_SECTION(file.stem().string()) {
      GoldenRun a(file, *engine, true, Precision::kBf16), b(file, *engine);
      a.session().Run(0, 2);
      b.session().Run(0, 2);
      CheckCloseLosses(a.session(), b.session(), 2, tolerance::kBf16Metrics);
    }
  }
}

}  // namespace numeral
