#include <algorithm>
#include <cmath>

#include "tests/reference/ops.h"
#include "util/error.h"

namespace numeral::reference {

namespace {

// The loss of one row and its gradient.
struct RowLoss {
  double value = 0;
  std::vector<double> grad;
};

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
// log(1 + exp(x)) without overflow.
double Softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

size_t LogitsPerRow(LossKind kind) {
  switch (kind) {
    case LossKind::kDigitOrZeros:
    case LossKind::kCrossEntropy:
      return 10;
    case LossKind::kSoftmax:
      return 11;
    default:
      return 1;
  }
}

// What the logits of a row are trained towards; by the table in config/spec.h. Real and generator
// rows aim at "real", only real ones are smoothed.
std::vector<double> Targets(const Loss& op, int64_t label) {
  const double smoothing = op.part == LossPart::kReal ? op.label_smoothing : 0;
  const bool fake = op.part == LossPart::kFake;
  std::vector<double> targets(LogitsPerRow(op.kind), 0.0);
  switch (op.kind) {
    case LossKind::kDigitOrZeros:
      if (!fake) targets[static_cast<size_t>(label)] = 1 - smoothing;
      break;
    case LossKind::kCrossEntropy:
      for (double& target : targets) target = smoothing / 10;
      targets[static_cast<size_t>(label)] += 1 - smoothing;
      break;
    case LossKind::kSoftmax:
      for (double& target : targets) target = smoothing / 11;
      targets[fake ? 10 : static_cast<size_t>(label)] += 1 - smoothing;
      break;
    default:
      targets[0] = fake ? 0 : 1 - smoothing;
  }
  return targets;
}

// Sum of binary cross-entropies between sigmoid(logits) and targets.
RowLoss CrossEntropies(std::span<const double> logits, const std::vector<double>& targets) {
  RowLoss row;
  for (size_t i = 0; i < logits.size(); ++i) {
    row.value += Softplus(logits[i]) - targets[i] * logits[i];
    row.grad.push_back(Sigmoid(logits[i]) - targets[i]);
  }
  return row;
}

RowLoss SoftmaxCrossEntropy(std::span<const double> logits, const std::vector<double>& targets) {
  const double highest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit - highest);
  RowLoss row;
  for (size_t i = 0; i < logits.size(); ++i) {
    row.value += targets[i] * (highest + std::log(sum) - logits[i]);
    row.grad.push_back(std::exp(logits[i] - highest) / sum - targets[i]);
  }
  return row;
}

RowLoss Hinge(double output, LossPart part) {
  if (part == LossPart::kGenerator) return {-output, {-1}};
  const double sign = part == LossPart::kReal ? -1 : 1;
  const double distance = 1 + sign * output;
  return {std::max(distance, 0.0), {distance > 0 ? sign : 0}};
}

RowLoss LossOfRow(const Loss& op, std::span<const double> logits, int64_t label) {
  switch (op.kind) {
    case LossKind::kBce:
    case LossKind::kDigitOrZeros:
      return CrossEntropies(logits, Targets(op, label));
    case LossKind::kSoftmax:
      return SoftmaxCrossEntropy(logits, Targets(op, label));
    case LossKind::kCrossEntropy:
      return SoftmaxCrossEntropy(logits, Targets(op, label));
    case LossKind::kLeastSquares: {
      const double error = logits[0] - Targets(op, label)[0];
      return {error * error / 2, {error}};
    }
    case LossKind::kHinge:
      return Hinge(logits[0], op.part);
    case LossKind::kMeanSquared:
      break;
  }
  Fail("mean_squared has an op of its own");
}

// What kBce's generator part asks of a logit over what its fake part does.
double RelativeGradient(const Loss& op, double logit) {
  const double judged = Sigmoid(std::max(logit, kLeastRelativeLogit));
  return op.weight * (judged - 1) / (op.relative_to * judged);
}

double& MetricSlot(TensorId metrics, TensorId step, Metric metric, Store& store) {
  const auto values = store.F32(metrics);
  const int64_t ring = store.rows(metrics);
  NUMERAL_CHECK(std::ssize(values) == ring * kMetricCount);
  const int64_t slot = store.RunningStep(step) % ring;
  return values[static_cast<size_t>(slot * kMetricCount + static_cast<int>(metric))];
}

// The digit of a row; 0 where the loss does not ask for digits.
int64_t LabelOfRow(LossKind kind, std::span<const int64_t> labels, size_t row) {
  if (LogitsPerRow(kind) == 1 || labels.empty()) return 0;
  NUMERAL_CHECK(labels[row] >= 0 && labels[row] < 10);
  return labels[row];
}

bool JudgedRight(const Accuracy& op, std::span<const double> logits, int64_t label) {
  const bool fake = op.part == LossPart::kFake;
  const auto largest = std::max_element(logits.begin(), logits.end());
  switch (op.kind) {
    case LossKind::kDigitOrZeros:
      return fake ? *largest < 0 : largest - logits.begin() == label && *largest > 0;
    case LossKind::kCrossEntropy:
      return largest - logits.begin() == label;
    case LossKind::kSoftmax:
      return largest - logits.begin() == (fake ? 10 : label);
    default: {
      const double threshold = op.kind == LossKind::kLeastSquares ? 0.5 : 0;
      return fake ? logits[0] < threshold : logits[0] > threshold;
    }
  }
}

}  // namespace

