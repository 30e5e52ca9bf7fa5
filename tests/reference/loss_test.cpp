// Losses, accuracies and updates of the reference against values worked out by hand.
#include <numeric>

#include "tests/support/check_values.h"
#include "tests/support/one_op.h"

namespace numeral {
namespace {

constexpr double kLog2 = 0.6931471805599453;
constexpr double kSoftplus2 = 2.1269280110429727;  // log(1 + e^2)
constexpr double kSigmoid2 = 0.8807970779778823;

struct LossResult {
  double value;
  std::vector<double> grad;
};

LossResult LossOf(LossKind kind, LossPart part, const std::vector<float>& logits,
                  const std::vector<int64_t>& labels, float smoothing = 0, float weight = 1) {
  const auto rows = static_cast<int>(labels.size());
  OneOpPlan plan;
  Loss op{};
  op.kind = kind;
  op.part = part;
  op.weight = weight;
  op.label_smoothing = smoothing;
  op.logits = plan.Add("logits", rows, Shape::Flat(static_cast<int>(logits.size()) / rows));
  plan.SetReals(op.logits, logits);
  op.labels = plan.Add("labels", rows, Shape::Flat(1), DType::kI32);
  plan.SetIntegers(op.labels, labels);
  op.grad = plan.Add("grad", rows, plan.info(op.logits).shape);
  op.metrics = plan.Add("metrics", 1, Shape::Flat(kMetricCount));
  op.step = plan.AddStep(0);
  op.metric = Metric::kDLoss;
  const ReferenceResult result(plan.Finish("by hand", op, {}));
  return {result.Doubles("metrics")[0], result.Doubles("grad")};
}

void CheckLoss(const LossResult& actual, double value, const std::vector<double>& grad) {
  CheckValues({actual.value}, {value});
  CheckValues(actual.grad, grad);
}

// Logits of one row: 2 at `place`, 0 elsewhere.
std::vector<float> TwoAt(int outputs, int place) {
  std::vector<float> logits(static_cast<size_t>(outputs), 0.0f);
  logits[static_cast<size_t>(place)] = 2;
  return logits;
}

TEST_CASE("reference: binary cross-entropy") {
  const auto loss = [](LossPart part, float smoothing = 0) {
    return LossOf(LossKind::kBce, part, {2}, {0}, smoothing);
  };
  CheckLoss(loss(LossPart::kReal), kSoftplus2 - 2, {kSigmoid2 - 1});
  CheckLoss(loss(LossPart::kReal, 0.25f), kSoftplus2 - 1.5, {kSigmoid2 - 0.75});
  CheckLoss(loss(LossPart::kFake), kSoftplus2, {kSigmoid2});
  CheckLoss(loss(LossPart::kFake, 0.25f), kSoftplus2, {kSigmoid2});
  CheckLoss(loss(LossPart::kGenerator), kSoftplus2 - 2, {kSigmoid2 - 1});
  CheckLoss(loss(LossPart::kGenerator, 0.25f), kSoftplus2 - 2, {kSigmoid2 - 1});
  // Mean of two rows, weighted.
  CheckLoss(LossOf(LossKind::kBce, LossPart::kReal, {0, 2}, {0, 0}, 0, 0.5f),
            0.25 * (kLog2 + kSoftplus2 - 2), {-0.125, 0.25 * (kSigmoid2 - 1)});
  // Far out nothing overflows.
  CheckLoss(LossOf(LossKind::kBce, LossPart::kReal, {-1000, 1000}, {0, 0}), 500, {-0.5, 0});
}

TEST_CASE("reference: the digit or zeros") {
  const auto loss = [](LossPart part, float smoothing = 0) {
    return LossOf(LossKind::kDigitOrZeros, part, TwoAt(10, 3), {3}, smoothing);
  };
  std::vector<double> grad(10, 0.5);
  grad[3] = kSigmoid2 - 1;
  CheckLoss(loss(LossPart::kReal), 9 * kLog2 + kSoftplus2 - 2, grad);
  CheckLoss(loss(LossPart::kGenerator, 0.25f), 9 * kLog2 + kSoftplus2 - 2, grad);
  grad[3] = kSigmoid2 - 0.75;
  CheckLoss(loss(LossPart::kReal, 0.25f), 9 * kLog2 + kSoftplus2 - 1.5, grad);
  grad[3] = kSigmoid2;
  CheckLoss(loss(LossPart::kFake), 9 * kLog2 + kSoftplus2, grad);
}

TEST_CASE("reference: softmax over ten digits and fake") {
  constexpr double kLogSum = 2.8558410485107006;      // log(10 + e^2)
  constexpr double kTwoShare = 0.42492565766033985;   // e^2 / (10 + e^2)
  constexpr double kZeroShare = 0.05750743423396602;  // 1 / (10 + e^2)
  const auto loss = [](LossPart part, float smoothing = 0) {
    return LossOf(LossKind::kSoftmax, part, TwoAt(11, 3), {3}, smoothing);
  };
  std::vector<double> grad(11, kZeroShare);
  grad[3] = kTwoShare - 1;
  CheckLoss(loss(LossPart::kReal), kLogSum - 2, grad);
  CheckLoss(loss(LossPart::kGenerator, 0.25f), kLogSum - 2, grad);
  std::vector<double> smooth_grad(11, kZeroShare - 0.25 / 11);
  smooth_grad[3] = kTwoShare - 0.75 - 0.25 / 11;
  CheckLoss(loss(LossPart::kReal, 0.25f), kLogSum - 2 * (0.75 + 0.25 / 11), smooth_grad);
  grad[3] = kTwoShare;
  grad[10] = kZeroShare - 1;
  CheckLoss(loss(LossPart::kFake), kLogSum, grad);
}

TEST_CASE("reference: cross-entropy of a classifier") {
  const auto loss = [](float smoothing) {
    return LossOf(LossKind::kCrossEntropy, LossPart::kReal, TwoAt(10, 3), {5}, smoothing);
  };
  const double sum = 9 + std::exp(2.0);
  std::vector<double> grad(10, 1 / sum);
  grad[3] = std::exp(2.0) / sum;
  grad[5] -= 1;
  CheckLoss(loss(0), std::log(sum), grad);
  for (double& g : grad) g -= 0.05;
  grad[5] += 0.5;
  CheckLoss(loss(0.5f), std::log(sum) - 0.05 * 2, grad);
}

TEST_CASE("reference: least squares and hinge") {
  const auto squares = [](LossPart part, float smoothing = 0) {
    return LossOf(LossKind::kLeastSquares, part, {0.25f}, {0}, smoothing);
  };
  CheckLoss(squares(LossPart::kReal), 0.28125, {-0.75});
  CheckLoss(squares(LossPart::kReal, 0.25f), 0.125, {-0.5});
  CheckLoss(squares(LossPart::kFake), 0.03125, {0.25});
  CheckLoss(squares(LossPart::kGenerator), 0.28125, {-0.75});
  const auto hinge = [](LossPart part, float output) {
    return LossOf(LossKind::kHinge, part, {output}, {0});
  };
  CheckLoss(hinge(LossPart::kReal, 0.25f), 0.75, {-1});
  CheckLoss(hinge(LossPart::kReal, 2), 0, {0});
  CheckLoss(hinge(LossPart::kFake, 0.25f), 1.25, {1});
  CheckLoss(hinge(LossPart::kFake, -2), 0, {0});
  CheckLoss(hinge(LossPart::kGenerator, 0.25f), -0.25, {-1});
}

TEST_CASE("reference: a loss goes to its slot of the ring, written or added") {
  for (const bool add : {false, true}) {
    OneOpPlan plan;
    Loss op{};
    op.kind = LossKind::kHinge;
    op.part = LossPart::kGenerator;
    op.weight = 1;
    op.logits = plan.Add("logits", 1, Shape::Flat(1));
    plan.SetReals(op.logits, {-4});
    op.labels = kNoTensor;
    op.grad = plan.Add("grad", 1, Shape::Flat(1));
    op.metrics = plan.Add("metrics", 3, Shape::Flat(kMetricCount));
    std::vector<float> before(3 * kMetricCount);
    std::iota(before.begin(), before.end(), 0.0f);
    plan.SetReals(op.metrics, before);
    op.step = plan.AddStep(7);
    op.metric = Metric::kGLoss;
    op.add = add;
    const ReferenceResult result(plan.Finish("by hand", op, {}));
    std::vector<double> after(before.begin(), before.end());
    double& slot = after[kMetricCount + static_cast<size_t>(Metric::kGLoss)];
    slot = add ? slot + 4 : 4;
    CheckValues(result.Doubles("metrics"), after);
  }
}

TEST_CASE("reference: squared error") {
  OneOpPlan plan;
  SquaredError op;
  op.prediction = plan.Add("prediction", 2, Shape::Flat(2));
  plan.SetReals(op.prediction, {1, 2, -1, 0.5f});
  op.target = plan.Add("target", 2, Shape::Flat(2));
  plan.SetReals(op.target, {0, 2, 1, 1});
  op.grad = plan.Add("grad", 2, Shape::Flat(2));
  op.metrics = plan.Add("metrics", 1, Shape::Flat(kMetricCount));
  op.step = plan.AddStep(0);
  op.metric = Metric::kLoss;
  const ReferenceResult result(plan.Finish("by hand", op, {}));
  CheckValues({result.Doubles("metrics")[static_cast<size_t>(Metric::kLoss)]}, {5.25 / 4});
  CheckValues(result.Doubles("grad"), {0.5, 0, -1, -0.25});
}

double AccuracyOf(LossKind kind, LossPart part, const std::vector<float>& logits,
                  const std::vector<int64_t>& labels) {
  const auto rows = static_cast<int>(labels.size());
  OneOpPlan plan;
  Accuracy op{};
  op.kind = kind;
  op.part = part;
  op.logits = plan.Add("logits", rows, Shape::Flat(static_cast<int>(logits.size()) / rows));
  plan.SetReals(op.logits, logits);
  op.labels = plan.Add("labels", rows, Shape::Flat(1), DType::kI32);
  plan.SetIntegers(op.labels, labels);
  op.metrics = plan.Add("metrics", 1, Shape::Flat(kMetricCount));
  op.step = kNoTensor;
  op.metric = Metric::kDAccuracyFake;
  return ReferenceResult(plan.Finish("by hand", op, {})).Doubles("metrics")[3];
}

TEST_CASE("reference: accuracy") {
  const std::vector<float> outputs = {-1, 0.25f, 0.75f, 2};
  const std::vector<int64_t> any = {0, 0, 0, 0};
  CHECK(AccuracyOf(LossKind::kBce, LossPart::kReal, outputs, any) == 0.75);
  CHECK(AccuracyOf(LossKind::kBce, LossPart::kFake, outputs, any) == 0.25);
  CHECK(AccuracyOf(LossKind::kHinge, LossPart::kReal, outputs, any) == 0.75);
  CHECK(AccuracyOf(LossKind::kLeastSquares, LossPart::kReal, outputs, any) == 0.5);
  CHECK(AccuracyOf(LossKind::kLeastSquares, LossPart::kFake, outputs, any) == 0.5);
  // Right digit above 0; right digit but all below 0.
  std::vector<float> digits(20, -2.0f);
  digits[3] = 1;
  digits[13] = -1;
  CHECK(AccuracyOf(LossKind::kDigitOrZeros, LossPart::kReal, digits, {3, 3}) == 0.5);
  CHECK(AccuracyOf(LossKind::kDigitOrZeros, LossPart::kReal, digits, {4, 3}) == 0);
  CHECK(AccuracyOf(LossKind::kDigitOrZeros, LossPart::kFake, digits, {3, 3}) == 0.5);
  std::vector<float> classes(22, 0.0f);
  classes[3] = 1;
  classes[21] = 1;
  CHECK(AccuracyOf(LossKind::kSoftmax, LossPart::kReal, classes, {3, 3}) == 0.5);
  CHECK(AccuracyOf(LossKind::kSoftmax, LossPart::kFake, classes, {3, 3}) == 0.5);
}

ReferenceResult AdamResult(bool epsilon_hat, int64_t running_step, int64_t period, float moment1,
                           float moment2, float grad) {
  OneOpPlan plan;
  AdamUpdate op;
  op.spec = {0.1, 0.5, 0.75, 0.25, epsilon_hat, {}};
  op.period = period;
  op.total_updates = 100;
  op.step = plan.AddStep(running_step);
  const auto scalar = [&](const std::string& name, float value) {
    const TensorId id = plan.AddVector(name, 1);
    plan.SetReals(id, {value});
    return id;
  };
  op.params = scalar("params", 1);
  op.grads = scalar("grads", grad);
  op.first_moment = scalar("first_moment", moment1);
  op.second_moment = scalar("second_moment", moment2);
  return ReferenceResult(plan.Finish("by hand", op, {}));
}

TEST_CASE("reference: Adam, both forms, first and second update") {
  const auto first = AdamResult(false, 0, 1, 0, 0, 0.5f);
  CheckValues(first.Doubles("first_moment"), {0.25});
  CheckValues(first.Doubles("second_moment"), {0.0625});
  CheckValues(first.Doubles("params"), {1 - 0.1 * 0.5 / 0.75});
  CheckValues(AdamResult(true, 0, 1, 0, 0, 0.5f).Doubles("params"), {0.95});
  // Update 2, of a generator that is updated in every fifth step.
  CheckValues(AdamResult(false, 9, 5, 0.25f, 0.0625f, 0.25f).Doubles("params"),
              {1 - 0.05308155917419796});
  CheckValues(AdamResult(true, 9, 5, 0.25f, 0.0625f, 0.25f).Doubles("params"),
              {1 - 0.044095855184409845});
}

TEST_CASE("reference: moving average") {
  OneOpPlan plan;
  const TensorId source = plan.AddVector("source", 2);
  plan.SetReals(source, {8, -4});
  const TensorId target = plan.AddVector("target", 2);
  plan.SetReals(target, {4, 0});
  const ReferenceResult result(plan.Finish("by hand", EmaUpdate{0.75f, source, target}, {}));
  CheckValues(result.Doubles("target"), {5, -1});
}

}  // namespace
}  // namespace numeral
