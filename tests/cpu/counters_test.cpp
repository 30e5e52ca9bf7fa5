// What a training step may not do: allocate, create primitives, or change a layout that the plan
// could have kept. Layers that are dense only need no other layout, in bf16 neither.
#include "config/parse.h"
#include "tests/cpu/bf16_engine.h"
#include "tests/train/synthetic_data.h"
#include "train/session.h"

namespace numeral {
namespace {

// Layout changes that a step cannot avoid: each updated convolution weight into the layouts of its
// forward and its backward pass, and each weight gradient out of the library's layout.
int64_t MostReorders(const Plan& plan) {
  int64_t most = 0;
  for (const Phase& phase : plan.phases) {
    if (phase.kind != PhaseKind::kStep) continue;
    for (const PhaseOp& op : phase.ops) {
      if (std::holds_alternative<ConvBackwardWeight>(op.op)) most += 1;
      if (std::holds_alternative<PrepareWeight>(op.op)) most += 2;
    }
  }
  return most;
}

void CheckSteps(Engine& engine, const std::string& name, const std::string& precision) {
  INFO(name << " in " << precision);
  const Config config = LoadConfig(NUMERAL_SOURCE_DIR "/configs/" + name + ".json",
                                   {{"/training/batch_size", "16"}, {"/precision", precision}});
  Session session(config, SyntheticData(32, {0, 1, 2, 3}), engine);
  session.Initialise();
  session.Step(0);
  const EngineCounters before = session.executable().Counters();
  CHECK(before.allocations > 0);
  session.Step(1);
  const EngineCounters after = session.executable().Counters();
  CHECK(after.allocations == before.allocations);
  CHECK(after.primitives == before.primitives);
  CHECK(after.reorders - before.reorders <= MostReorders(session.plan()));
  const bool convolutions = name != "gan_mlp";
  CHECK((after.reorders > before.reorders) == convolutions);
}

}  // namespace

TEST_CASE("a step allocates nothing, creates nothing and reorders weights only") {
  const auto engine = MakeCpuEngine();
  for (const char* name : {"dcgan", "gan_mlp", "cgan_filterselect"}) {
    CheckSteps(*engine, name, "\"fp32\"");
  }
}

TEST_CASE("neither does a bf16 step", "[bf16]") {
  const auto engine = MakeCpuEngine();
  if (!HasBf16(*engine)) return;
  for (const char* name : {"dcgan", "gan_mlp", "cgan_filterselect"}) {
    CheckSteps(*engine, name, "\"bf16\"");
  }
}

}  // namespace numeral
