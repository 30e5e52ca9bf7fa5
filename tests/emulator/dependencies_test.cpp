// Which nodes wait for which, by hand.
#include "cuda/engine/dependencies.h"

#include "cuda/engine/compile_phase.h"
#include "tests/catch.h"
#include "tests/emulator/plan_on_device.h"

namespace numeral::cuda {
namespace {

constexpr int kRows = 4, kWidth = 32;  // too wide for own kernels, whose neighbours are joined

Phase PhaseOf(const std::vector<Op>& ops) {
  Phase phase;
  for (const Op& op : ops) phase.ops.push_back({op, std::string(OpName(op))});
  return phase;
}

// Two layers and what is around them. The first one's weight has a bf16 copy.
struct Layers {
  OneOpPlan plan;
  TensorId x = Activation("x"), y1 = Activation("y1"), y2 = Activation("y2");
  TensorId grad = Activation("grad");
  TensorId params = plan.Add("params", 2 * kWidth, Shape::Flat(kWidth));
  TensorId grads = plan.Add("grads", 2 * kWidth, Shape::Flat(kWidth));
  TensorId w1 = plan.AddRows("w1", params, 0, kWidth);
  TensorId w2 = plan.AddRows("w2", params, kWidth, kWidth);
  TensorId grad_w1 = plan.AddRows("grad_w1", grads, 0, kWidth);
  TensorId grad_w2 = plan.AddRows("grad_w2", grads, kWidth, kWidth);
  TensorId step = plan.AddStep(0);

  TensorId Activation(const std::string& name) {
    return plan.Add(name, kRows, Shape::Flat(kWidth));
  }
  static DenseForward Forward(TensorId x, TensorId weight, TensorId y) {
    return {kRows, kWidth, kWidth, x, weight, kNoTensor, y, {}};
  }
  static DenseBackwardData Data(TensorId grad_y, TensorId weight, TensorId grad_x) {
    return {kRows, kWidth, kWidth, grad_y, weight, grad_x};
  }
  static DenseBackwardWeight Weight(TensorId x, TensorId grad_y, TensorId grad_weight,
                                    GradientMode mode = GradientMode::kOverwrite) {
    return {kRows, kWidth, kWidth, x, grad_y, grad_weight, mode};
  }
  AdamUpdate Adam(TensorId updated, TensorId gradients) {
    AdamUpdate op{};
    op.period = 1;
    op.step = step;
    op.params = updated;
    op.grads = gradients;
    op.first_moment = plan.AddVector("first_moment", kWidth * kWidth);
    op.second_moment = plan.AddVector("second_moment", kWidth * kWidth);
    return op;
  }