void Run(const Loss& op, Store& store) {
  const std::span<const double> logits = store.F32(op.logits);
  const auto labels = store.Integers(op.labels);
  const auto grad = store.F32(op.grad);
  const size_t outputs = LogitsPerRow(op.kind);
  NUMERAL_CHECK(store.shape(op.logits).Elems() == static_cast<int64_t>(outputs));
  NUMERAL_CHECK(grad.size() == logits.size());
  NUMERAL_CHECK(outputs == 1 || op.part == LossPart::kFake || !labels.empty());
  const auto rows = static_cast<size_t>(store.rows(op.logits));
  const double row_weight = op.weight / static_cast<double>(rows);
  double value = 0;
  for (size_t n = 0; n < rows; ++n) {
    const RowLoss row =
        LossOfRow(op, logits.subspan(n * outputs, outputs), LabelOfRow(op.kind, labels, n));
    value += row_weight * row.value;
    for (size_t i = 0; i < outputs; ++i) grad[n * outputs + i] = row_weight * row.grad[i];
    if (op.relative_to != 0) grad[n] = RelativeGradient(op, logits[n]);
  }
  double& slot = MetricSlot(op.metrics, op.step, op.metric, store);
  slot = op.add ? slot + value : value;
}

void Run(const SquaredError& op, Store& store) {
  const std::span<const double> prediction = store.F32(op.prediction),
                                target = store.F32(op.target);
  const auto grad = store.F32(op.grad);
  NUMERAL_CHECK(prediction.size() == target.size() && grad.size() == prediction.size());
  const auto count = static_cast<double>(prediction.size());
  double value = 0;
  for (size_t i = 0; i < prediction.size(); ++i) {
    value += (prediction[i] - target[i]) * (prediction[i] - target[i]) / count;
    grad[i] = 2 * (prediction[i] - target[i]) / count;
  }
  MetricSlot(op.metrics, op.step, op.metric, store) = value;
}

void Run(const Accuracy& op, Store& store) {
  const std::span<const double> logits = store.F32(op.logits);
  const auto labels = store.Integers(op.labels);
  const size_t outputs = LogitsPerRow(op.kind);
  NUMERAL_CHECK(store.shape(op.logits).Elems() == static_cast<int64_t>(outputs));
  const auto rows = static_cast<size_t>(store.rows(op.logits));
  int right = 0;
  for (size_t n = 0; n < rows; ++n) {
    const int64_t label = LabelOfRow(op.kind, labels, n);
    right += JudgedRight(op, logits.subspan(n * outputs, outputs), label) ? 1 : 0;
  }
  MetricSlot(op.metrics, op.step, op.metric, store) = right / static_cast<double>(rows);
}

}  // namespace numeral::reference
