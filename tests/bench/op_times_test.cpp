// What bench/op_times.h says of a step's nodes.
#include "bench/op_times.h"

#include "config/parse.h"
#include "tests/catch.h"
#include "tests/train/synthetic_data.h"
#include "train/session.h"

namespace numeral::bench {
namespace {

// An executable that has been profiled: its nodes begin at the given ops.
class Profiled : public Executable {
 public:
  explicit Profiled(std::vector<OpTime> times) : times_(std::move(times)) {}
  void Write(TensorId, std::span<const std::byte>) override {}
  void Read(TensorId, std::span<std::byte>) override {}
  void Enqueue(int, int64_t) override {}
  void Sync() override {}
  EngineCounters Counters() const override { return {}; }
  void SetProfiling(bool) override {}
  std::vector<OpTime> OpTimes() const override { return times_; }

 private:
  std::vector<OpTime> times_;
};

// x [2][3] -> dense -> y [2][4] -> leaky ReLU -> z, and a phase more.
Plan SmallPlan() {
  Plan plan;
  const auto add = [&](const char* name, int64_t rows, int elems) {
    TensorInfo info;
    info.name = name;
    info.rows = rows;
    info.shape = Shape::Flat(elems);
    plan.tensors.push_back(info);
    return static_cast<TensorId>(plan.tensors.size() - 1);
  };
  const TensorId x = add("x", 2, 3), weight = add("weight", 4, 3), y = add("y", 2, 4);
  const TensorId z = add("z", 2, 4);
  const DenseForward dense{2, 3, 4, x, weight, kNoTensor, y, {}};
  const BinaryForward sum{BinaryKind::kAdd, false, y, y, z};
  plan.phases = {{PhaseKind::kDStep, 2, {{dense, "a"}, {sum, "b"}, {dense, "c"}}},
                 {PhaseKind::kGStep, 2, {{sum, "d"}}}};
  return plan;
}

Config SmallConfig() {
  return LoadConfig(NUMERAL_SOURCE_DIR "/configs/gan_mlp.json",
                    {{"/training/batch_size", "4"}, {"/data/last_batch", "\"drop\""}});
}

std::vector<float> Weights(Session& session) {
  const TensorId id = session.plan().FindTensor("generator/dense.weight");
  REQUIRE(id != kNoTensor);
  return session.executable().ReadAll<float>(id, session.plan().tensor(id).elems());
}

}  // namespace

TEST_CASE("a node reaches to the next one's first op", "[bench]") {
  const Plan plan = SmallPlan();
  const auto nodes = NodesThatRan(plan, Profiled({{0, 0, 5, 1.5}, {0, 2, 5, 2.5}, {1, 0, 1, 3}}));
  REQUIRE(nodes.size() == 3);
  CHECK(nodes[0].count == 2);
  CHECK(nodes[0].runs == 5);
  CHECK(nodes[0].seconds == 1.5);
  CHECK(nodes[1].first == 2);
  CHECK(nodes[1].count == 1);
  CHECK(nodes[2].phase == 1);
  CHECK(nodes[2].count == 1);
  // A node that did not run still ends the one before it.
  const auto fewer = NodesThatRan(plan, Profiled({{0, 0, 5, 1.5}, {0, 2, 0, 0}, {1, 0, 0, 0}}));
  REQUIRE(fewer.size() == 1);
  CHECK(fewer[0].count == 2);
}

TEST_CASE("what a node writes and reads again is no traffic", "[bench]") {
  const Plan plan = SmallPlan();
  const auto bytes = [&](int first, int count) {
    return Describe(plan, {0, first, count, 1, 1})["bytes"].get<int64_t>();
  };
  CHECK(bytes(0, 1) == 4 * (6 + 12 + 8));  // x, weight, y
  CHECK(bytes(1, 1) == 4 * (8 + 8 + 8));   // y twice, z
  CHECK(bytes(0, 2) == 4 * (6 + 12 + 8 + 8));
  const Json node = Describe(plan, {0, 0, 2, 1, 1});
  CHECK(node["flops"] == 2 * 2 * 3 * 4);
  CHECK(node["op"] == "dense_forward+binary_forward");
  CHECK(node["label"] == "a+b");
}

TEST_CASE("nodes run alone, beside the session that they come from", "[bench]") {
  const auto engine = MakeCpuEngine();
  Session session(SmallConfig(), SyntheticData(8, {0, 1}), *engine);
  session.Initialise();
  session.executable().SetProfiling(true);
  session.Step(0);
  const std::vector<StepNode> nodes = NodesThatRan(session.plan(), session.executable());
  session.executable().SetProfiling(false);
  REQUIRE(nodes.size() > 20);
  const std::vector<float> before = Weights(session);
  NodesAlone alone(session.plan(), session.executable(), *engine, nodes);
  for (size_t i = 0; i < nodes.size(); ++i) {
    INFO(Describe(session.plan(), nodes[i]).dump());
    const AloneTimes times = alone.Time(i, 1);
    CHECK(times.warm_ms > 0);
    CHECK(times.cold_ms > 0);
  }
  CHECK(Weights(session) == before);  // Adam ran, but on a copy
}

}  // namespace numeral::bench
