// What a run may rely on: graphs change nothing, neither does handing over several steps at once or
// starting again; and an epoch neither allocates nor waits.
#include "tests/catch.h"
#include "tests/cuda/engine/tested_engine.h"
#include "tests/train/compare_runs.h"
#include "tests/train/golden_run.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

constexpr int64_t kSteps = 20;  // enough for graphs of several steps

// An unconditional GAN, a conditional one, one that updates D more often, a classifier.
std::vector<std::filesystem::path> SomeGoldens() {
  std::vector<std::filesystem::path> files;
  for (const char* name : {"gan_mlp", "quickstart", "dcgan", "classifier_mlp"}) {
    files.push_back(std::string(NUMERAL_SOURCE_DIR "/tests/golden/") + name + ".json");
  }
  return files;
}

}  // namespace

TEST_CASE("cuda: graphs give the bits that single ops give", "[gpu][runs]") {
  const auto graphs = MakeTestedEngine(), eager = MakeTestedEngine({.graphs = false});
  constexpr int64_t kFew = 10;  // one op by op, eight in one graph, one in one
  for (const auto& file : GoldenFiles()) {
    for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
      DYNAMIC_SECTION(file.stem().string() << static_cast<int>(precision)) {
        GoldenRun a(file, *graphs, true, precision), b(file, *eager, true, precision);
        a.session().Run(0, kFew);
        for (int64_t step = 0; step < kFew; ++step) b.session().Step(step);
        CheckSameState(a.session(), b.session());
        CHECK(a.session().executable().Counters().graph_launches > 0);
        CHECK(b.session().executable().Counters().graph_launches == 0);
      }
    }
  }
}

TEST_CASE("cuda: a run on another engine of the same machine has the same bits", "[gpu][runs]") {
  for (const auto& file : SomeGoldens()) {
    DYNAMIC_SECTION(file.stem().string()) {
      const auto first = MakeTestedEngine(), second = MakeTestedEngine({.poison = true});
      GoldenRun a(file, *first), b(file, *second);
      a.session().Run(0, kSteps);
      b.session().Run(0, kSteps);
      CheckSameState(a.session(), b.session());
    }
  }
}

TEST_CASE("cuda: a resumed run has the bits of one that was not stopped", "[gpu][runs]") {
  const auto engine = MakeTestedEngine();
  for (const auto& file : SomeGoldens()) {
    DYNAMIC_SECTION(file.stem().string()) {
      const TempFolder folder;
      GoldenRun whole(file, *engine), before(file, *engine), after(file, *engine);
      whole.session().Run(0, kSteps);
      before.session().Run(0, kSteps / 2);
      RunPosition position;
      position.step = kSteps / 2;
      before.session().Save(folder.path() / "checkpoint", position);
      after.session().Run(0, 3);  // what a session held before does not matter
      CHECK(after.session().Restore(folder.path() / "checkpoint").step == kSteps / 2);
      after.session().Run(kSteps / 2, kSteps / 2);
      CheckSameState(whole.session(), after.session(), false);
    }
  }
}

TEST_CASE("cuda: an epoch neither allocates nor waits for the engine", "[gpu][runs]") {
  const auto engine = MakeTestedEngine();
  for (const auto& file : SomeGoldens()) {
    DYNAMIC_SECTION(file.stem().string()) {
      GoldenRun run(file, *engine);
      Session& session = run.session();
      session.Run(0, kSteps);  // everything is captured after this, and memory for two reads there
      for (int i = 0; i < Executable::kReadsUnderWay; ++i) session.StartMetrics();
      for (int i = 0; i < Executable::kReadsUnderWay; ++i) session.FinishMetrics();
      const EngineCounters before = session.executable().Counters();
      session.Run(kSteps, kSteps);
      session.StartMetrics();
      session.Run(2 * kSteps, kSteps);
      session.FinishMetrics();
      const EngineCounters after = session.executable().Counters();
      CHECK(after.allocations == before.allocations);
      CHECK(after.primitives == before.primitives);
      CHECK(after.waits == before.waits);
      CHECK(after.graph_launches > before.graph_launches);
    }
  }
}

}  // namespace numeral
