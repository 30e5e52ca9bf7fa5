#include <fmt/format.h>

#include "tests/support/op_cases.h"

namespace numeral {

namespace {

constexpr LossKind kKinds[] = {LossKind::kBce,     LossKind::kDigitOrZeros,
                               LossKind::kSoftmax, LossKind::kLeastSquares,
                               LossKind::kHinge,   LossKind::kCrossEntropy};
constexpr LossPart kParts[] = {LossPart::kReal, LossPart::kFake, LossPart::kGenerator};

int LogitsPerRow(LossKind kind) {
  if (kind == LossKind::kDigitOrZeros || kind == LossKind::kCrossEntropy) return 10;
  return kind == LossKind::kSoftmax ? 11 : 1;
}

std::string Describe(LossKind kind, LossPart part) {
  constexpr const char* kKindNames[] = {"bce",           "digit_or_zeros", "softmax",
                                        "least_squares", "hinge",          "cross_entropy"};
  constexpr const char* kPartNames[] = {"real", "fake", "generator"};
  return fmt::format("{} {}", kKindNames[static_cast<int>(kind)],
                     kPartNames[static_cast<int>(part)]);
}

struct Setting {
  LossKind kind;
  LossPart part;
  int rows;
  float smoothing = 0;
  float weight = 1;
  bool add = false;
  double largest_logit = 3;
  bool part_of_batch = false;  // logits and gradient are rows of larger tensors
  float relative_to = 0;
};

TensorId AddLogits(OneOpPlan& plan, const std::string& name, const Setting& s) {
  const Shape shape = Shape::Flat(LogitsPerRow(s.kind));
  if (!s.part_of_batch) return plan.Add(name, s.rows, shape);
  return plan.AddRows(name, plan.Add(name + ".joined", 2 * s.rows, shape), s.rows, s.rows);
}

OpCase LossCase(const Setting& s) {
  OneOpPlan plan;
  Loss op;
  op.kind = s.kind;
  op.part = s.part;
  op.weight = s.weight;
  op.label_smoothing = s.smoothing;
  op.relative_to = s.relative_to;
  op.logits = AddLogits(plan, "logits", s);
  plan.SetUniform(op.logits, -s.largest_logit, s.largest_logit);
  op.labels = kNoTensor;
  if (LogitsPerRow(s.kind) > 1) {
    op.labels = plan.Add("labels", s.rows, Shape::Flat(1), DType::kI32);
    plan.SetDigits(op.labels);
  }
  op.grad = AddLogits(plan, "grad", s);
  op.metrics = plan.Add("metrics", 5, Shape::Flat(kMetricCount));
  op.step = plan.AddStep(13);
  op.metric = s.part == LossPart::kGenerator ? Metric::kGLoss : Metric::kDLoss;
  op.add = s.add;
  return plan.Finish(
      fmt::format("{}, {} rows, smoothing {}, weight {}, logits to {}{}{}{}",
                  Describe(s.kind, s.part), s.rows, s.smoothing, s.weight, s.largest_logit,
                  s.add ? ", added" : "", s.part_of_batch ? ", part of a batch" : "",
                  s.relative_to != 0 ? fmt::format(", relative to {}", s.relative_to) : ""),
      op, tolerance::kLoss);
}

OpCase SquaredErrorCase(int rows, int size, bool with_step) {
  OneOpPlan plan;
  SquaredError op;
  op.prediction = plan.Add("prediction", rows, Shape::Flat(size));
  op.target = plan.Add("target", rows, Shape::Flat(size));
  plan.SetUniform(op.target, -3, 3);
  op.grad = plan.Add("grad", rows, Shape::Flat(size));
  op.metrics = plan.Add("metrics", with_step ? 4 : 1, Shape::Flat(kMetricCount));
  op.step = with_step ? plan.AddStep(6) : kNoTensor;
  op.metric = Metric::kLoss;
  return plan.Finish(fmt::format("{} rows of {}{}", rows, size, with_step ? ", by step" : ""), op,
                     tolerance::kLoss);
}

OpCase AccuracyCase(LossKind kind, LossPart part, int rows, bool with_step) {
  OneOpPlan plan;
  Accuracy op;
  op.kind = kind;
  op.part = part;
  op.logits = plan.Add("logits", rows, Shape::Flat(LogitsPerRow(kind)));
  // So that about half of the rows have all ten outputs below 0; others have a clear winner.
  plan.SetUniform(op.logits, -1, kind == LossKind::kDigitOrZeros ? 0.07 : 1);
  op.labels = kNoTensor;
  if (LogitsPerRow(kind) > 1) {
    op.labels = plan.Add("labels", rows, Shape::Flat(1), DType::kI32);
    plan.SetDigits(op.labels);
  }
  op.metrics = plan.Add("metrics", with_step ? 4 : 1, Shape::Flat(kMetricCount));
  op.step = with_step ? plan.AddStep(6) : kNoTensor;
  op.metric = part == LossPart::kReal ? Metric::kDAccuracyReal : Metric::kDAccuracyFake;
  return plan.Finish(
      fmt::format("{}, {} rows{}", Describe(kind, part), rows, with_step ? ", by step" : ""), op,
      tolerance::kElementwise);
}

}  // namespace

std::vector<OpCase> LossCases() {
  std::vector<OpCase> cases;
  for (const LossKind kind : kKinds) {
    for (const LossPart part : kParts) {
      if (kind == LossKind::kCrossEntropy && part != LossPart::kReal) continue;
      cases.push_back(LossCase({kind, part, 1}));
      cases.push_back(LossCase({kind, part, 7, 0.1f, 0.5f, true}));
      cases.push_back(LossCase({kind, part, 64, 0.1f}));
      cases.push_back(LossCase({.kind = kind, .part = part, .rows = 17, .largest_logit = 50}));
      cases.push_back(LossCase({.kind = kind, .part = part, .rows = 5, .part_of_batch = true}));
      if (part == LossPart::kGenerator) continue;
      for (const int rows : {1, 10, 100}) {
        cases.push_back(AccuracyCase(kind, part, rows, rows == 10));
      }
    }
  }
  for (const double largest_logit : {3.0, 50.0, 100.0}) {
    for (const float relative_to : {1.0f, 0.5f}) {
      cases.push_back(LossCase({.kind = LossKind::kBce,
                                .part = LossPart::kGenerator,
                                .rows = 17,
                                .smoothing = 0.1f,
                                .largest_logit = largest_logit,
                                .relative_to = relative_to}));
    }
  }
  for (const int rows : {1, 7, 64}) {
    for (const int size : {1, 13, 100}) cases.push_back(SquaredErrorCase(rows, size, rows == 7));
  }
  return cases;
}

}  // namespace numeral
