// Which updates one node does, and that it does what theirs do one after the other.
#include "cuda/engine/update.h"
#include "cuda/kernels/adam.h"
#include "tests/catch.h"
#include "tests/emulator/plan_on_device.h"
#include "tests/support/op_cases.h"

namespace numeral::cuda {
namespace {

// Two networks with weights, the second with an average.
struct Networks {
  OpCase op_case;
  AdvanceStep advance{};
  AdamUpdate first{}, second{};
  EmaUpdate average{};
  PrepareWeight first_weight{}, second_weight{}, average_weight{};

  Networks() {
    OneOpPlan plan;
    advance = {plan.AddStep(0)};
    first = Network(plan, "first", 1003, 1, 2e-2);
    second = Network(plan, "second", 37, 2, 1e-3);
    average = {0.75f, second.params, plan.Add("average", 37, Shape::Flat(1))};
    plan.SetUniform(average.target, -1, 1);
    first_weight = {plan.AddRows("first/weight", first.params, 7, 8)};
    second_weight = {plan.AddRows("second/weight", second.params, 0, 20)};
    average_weight = {plan.AddRows("average/weight", average.target, 3, 20)};
    op_case = plan.Finish("Adam", first, tolerance::kUpdate);
  }

  AdamUpdate Network(OneOpPlan& plan, const std::string& name, int count, int64_t period,
                     double learning_rate) const {
    AdamUpdate op{};
    op.spec.learning_rate = learning_rate;
    op.period = period;
    op.total_updates = 10;
    op.step = advance.step;
    op.params = plan.Add(name, count, Shape::Flat(1));
    op.grads = plan.AddVector(name + "/grads", count);
    op.first_moment = plan.AddVector(name + "/first_moment", count);
    op.second_moment = plan.AddVector(name + "/second_moment", count);
    for (const TensorId id : {op.params, op.grads, op.first_moment}) plan.SetUniform(id, -1, 1);
    plan.SetUniform(op.second_moment, 0, 1);
    return op;
  }
};

std::vector<PhaseOp> Ops(const std::vector<Op>& ops) {
  std::vector<PhaseOp> phase;
  for (const Op& op : ops) phase.push_back({op, "op"});
  return phase;
}

// The memory after three steps, and the bf16 copies of the weights.
std::vector<std::byte> AfterSteps(PlanOnDevice& device, const std::vector<Node>& updates,
                                  const Networks& networks) {
  std::vector<bf16*> copies;
  for (const PrepareWeight& prepare :
       {networks.first_weight, networks.second_weight, networks.average_weight}) {
    copies.push_back(device.workspace().MakeRounded(device.binding(), prepare.weight));
  }
  std::vector<Node> nodes{MakeNode(networks.advance, device.binding(), device.workspace())};
  nodes.insert(nodes.end(), updates.begin(), updates.end());
  device.workspace().Allocate();
  device.Reset();
  std::vector<std::byte> bytes;
  for (int step = 0; step < 3; ++step) bytes = device.Run(nodes);
  for (const bf16* copy : copies) {
    std::vector<std::byte> rounded(8 * sizeof(bf16));
    NUMERAL_CUDA(cudaMemcpy(rounded.data(), copy, rounded.size(), cudaMemcpyDeviceToHost));
    bytes.insert(bytes.end(), rounded.begin(), rounded.end());
  }
  return bytes;
}

TEST_CASE("CUDA updates of a step are one node that does what theirs do", "[emulator][update]") {
  const Networks networks;
  PlanOnDevice device(networks.op_case);
  const auto ops = Ops({networks.first, networks.first_weight, networks.second,
                        networks.second_weight, networks.average, networks.average_weight});
  REQUIRE(JoinableUpdates(ops, device.binding()) == 5);
  const auto node = [&](const auto& op) {
    return MakeNode(op, device.binding(), device.workspace());
  };
  const auto expected = AfterSteps(
      device, {node(networks.first), node(networks.second), node(networks.average)}, networks);
  const Node joined =
      MakeUpdatesNode(std::span(ops).first(5), device.binding(), device.workspace());
  CHECK(AfterSteps(device, {joined}, networks) == expected);
}

TEST_CASE("CUDA updates that depend on each other, or are none, stay apart", "[emulator][update]") {
  const Networks networks;
  PlanOnDevice device(networks.op_case);
  const auto joinable = [&](const std::vector<Op>& ops) {
    return JoinableUpdates(Ops(ops), device.binding());
  };
  CHECK(joinable({}) == 0);
  CHECK(joinable({networks.average}) == 0);
  CHECK(joinable({networks.first_weight, networks.first}) == 0);
  CHECK(joinable({networks.advance, networks.first}) == 0);
  CHECK(joinable({networks.first, networks.advance, networks.second}) == 1);
  CHECK(joinable({networks.first, networks.second}) == 2);
  // A copy that the updates do not refresh.
  CHECK(joinable({networks.first, networks.second_weight, networks.second}) == 1);
  // The average of a network that is not updated, and a second one of one that is.
  CHECK(joinable({networks.first, networks.average}) == 1);
  EmaUpdate again = networks.average;
  again.target = networks.first.grads;
  CHECK(joinable({networks.second, networks.average, again}) == 2);
  // An average on what an update reads, of the same network and of another.
  again.target = networks.second.grads;
  CHECK(joinable({networks.second, again}) == 1);
  again.target = networks.first.grads;
  CHECK(joinable({networks.first, networks.second, again}) == 2);
  // An update that reads what another writes, and the other way round.
  AdamUpdate reader = networks.second;
  reader.grads = networks.first.params;
  CHECK(joinable({networks.first, reader}) == 1);
  CHECK(joinable({reader, networks.first}) == 1);
  reader.grads = networks.average.target;
  CHECK(joinable({networks.second, networks.average, reader}) == 2);
  CHECK_THROWS(MakeUpdatesNode(Ops({networks.first, reader, networks.average}), device.binding(),
                               device.workspace()));
  CHECK_THROWS(MakeUpdatesNode({}, device.binding(), device.workspace()));
}

TEST_CASE("CUDA updates of many networks are several nodes", "[emulator][update]") {
  OneOpPlan plan;
  const Networks layout;
  std::vector<Op> ops;
  AdamUpdate op{};
  for (int i = 0; i < kMaxAdams + 1; ++i) {
    op = layout.Network(plan, std::to_string(i), 5, 1, 1e-3);
    op.step = kNoTensor;
    ops.emplace_back(op);
  }
  const OpCase op_case = plan.Finish("Adam", op, tolerance::kUpdate);
  const PlanOnDevice device(op_case);
  CHECK(JoinableUpdates(Ops(ops), device.binding()) == kMaxAdams);
}

}  // namespace
}  // namespace numeral::cuda
