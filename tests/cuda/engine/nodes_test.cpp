// How many kernels and copies a training step is, and how many of them one after another.
#include <fmt/format.h>

#include "config/parse.h"
#include "tests/catch.h"
#include "tests/cuda/engine/tested_engine.h"
#include "tests/train/synthetic_data.h"
#include "train/session.h"

namespace numeral {

namespace {

// Of a step in each precision, with batches of `batch_size`.
void CheckSize(const std::string& name, int batch_size, int most_nodes, int longest_path) {
  const auto engine = MakeTestedEngine();
  for (const char* precision : {"\"fp32\"", "\"tf32\"", "\"bf16\""}) {
    const Config config = LoadConfig(
        fmt::format("{}/configs/{}.json", NUMERAL_SOURCE_DIR, name),
        {{"/training/batch_size", std::to_string(batch_size)}, {"/precision", precision}});
    Session session(config, SyntheticData(batch_size, {0, 1, 2, 3}), *engine);
    const int phase = session.plan().FindPhase(PhaseKind::kStep, batch_size);
    const auto [nodes, path, early_starts] = session.executable().SizeOfGraph(phase);
    INFO(precision << ": " << nodes << " nodes, " << path << " on the longest path, "
                   << early_starts << " start early");
    CHECK(nodes > 0);
    CHECK(nodes <= most_nodes);
    CHECK(path <= longest_path);
    const auto plan = std::make_shared<const Plan>(session.plan());
    CHECK_THAT(DescribeGraphs(plan, *engine),
               Catch::Contains(fmt::format(
                   "\nstep[{}]: {} graph nodes, {} on the longest path, {} start early\n",
                   batch_size, nodes, path, early_starts)));
  }
}

}  // namespace

TEST_CASE("cuda: a step of dcgan is at most 35 nodes", "[gpu][runs]") {
  CheckSize("dcgan", 8, 35, 27);
}

TEST_CASE("cuda: a step of gan_mlp is at most 33 nodes", "[gpu][runs]") {
  CheckSize("gan_mlp", 64, 33, 22);
}

}  // namespace numeral
