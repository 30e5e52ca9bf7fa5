// How many kernels and copies a training step is.
#include <fmt/format.h>

#include "config/parse.h"
#include "tests/catch.h"
#include "tests/cuda/engine/tested_engine.h"
#include "tests/train/synthetic_data.h"
#include "train/session.h"

namespace numeral {

TEST_CASE("cuda: a step of dcgan is at most 40 nodes in every precision", "[gpu][runs]") {
  const auto engine = MakeTestedEngine();
  for (const char* precision : {"\"fp32\"", "\"tf32\"", "\"bf16\""}) {
    const Config config = LoadConfig(NUMERAL_SOURCE_DIR "/configs/dcgan.json",
                                     {{"/training/batch_size", "8"}, {"/precision", precision}});
    Session session(config, SyntheticData(8, {0, 1, 2, 3}), *engine);
    const int phase = session.plan().FindPhase(PhaseKind::kStep, 8);
    const int64_t nodes = session.executable().SizeOfGraph(phase).nodes;
    INFO(precision << ": " << nodes << " nodes");
    CHECK(nodes > 0);
    CHECK(nodes <= 40);
    const auto plan = std::make_shared<const Plan>(session.plan());
    CHECK_THAT(DescribeGraphs(plan, *engine),
               Catch::Contains(fmt::format("\nstep[8]: {} graph nodes, ", nodes)));
  }
}

}  // namespace numeral
