// How many kernels and copies a training step is, and how many of them one after another.
#include <fmt/format.h>

#include "config/parse.h"
#include "tests/catch.h"
#include "tests/cuda/engine/tested_engine.h"
#include "tests/train/synthetic_data.h"
#include "train/session.h"

namespace numeral {

TEST_CASE("cuda: a step of dcgan is at most 37 nodes", "[gpu][runs]") {
  const auto engine = MakeTestedEngine();
  for (const char* precision : {"\"fp32\"", "\"tf32\"", "\"bf16\""}) {
    const Config config = LoadConfig(NUMERAL_SOURCE_DIR "/configs/dcgan.json",
                                     {{"/training/batch_size", "8"}, {"/precision", precision}});
    Session session(config, SyntheticData(8, {0, 1, 2, 3}), *engine);
    const int phase = session.plan().FindPhase(PhaseKind::kStep, 8);
    const auto [nodes, longest_path] = session.executable().SizeOfGraph(phase);
    INFO(precision << ": " << nodes << " nodes, " << longest_path << " on the longest path");
    CHECK(nodes > 0);
    CHECK(nodes <= 37);
    CHECK(longest_path <= 28);
    const auto plan = std::make_shared<const Plan>(session.plan());
    CHECK_THAT(DescribeGraphs(plan, *engine),
               Catch::Contains(fmt::format("\nstep[8]: {} graph nodes, {} on the longest path\n",
                                           nodes, longest_path)));
  }
}

}  // namespace numeral
