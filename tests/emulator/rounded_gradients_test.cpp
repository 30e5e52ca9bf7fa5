// Which gradients stay in bf16 until the update reads them, and that this changes no result.
#include "cuda/engine/rounded_gradients.h"

#include "cuda/engine/compile_phase.h"
#include "cuda/engine/cuda_engine.h"
#include "cuda/engine/dependencies.h"
#include "cuda/kernels/adam.h"
#include "tests/catch.h"
#include "tests/emulator/plan_on_device.h"
#include "tests/emulator/stream.h"

namespace numeral::cuda {
namespace {

using Phases = std::vector<std::vector<Op>>;
using Ids = std::vector<TensorId>;

// Weights of 306 and 2048 elements; the first ends within a pack.
constexpr ConvGeometry kOddConv{2, 7, 5, 3, 17, 3, 5, 3, 2, 2, 1, 1, 0, 0, 1};
constexpr ConvGeometry kEvenConv{2, 8, 8, 8, 16, 4, 4, 4, 4, 2, 2, 1, 1, 1, 1};
constexpr ConvGeometry kThinConv{2, 8, 8, 1, 16, 4, 4, 4, 4, 2, 2, 1, 1, 1, 1};
constexpr int kOddFirst = 16, kEvenFirst = 336, kElems = 2407;

// The gradients of two convolutions in the block of a network, and the update of the block; another
// network whose gradients nobody computes.
struct Network {
  OneOpPlan tensors;
  TensorId step = tensors.AddStep(0);
  TensorId params = Block("params"), grads = Block("grads"), seen = Block("seen");
  TensorId odd_grad = tensors.AddRows("grads/odd", grads, kOddFirst, 306);
  TensorId even_grad = tensors.AddRows("grads/even", grads, kEvenFirst, 2048);
  TensorId odd_seen = tensors.AddRows("seen/odd", seen, 0, 306);
  ConvBackwardWeight odd = Conv("odd", kOddConv, odd_grad);
  ConvBackwardWeight even = Conv("even", kEvenConv, even_grad);
  // Read what is in the memory of all gradients, and of one.
  EmaUpdate look_at_all{0.5f, grads, seen}, look_at_odd{0.5f, odd_grad, odd_seen};
  AdamUpdate update = Update("", params, grads);
  AdamUpdate other = Update("other/", Block("other/params"), Block("other/grads"));

  AdamUpdate Update(const std::string& network, TensorId updated, TensorId gradients) {
    AdamUpdate op{};
    op.spec.learning_rate = 1e-2;
    op.period = 1;
    op.total_updates = 100;
    op.step = step;
    op.params = updated;
    op.grads = gradients;
    op.first_moment = Block(network + "first_moment");
    op.second_moment = Block(network + "second_moment");
    tensors.SetUniform(op.second_moment, 0.5, 1);
    for (const TensorId id : {updated, gradients, op.first_moment}) tensors.SetUniform(id, -1, 1);
    return op;
  }

  TensorId Block(const std::string& name) { return tensors.Add(name, kElems, Shape::Flat(1)); }

  ConvBackwardWeight Conv(const std::string& name, const ConvGeometry& g, TensorId gradient) {
    const TensorId image =
        tensors.Add(name + "/image", g.n, Shape::Spatial(g.h, g.w, g.c), DType::kBF16);
    const TensorId features =
        tensors.Add(name + "/features", g.n, Shape::Spatial(g.p, g.q, g.k), DType::kBF16);
    for (const TensorId id : {image, features}) tensors.SetUniform(id, -1, 1);
    return {g, image, features, gradient, GradientMode::kOverwrite};
  }

  OpCase CaseOf(const Phases& phases, Precision precision = Precision::kBf16) {
    OpCase op_case = tensors.Finish("update", update, tolerance::kUpdate);
    auto plan = std::make_shared<Plan>(*op_case.plan);
    plan->precision = precision;
    plan->phases.clear();
    for (const std::vector<Op>& ops : phases) {
      plan->phases.emplace_back();
      for (const Op& op : ops) plan->phases.back().ops.push_back({op, std::string(OpName(op))});
    }
    op_case.plan = std::move(plan);
    return op_case;
  }

