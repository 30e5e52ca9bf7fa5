// Losses with their gradients, and how often the discriminator is right.
//
// At most some thousand logits: one thread, in double.
#include <algorithm>
#include <array>
#include <cmath>

#include "cpu/draws.h"
#include "cpu/elementwise.h"

namespace numeral::cpu {
namespace {

constexpr int kFakeClass = 10;
constexpr int kMaxOutputs = 11;
using Row = std::array<double, kMaxOutputs>;

bool NeedsLabels(LossKind kind, LossPart part) {
  return OutputsOf(kind) > 1 && part != LossPart::kFake;
}

bool IsSoftmax(LossKind kind) {
  return kind == LossKind::kSoftmax || kind == LossKind::kCrossEntropy;
}

// The slot of the ring that the running step writes; the plan may also give a single row.
float* MetricSlot(float* metrics, int64_t rows, const int64_t* step, Metric metric) {
  const int64_t row = std::max<int64_t>(RunningStep(step), 0) % rows;
  return metrics + row * kMetricCount + static_cast<int>(metric);
}

// What the outputs of a row should be. Not used by kHinge.
Row TargetsOf(const Loss& op, int label) {
  Row targets{};
  const double smoothing = op.part == LossPart::kReal ? op.label_smoothing : 0;
  if (IsSoftmax(op.kind)) {
    targets.fill(smoothing / OutputsOf(op.kind));
    targets[static_cast<size_t>(op.part == LossPart::kFake ? kFakeClass : label)] += 1 - smoothing;
  } else if (op.part != LossPart::kFake) {
    targets[static_cast<size_t>(op.kind == LossKind::kDigitOrZeros ? label : 0)] = 1 - smoothing;
  }
  return targets;
}

// Binary cross-entropy on a logit: log(1 + e^z) - t z without overflow, and its slope.
double Bce(double logit, double target, double& slope) {
  const double e = std::exp(-std::fabs(logit));
  slope = (logit >= 0 ? 1 : e) / (1 + e) - target;
  return std::max(logit, 0.0) + std::log1p(e) - target * logit;
}

double SoftmaxLoss(const float* logits, size_t outputs, const Row& targets, Row& slopes) {
  double largest = logits[0];
  for (size_t j = 1; j < outputs; ++j) largest = std::max<double>(largest, logits[j]);
  double sum = 0;
  for (size_t j = 0; j < outputs; ++j) sum += slopes[j] = std::exp(logits[j] - largest);
  double loss = largest + std::log(sum);
  for (size_t j = 0; j < outputs; ++j) {
    slopes[j] = slopes[j] / sum - targets[j];
    loss -= targets[j] * logits[j];
  }
  return loss;
}

double HingeLoss(LossPart part, double output, double& slope) {
  if (part == LossPart::kGenerator) {
    slope = -1;
    return -output;
  }
  const double sign = part == LossPart::kReal ? -1 : 1;
  const double loss = 1 + sign * output;
  slope = loss > 0 ? sign : 0;
  return loss < 0 ? 0 : loss;  // NaN stays NaN
}

// Loss of one row and its slope at each output.
double RowLoss(const Loss& op, const float* logits, int label, Row& slopes) {
  if (op.kind == LossKind::kHinge) return HingeLoss(op.part, logits[0], slopes[0]);
  const Row targets = TargetsOf(op, label);
  const auto outputs = static_cast<size_t>(OutputsOf(op.kind));
  if (IsSoftmax(op.kind)) return SoftmaxLoss(logits, outputs, targets, slopes);
  if (op.kind == LossKind::kLeastSquares) {
    slopes[0] = logits[0] - targets[0];
    return slopes[0] * slopes[0] / 2;
  }
  double loss = 0;
  for (size_t j = 0; j < outputs; ++j) {
    loss += Bce(logits[j], targets[j], slopes[j]);
  }
  return loss;
}

// Whether D is right about a row. Written so that NaN is wrong.
bool IsRight(const Accuracy& op, const float* logits, int label) {
  const bool real = op.part == LossPart::kReal;
  const int outputs = OutputsOf(op.kind);
  if (outputs == 1) {
    const float threshold = op.kind == LossKind::kLeastSquares ? 0.5f : 0.0f;
    return real ? logits[0] > threshold : logits[0] < threshold;
  }
  if (op.kind == LossKind::kDigitOrZeros && !real) {
    for (int j = 0; j < outputs; ++j) {
      if (!(logits[j] < 0)) return false;
    }
    return true;
  }
  const int expected = real ? label : kFakeClass;
  if (op.kind == LossKind::kDigitOrZeros && !(logits[expected] > 0)) return false;
  for (int j = 0; j < outputs; ++j) {
    const bool beaten = j < expected ? logits[j] < logits[expected] : logits[j] <= logits[expected];
    if (!beaten) return false;  // of equal outputs the first is the largest
  }
  return true;
}

}  // namespace

Kernel MakeKernel(const Loss& op, const Binding& binding) {
  const TensorInfo& info = binding.info(op.logits);
  const int outputs = OutputsOf(op.kind);
  NUMERAL_CHECK(info.shape.Elems() == outputs);
  NUMERAL_CHECK(!NeedsLabels(op.kind, op.part) || op.labels != kNoTensor);
  const float* logits = binding.F32(op.logits);
  const int32_t* labels = NeedsLabels(op.kind, op.part) ? binding.I32(op.labels) : nullptr;
  float *grad = binding.F32(op.grad), *metrics = binding.F32(op.metrics);
  const int64_t* step = binding.I64(op.step);
  return [=, rows = info.rows, ring = binding.info(op.metrics).rows] {
    const double weight = static_cast<double>(op.weight) / static_cast<double>(rows);
    double sum = 0;
    Row slopes;
    for (int64_t row = 0; row < rows; ++row) {
      sum += RowLoss(op, logits + row * outputs, labels == nullptr ? 0 : labels[row], slopes);
      for (int j = 0; j < outputs; ++j) {
        grad[row * outputs + j] = static_cast<float>(weight * slopes[static_cast<size_t>(j)]);
      }
    }
    float* slot = MetricSlot(metrics, ring, step, op.metric);
    const float value = static_cast<float>(weight * sum);
    *slot = op.add ? *slot + value : value;
  };
}

Kernel MakeKernel(const SquaredError& op, const Binding& binding) {
  const int64_t elems = binding.info(op.prediction).elems();
  NUMERAL_CHECK(elems > 0 && binding.info(op.target).elems() == elems);
  NUMERAL_CHECK(binding.info(op.grad).elems() == elems);
  const float *prediction = binding.F32(op.prediction), *target = binding.F32(op.target);
  float *grad = binding.F32(op.grad), *metrics = binding.F32(op.metrics);
  const int64_t* step = binding.I64(op.step);
  return [=, ring = binding.info(op.metrics).rows] {
    const double weight = 1 / static_cast<double>(elems);
    double sum = 0;
    for (int64_t i = 0; i < elems; ++i) {
      const double error = static_cast<double>(prediction[i]) - target[i];
      sum += error * error;
      grad[i] = static_cast<float>(2 * weight * error);
    }
    *MetricSlot(metrics, ring, step, op.metric) = static_cast<float>(weight * sum);
  };
}

Kernel MakeKernel(const Accuracy& op, const Binding& binding) {
  const TensorInfo& info = binding.info(op.logits);
  const int outputs = OutputsOf(op.kind);
  NUMERAL_CHECK(op.part != LossPart::kGenerator && info.shape.Elems() == outputs);
  NUMERAL_CHECK(!NeedsLabels(op.kind, op.part) || op.labels != kNoTensor);
  const float* logits = binding.F32(op.logits);
  const int32_t* labels = NeedsLabels(op.kind, op.part) ? binding.I32(op.labels) : nullptr;
  float* metrics = binding.F32(op.metrics);
  const int64_t* step = binding.I64(op.step);
  return [=, rows = info.rows, ring = binding.info(op.metrics).rows] {
    int64_t right = 0;
    for (int64_t row = 0; row < rows; ++row) {
      right += IsRight(op, logits + row * outputs, labels == nullptr ? 0 : labels[row]);
    }
    *MetricSlot(metrics, ring, step, op.metric) =
        static_cast<float>(static_cast<double>(right) / static_cast<double>(rows));
  };
}

}  // namespace numeral::cpu
