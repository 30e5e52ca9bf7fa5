// Memory of the plans of all configs, checked by an account of lifetimes of the test's own.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "config/parse.h"
#include "plan/arena.h"
#include "plan/compile.h"
#include "tests/catch.h"
#include "train/session.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

struct Life {
  int first_write = -1, first_touch = -1, last_touch = -1;
};

TensorId BaseOf(const Plan& plan, TensorId id) {
  return plan.tensor(id).base == kNoTensor ? id : plan.tensor(id).base;
}

std::map<TensorId, Life> Lives(const Plan& plan, const Phase& phase) {
  std::map<TensorId, Life> lives;
  for (int i = 0; i < static_cast<int>(phase.ops.size()); ++i) {
    for (const Operand& operand : Operands(phase.ops[static_cast<size_t>(i)].op)) {
      if (plan.tensor(operand.id).storage != Storage::kTransient) continue;
      Life& life = lives[BaseOf(plan, operand.id)];
      if (life.first_touch < 0) life.first_touch = i;
      if (operand.access != Access::kRead && life.first_write < 0) life.first_write = i;
      life.last_touch = i;
    }
  }
  return lives;
}

bool Overlap(const TensorInfo& a, const TensorInfo& b) {
  return a.offset_bytes < b.offset_bytes + b.bytes() && b.offset_bytes < a.offset_bytes + a.bytes();
}

// Whether `phase` hands a's memory over to b in place: the op in which a ends and b begins may.
bool HandedOver(const Phase& phase, TensorId a, const Life& life_a, TensorId b,
                const Life& life_b) {
  if (life_a.last_touch != life_b.first_touch) return false;
  for (const auto& [source, result] :
       InPlacePairs(phase.ops[static_cast<size_t>(life_a.last_touch)].op)) {
    if (source == a && result == b) return true;
  }
  return false;
}

int CheckPhase(const Plan& plan, const Phase& phase) {
  const auto lives = Lives(plan, phase);
  int pairs = 0;
  for (auto a = lives.begin(); a != lives.end(); ++a) {
    INFO(phase.name() << ": " << plan.tensor(a->first).name);
    CHECK(a->second.first_write == a->second.first_touch);
    const TensorInfo& info = plan.tensor(a->first);
    CHECK(info.offset_bytes % 64 == 0);
    CHECK(info.offset_bytes + info.bytes() <= plan.transient_bytes);
    for (auto b = std::next(a); b != lives.end(); ++b) {
      const Life &x = a->second, &y = b->second;
      if (x.last_touch < y.first_touch || y.last_touch < x.first_touch) continue;
      if (HandedOver(phase, a->first, x, b->first, y) ||
          HandedOver(phase, b->first, y, a->first, x)) {
        continue;
      }
      ++pairs;
      INFO("and " << plan.tensor(b->first).name);
      CHECK_FALSE(Overlap(info, plan.tensor(b->first)));
    }
  }
  return pairs;
}

Plan PlanOf(const fs::path& config_path, bool fuse, bool reuse) {
  const Config config = LoadConfig(config_path.string());
  return CompileRun(config, BuildNetworks(config),
                    {.fuse = fuse,
                     .reuse_memory = reuse,
                     .conv_epilogue = fuse,
                     .dense_epilogue = fuse,
                     .data_count = 60000,
                     .sample_rows = 16});
}

std::vector<fs::path> Configs() {
  std::vector<fs::path> configs;
  for (const auto& entry : fs::directory_iterator(NUMERAL_SOURCE_DIR "/configs")) {
    if (entry.path().extension() == ".json") configs.push_back(entry.path());
  }
  return configs;
}

}  // namespace

TEST_CASE("tensors that live at the same time share no memory") {
  int pairs = 0;
  for (const fs::path& config : Configs()) {
    for (const bool fuse : {true, false}) {
      const Plan plan = PlanOf(config, fuse, true);
      INFO(config);
      for (const Phase& phase : plan.phases) pairs += CheckPhase(plan, phase);
    }
  }
  CHECK(pairs > 1000);
}

TEST_CASE("reuse saves memory, and without it nothing is shared") {
  const fs::path config = NUMERAL_SOURCE_DIR "/configs/dcgan.json";
  const Plan reused = PlanOf(config, true, true), apart = PlanOf(config, true, false);
  CHECK(reused.transient_bytes * 2 < apart.transient_bytes);
  std::set<int64_t> offsets;
  for (const TensorInfo& tensor : apart.tensors) {
    if (tensor.storage != Storage::kTransient || tensor.base != kNoTensor) continue;
    INFO(tensor.name);
    CHECK(offsets.insert(tensor.offset_bytes).second);
  }
}

TEST_CASE("memory is kept for so many ops before it is reused") {
  Plan plan;
  const auto add = [&] {
    TensorInfo info;
    info.shape = Shape::Flat(16);
    plan.tensors.push_back(info);
    return static_cast<TensorId>(plan.tensors.size() - 1);
  };
  std::vector<TensorId> chain{add()};
  plan.phases.emplace_back();
  for (int i = 0; i < 5; ++i) {
    chain.push_back(add());
    plan.phases[0].ops.push_back({UpsampleForward{1, chain[chain.size() - 2], chain.back()}, ""});
  }
  // Tensor i is last read by op i, and tensor j written by op j - 1.
  for (const int kept_ops : {0, 1, 2}) {
    PlaceTensors(plan, true, kept_ops);
    CHECK(plan.transient_bytes == 64 * (2 + kept_ops));
    for (int i = 0; i < 5; ++i) {
      for (int j = i + 1; j <= std::min(i + 1 + kept_ops, 5); ++j) {
        CHECK_FALSE(Overlap(plan.tensor(i), plan.tensor(j)));
      }
    }
  }
}

TEST_CASE("persistent tensors lie side by side") {
  for (const fs::path& config : Configs()) {
    const Plan plan = PlanOf(config, true, true);
    std::map<int64_t, int64_t> ends;
    for (const TensorInfo& tensor : plan.tensors) {
      if (tensor.storage == Storage::kPersistent && tensor.base == kNoTensor) {
        CHECK(ends.emplace(tensor.offset_bytes, tensor.offset_bytes + tensor.bytes()).second);
      }
    }
    int64_t last_end = 0;
    for (const auto& [begin, end] : ends) {
      CHECK(begin >= last_end);
      last_end = end;
    }
    CHECK(last_end <= plan.persistent_bytes);
  }
}

TEST_CASE("fusion leaves fewer ops, and takes one way back through D for both losses") {
  const fs::path config = NUMERAL_SOURCE_DIR "/configs/dcgan.json";
  const auto count = [](const Plan& plan, std::string_view prefix) {
    int ops = 0;
    for (const Phase& phase : plan.phases) {
      for (const PhaseOp& op : phase.ops) ops += OpName(op.op).starts_with(prefix);
    }
    return ops;
  };
  const Plan fused = PlanOf(config, true, true), unfused = PlanOf(config, false, true);
  CHECK(count(fused, "bias_act") * 2 < count(unfused, "bias_act"));
  // D's second convolution once less in the step of each batch size, of which an epoch has two.
  constexpr int kBatchSizes = 2;
  CHECK(count(fused, "conv") == count(unfused, "conv") - kBatchSizes);
}

}  // namespace numeral