  std::vector<std::vector<size_t>> Find(const std::vector<Op>& ops) {
    const OpCase op_case = plan.Finish("op", ops.back(), tolerance::kUpdate);
    PlanOnDevice device(op_case);
    device.workspace().MakeRounded(device.binding(), w1);
    const Phase phase = PhaseOf(ops);
    auto nodes = CompilePhase(phase, device.binding(), device.workspace());
    AddPrepares(phase, device.binding(), device.workspace(), nodes);
    return Dependencies(phase, nodes, device.binding(), device.workspace());
  }
};

using Expected = std::vector<std::vector<size_t>>;

}  // namespace

TEST_CASE("CUDA nodes wait for what they read, and nothing else", "[emulator][schedule]") {
  Layers l;
  CHECK(l.Find({l.Forward(l.x, l.w1, l.y1), l.Forward(l.y1, l.w2, l.y2),
                l.Weight(l.y1, l.y2, l.grad_w2), l.Data(l.y2, l.w2, l.grad),
                l.Weight(l.x, l.grad, l.grad_w1)}) == Expected{{}, {0}, {1}, {1}, {3}});
}

TEST_CASE("CUDA nodes wait for the readers of memory that they write", "[emulator][schedule]") {
  Layers l;
  const TensorId again = l.plan.AddOverlay("again", l.y1);
  // The last waits for both readers, and for the writer by way of them.
  CHECK(l.Find({l.Forward(l.x, l.w1, l.y1), l.Forward(l.y1, l.w2, l.y2),
                l.Weight(l.y1, l.x, l.grad_w2), l.Forward(l.x, l.w1, again)}) ==
        Expected{{}, {0}, {0}, {2, 1}});
}

TEST_CASE("CUDA nodes wait for earlier writers of what they write or add to",
          "[emulator][schedule]") {
  Layers l;
  CHECK(l.Find({l.Weight(l.x, l.y1, l.grad_w1), l.Weight(l.x, l.y2, l.grad_w2),
                l.Weight(l.x, l.y2, l.grad_w1, GradientMode::kAccumulate),
                l.Weight(l.x, l.y1, l.grad_w1)}) == Expected{{}, {}, {0}, {2}});
}

TEST_CASE("CUDA nodes on parts of a tensor wait for those that touch the same rows",
          "[emulator][schedule]") {
  Layers l;
  const TensorId top = l.plan.AddRows("top", l.y1, 0, 2), rest = l.plan.AddRows("rest", l.y1, 2, 2);
  const TensorId middle = l.plan.AddRows("middle", l.y1, 1, 2);
  const auto activate = [](TensorId id) {
    return BiasActForward{id, kNoTensor, id, {ActivationKind::kTanh}, 0, {}, kNoTensor};
  };
  CHECK(l.Find({l.Forward(l.x, l.w1, l.y1), activate(top), activate(rest), activate(middle)}) ==
        Expected{{}, {0}, {0}, {2, 1}});
}

TEST_CASE("CUDA nodes wait for the bf16 copy of a weight, and it for them",
          "[emulator][schedule]") {
  Layers l;
  // Nobody reads a copy of `x`, so preparing it is nothing.
  CHECK(l.Find({l.Forward(l.x, l.w1, l.y1), PrepareWeight{l.w1}, PrepareWeight{l.x},
                l.Forward(l.x, l.w1, l.y2), l.Forward(l.x, l.w2, l.grad)}) ==
        Expected{{}, {0}, {}, {1}, {}});
}

TEST_CASE("CUDA nodes of several ops wait for what any of them waits for", "[emulator][schedule]") {
  Layers l;
  DrawLatents draw{};
  draw.step = l.step;
  draw.out = l.x;
  draw.distribution = InputSpec::Distribution::kNormal;
  const AdamUpdate first = l.Adam(l.w1, l.grad_w1);
  AdamUpdate second = first;
  second.params = l.w2;
  second.grads = l.grad_w2;
  second.first_moment = l.plan.AddVector("moment", kWidth * kWidth);
  second.second_moment = l.plan.AddVector("other_moment", kWidth * kWidth);
  // The counter and the draw are node 0, both updates the last one, which reads the counter.
  CHECK(l.Find({AdvanceStep{l.step}, draw, l.Forward(l.x, l.w1, l.y1),
                l.Weight(l.y2, l.grad, l.grad_w2), first, second}) ==
        Expected{{}, {0}, {}, {2, 1}});
}

TEST_CASE("CUDA lanes share no memory", "[emulator][schedule]") {
  Layers l;
  const OpCase op_case = l.plan.Finish("op", l.Forward(l.x, l.w1, l.y1), tolerance::kUpdate);
  PlanOnDevice device(op_case);
  constexpr size_t kBytes = 4096;
  device.workspace().Reserve(kBytes);
  device.workspace().ReserveBlockCounters(kBytes / sizeof(unsigned));
  device.workspace().Allocate();
  const auto& lanes = device.workspace().lanes();
  std::vector<std::byte*> parts;
  for (const Lane& lane : lanes) {
    parts.push_back(lane.memory);
    parts.push_back(reinterpret_cast<std::byte*>(lane.block_counters));
    for (const Lane& other : lanes) CHECK((&other == &lane || other.stream != lane.stream));
  }
  std::sort(parts.begin(), parts.end());
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    CHECK(parts[i + 1] - parts[i] >= static_cast<ptrdiff_t>(kBytes));
  }
}

}  // namespace numeral::cuda