  Ids Kept(const Phases& phases, Precision precision = Precision::kBf16) {
    PlanOnDevice device(CaseOf(phases, precision));
    KeepRoundedGradients(device.binding(), device.workspace());
    for (const TensorId id : device.workspace().rounded_gradients()) {
      CHECK(device.workspace().Rounded(device.binding(), id) != nullptr);
    }
    return device.workspace().rounded_gradients();
  }
};

struct Outcome {
  int64_t nodes;
  std::vector<std::vector<int32_t>> bits;  // of all that the updates read and write
};

// After a run op by op, eight in one graph, and one in a graph of its own.
Outcome AfterRuns(Network& network, const std::vector<Op>& ops) {
  const OpCase op_case = network.CaseOf({ops});
  const auto executable = MakeCudaEngine({})->Compile(op_case.plan);
  WriteInputs(op_case, *executable);
  executable->Enqueue(0, 10);
  Outcome outcome{executable->SizeOfGraph(0).nodes, {}};
  for (const AdamUpdate& update : {network.update, network.other}) {
    for (const TensorId id :
         {update.params, update.grads, update.first_moment, update.second_moment}) {
      outcome.bits.push_back(executable->ReadAll<int32_t>(id, kElems));
    }
  }
  return outcome;
}

}  // namespace

TEST_CASE("Gradients that stay in bf16 leave the bits of converted ones, by fewer nodes",
          "[emulator][rounded_gradients]") {
  Network network;
  const AdvanceStep advance{network.step};
  const Outcome converted = AfterRuns(
      network,
      {advance, network.odd, network.even, network.look_at_all, network.update, network.other});
  for (const uint64_t seed : {1, 2, 3}) {
    emulator::SetSeed(seed);
    const Outcome kept =
        AfterRuns(network, {advance, network.odd, network.even, network.update, network.other});
    CHECK(kept.nodes == converted.nodes - 3);  // two conversions, and the look
    CHECK(kept.bits == converted.bits);
  }
  emulator::SetSeed(1);
}

TEST_CASE("Updates wait for the gradients that stay in bf16", "[emulator][rounded_gradients]") {
  Network network;
  PlanOnDevice device(network.CaseOf({{network.odd, network.even, network.update}}));
  KeepRoundedGradients(device.binding(), device.workspace());
  const Phase& phase = device.binding().plan().phases[0];
  const auto nodes = CompilePhase(phase, device.binding(), device.workspace());
  CHECK(Dependencies(phase, nodes, device.binding(), device.workspace()) ==
        std::vector<std::vector<size_t>>{{}, {}, {1, 0}});
}

TEST_CASE("Gradients that only a convolution writes and an update reads stay in bf16",
          "[emulator][rounded_gradients]") {
  Network n;
  const Ids both{n.odd_grad, n.even_grad}, even{n.even_grad}, none;
  CHECK(n.Kept({{n.odd, n.even, n.update}}) == both);
  CHECK(n.Kept({{n.odd, n.even, n.update}}, Precision::kFp32) == none);
  CHECK(n.Kept({{n.odd, n.even, n.update}}, Precision::kTf32) == none);
  // Added to what is there.
  ConvBackwardWeight adding = n.odd;
  adding.mode = GradientMode::kAccumulate;
  CHECK(n.Kept({{adding, n.even, n.update}}) == even);
  CHECK(n.Kept({{n.odd, adding, n.even, n.update}}) == even);
  // Read before the update, behind it, and before the convolution.
  CHECK(n.Kept({{n.odd, n.look_at_odd, n.even, n.update}}) == even);
  CHECK(n.Kept({{n.odd, n.even, n.update, n.look_at_odd}}) == even);
  CHECK(n.Kept({{n.look_at_odd, n.odd, n.even, n.update}}) == even);
  CHECK(n.Kept({{n.odd, n.look_at_all, n.even, n.update}}) == none);
  // Written twice, or under another name.
  CHECK(n.Kept({{n.odd, n.odd, n.even, n.update}}) == even);
  ConvBackwardWeight renamed = n.odd;
  renamed.grad_weight = n.tensors.AddOverlay("grads/renamed", n.odd_grad);
  CHECK(n.Kept({{n.odd, n.even, n.update}, {renamed, n.even, n.update}}) == even);
}

TEST_CASE("Gradients without an update of their block behind them do not stay in bf16",
          "[emulator][rounded_gradients]") {
  Network n;
  const Ids both{n.odd_grad, n.even_grad}, even{n.even_grad}, none;
  CHECK(n.Kept({{n.odd, n.even}}) == none);
  CHECK(n.Kept({{n.update, n.odd, n.even}}) == none);
  CHECK(n.Kept({{n.odd, n.even, n.update, n.update}}) == none);
  CHECK(n.Kept({{n.odd, n.even, n.look_at_all}}) == none);
  AdamUpdate of_copy = n.update;
  of_copy.grads = n.tensors.AddOverlay("copy", n.grads);
  CHECK(n.Kept({{n.odd, n.even, of_copy}}) == none);
  // Every phase counts that touches them.
  CHECK(n.Kept({{n.odd, n.even, n.update}, {n.odd, n.even, n.update}, {}}) == both);
  CHECK(n.Kept({{n.odd, n.even, n.update}, {n.look_at_odd}}) == even);
  CHECK(n.Kept({{n.look_at_odd}, {n.odd, n.even, n.update}}) == even);
  CHECK(n.Kept({{n.odd, n.even, n.update}, {n.update}}) == none);
}

TEST_CASE("Gradients stay in bf16 only where cuDNN computes them there, aligned as well as scratch",
          "[emulator][rounded_gradients]") {
  Network n;
  const TensorId thin_grad = n.tensors.AddRows("grads/thin", n.grads, 0, 256);
  const TensorId behind_one = n.tensors.AddRows("grads/behind_one", n.grads, kOddFirst + 4, 306);
  CHECK(n.Kept({{n.Conv("thin", kThinConv, thin_grad), n.update}}).empty());
  CHECK(n.Kept({{n.Conv("behind_one", kOddConv, behind_one), n.update}}).empty());
}

TEST_CASE("Of many gradients of a block the first stay in bf16", "[emulator][rounded_gradients]") {
  Network n;
  std::vector<Op> ops;
  constexpr ConvGeometry kSmall{1, 3, 3, 2, 2, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0};
  Ids gradients;
  for (int i = 0; i < kMaxRoundedGrads + 1; ++i) {
    const std::string name = std::to_string(i);
    gradients.push_back(n.tensors.AddRows("grads/" + name, n.grads, 16 * i, 4));
    ops.emplace_back(n.Conv(name, kSmall, gradients.back()));
  }
  // Another block has as many of its own.
  const TensorId other_grad = n.tensors.AddRows("other/grad", n.other.grads, 0, 4);
  ops.insert(ops.end(), {n.Conv("other", kSmall, other_grad), n.update, n.other});
  gradients[kMaxRoundedGrads] = other_grad;
  CHECK(n.Kept({ops}) == gradients);
}

}  // namespace numeral::cuda
