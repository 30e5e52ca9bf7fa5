// Which losses one node does, and that it does what theirs do one after the other.
#include <cmath>

#include "cuda/engine/loss.h"
#include "cuda/kernels/loss.h"
#include "tests/catch.h"
#include "tests/emulator/plan_on_device.h"
#include "tests/support/op_cases.h"

namespace numeral::cuda {
namespace {

constexpr int kRows = 9;

// What a training step judges both networks by, on halves of one batch. With `reused`, the
// gradient of the fakes lies on the logits of the real rows, which nobody reads any more.
struct Judgement {
  OpCase op_case;
  std::vector<PhaseOp> ops;

  explicit Judgement(bool reused) {
    OneOpPlan plan;
    const Shape shape = Shape::Flat(kDigits + 1);
    const TensorId logits = plan.Add("logits", 2 * kRows, shape);
    const TensorId grads = plan.Add("grads", 2 * kRows, shape);
    const TensorId grad_generator = plan.Add("grad_generator", kRows, shape);
    const TensorId labels = plan.Add("labels", kRows, Shape::Flat(1), DType::kI32);
    const TensorId metrics = plan.Add("metrics", 5, Shape::Flat(kMetricCount));
    const TensorId step = plan.AddStep(13);
    const TensorId real = plan.AddRows("real", logits, 0, kRows);
    const TensorId fake = plan.AddRows("fake", logits, kRows, kRows);
    const TensorId grad_real = plan.AddRows("grad_real", grads, 0, kRows);
    const TensorId grad_fake =
        plan.AddRows("grad_fake", reused ? logits : grads, reused ? 0 : kRows, kRows);
    plan.SetUniform(logits, -3, 3);
    plan.SetDigits(labels);
    plan.SetReals(metrics, std::vector<float>(5 * kMetricCount, -7));
    constexpr LossKind kKind = LossKind::kSoftmax;
    ops.push_back({Loss{kKind, LossPart::kReal, 0.5f, 0.1f, 0, real, labels, grad_real, metrics,
                        step, Metric::kDLoss, false},
                   "loss"});
    ops.push_back(
        {Accuracy{kKind, LossPart::kReal, real, labels, metrics, step, Metric::kDAccuracyReal},
         "accuracy"});
    ops.push_back({Loss{kKind, LossPart::kFake, 0.5f, 0, 0, fake, kNoTensor, grad_fake, metrics,
                        step, Metric::kDLoss, true},
                   "loss"});
    ops.push_back(
        {Accuracy{kKind, LossPart::kFake, fake, kNoTensor, metrics, step, Metric::kDAccuracyFake},
         "accuracy"});
    ops.push_back({Loss{kKind, LossPart::kGenerator, 1, 0, 0, fake, labels, grad_generator, metrics,
                        step, Metric::kGLoss, false},
                   "loss"});
    op_case = plan.Finish("judgement", ops.back().op, tolerance::kLoss);
  }
};

TEST_CASE("CUDA losses of a step are one node that does what five do", "[emulator][loss]") {
  const Judgement judgement(false);
  PlanOnDevice device(judgement.op_case);
  REQUIRE(JoinableLosses(judgement.ops, device.binding()) == 5);
  std::vector<Node> apart;
  for (const PhaseOp& op : judgement.ops) {
    const auto* loss = std::get_if<Loss>(&op.op);
    apart.push_back(loss != nullptr ? MakeNode(*loss, device.binding(), device.workspace())
                                    : MakeNode(std::get<Accuracy>(op.op), device.binding(),
                                               device.workspace()));
  }
  const auto expected = device.Run(apart);
  device.Reset();
  CHECK(device.Run({MakeLossesNode(judgement.ops, device.binding(), device.workspace())}) ==
        expected);
}

TEST_CASE("CUDA losses that share memory, or are no losses, stay apart", "[emulator][loss]") {
  const Judgement judgement(true);
  PlanOnDevice device(judgement.op_case);
  const std::span<const PhaseOp> ops = judgement.ops;
  const auto joinable = [&](std::span<const PhaseOp> from) {
    return JoinableLosses(from, device.binding());
  };
  CHECK(joinable(ops) == 2);
  CHECK(joinable(ops.subspan(1)) == 1);
  CHECK(joinable(ops.subspan(2)) == 3);
  const std::vector<PhaseOp> backwards{judgement.ops[2], judgement.ops[1]};
  CHECK(joinable(backwards) == 1);
  CHECK(joinable({}) == 0);
  CHECK_THROWS(MakeLossesNode(ops, device.binding(), device.workspace()));
  CHECK_THROWS(MakeLossesNode({}, device.binding(), device.workspace()));
  std::vector<PhaseOp> accuracies(kMaxLosses + 1, judgement.ops[1]);
  CHECK(joinable(accuracies) == kMaxLosses);
  accuracies[1].op = AdvanceStep{kNoTensor};
  CHECK(joinable(accuracies) == 1);
  accuracies[0].op = AdvanceStep{kNoTensor};
  CHECK(joinable(accuracies) == 0);
}

}  // namespace
}  // namespace numeral::cuda
