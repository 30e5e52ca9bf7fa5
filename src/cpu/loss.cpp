// Losses with their gradients, and how often the discriminator is right.
//
// At most some thousand logits: one thread, in double.
#include <algorithm>

#include "cpu/draws.h"
#include "cpu/elementwise.h"
#include "plan/row_loss.h"

namespace numeral::cpu {
namespace {

// The slot of the ring that the running step writes; the plan may also give a single row.
float* MetricSlot(float* metrics, int64_t rows, const int64_t* step, Metric metric) {
  const int64_t row = std::max<int64_t>(RunningStep(step), 0) % rows;
  return metrics + row * kMetricCount + static_cast<int>(metric);
}

// use.template operator()<type of the logits, outputs of a row>().
template <typename Use>
Kernel WithLogits(const Binding& binding, TensorId logits, LossKind kind, const Use& use) {
  return binding.WithElement(logits, [&]<typename T>() -> Kernel {
    switch (OutputsOf(kind)) {
      case 1:
        return use.template operator()<T, 1>();
      case kDigits:
        return use.template operator()<T, kDigits>();
      default:
        return use.template operator()<T, kDigits + 1>();
    }
  });
}

template <int kOutputs, typename T>
void Widen(const T* logits, double (&wide)[kOutputs]) {
  std::copy_n(logits, kOutputs, wide);
}

}  // namespace

Kernel MakeKernel(const Loss& op, const Binding& binding) {
  const TensorInfo& info = binding.info(op.logits);
  NUMERAL_CHECK(info.shape.Elems() == OutputsOf(op.kind));
  NUMERAL_CHECK(!NeedsLabels(op.kind, op.part) || op.labels != kNoTensor);
  NUMERAL_CHECK(op.relative_to == 0 || MayBeRelative(op.kind, op.part));
  const int32_t* labels = NeedsLabels(op.kind, op.part) ? binding.I32(op.labels) : nullptr;
  float* metrics = binding.F32(op.metrics);
  const int64_t* step = binding.I64(op.step);
  const LossRule rule{op.kind, op.part, op.label_smoothing, op.relative_to};
  return WithLogits(binding, op.logits, op.kind, [&]<typename T, int kOutputs>() -> Kernel {
    const T* logits = binding.Activation<T>(op.logits);
    T* grad = binding.Activation<T>(op.grad);
    return [=, rows = info.rows, ring = binding.info(op.metrics).rows] {
      const double weight = static_cast<double>(op.weight) / static_cast<double>(rows);
      const double factor = GradientFactor(rule, op.weight, static_cast<double>(rows));
      double sum = 0, wide[kOutputs], slopes[kOutputs];
      for (int64_t row = 0; row < rows; ++row) {
        Widen(logits + row * kOutputs, wide);
        sum += RowLoss(rule, labels == nullptr ? 0 : labels[row], wide, slopes);
        for (int j = 0; j < kOutputs; ++j) {
          grad[row * kOutputs + j] = static_cast<float>(factor * slopes[j]);
        }
      }
      float* slot = MetricSlot(metrics, ring, step, op.metric);
      const float value = static_cast<float>(weight * sum);
      *slot = op.add ? *slot + value : value;
    };
  });
}

Kernel MakeKernel(const SquaredError& op, const Binding& binding) {
  const int64_t elems = binding.info(op.prediction).elems();
  NUMERAL_CHECK(elems > 0 && binding.info(op.target).elems() == elems);
  NUMERAL_CHECK(binding.info(op.grad).elems() == elems);
  float* metrics = binding.F32(op.metrics);
  const int64_t* step = binding.I64(op.step);
  return binding.WithElement(op.prediction, [&]<typename T>() -> Kernel {
    const T* prediction = binding.Activation<T>(op.prediction);
    const T* target = binding.Activation<T>(op.target);
    T* grad = binding.Activation<T>(op.grad);
    return [=, ring = binding.info(op.metrics).rows] {
      const double weight = 1 / static_cast<double>(elems);
      double sum = 0;
      for (int64_t i = 0; i < elems; ++i) {
        const double error = static_cast<double>(prediction[i]) - static_cast<double>(target[i]);
        sum += error * error;
        grad[i] = static_cast<float>(2 * weight * error);
      }
      *MetricSlot(metrics, ring, step, op.metric) = static_cast<float>(weight * sum);
    };
  });
}

Kernel MakeKernel(const Accuracy& op, const Binding& binding) {
  const TensorInfo& info = binding.info(op.logits);
  NUMERAL_CHECK(op.part != LossPart::kGenerator && info.shape.Elems() == OutputsOf(op.kind));
  NUMERAL_CHECK(!NeedsLabels(op.kind, op.part) || op.labels != kNoTensor);
  const int32_t* labels = NeedsLabels(op.kind, op.part) ? binding.I32(op.labels) : nullptr;
  float* metrics = binding.F32(op.metrics);
  const int64_t* step = binding.I64(op.step);
  const LossRule rule{op.kind, op.part, 0};
  return WithLogits(binding, op.logits, op.kind, [&]<typename T, int kOutputs>() -> Kernel {
    const T* logits = binding.Activation<T>(op.logits);
    return [=, rows = info.rows, ring = binding.info(op.metrics).rows] {
      int64_t right = 0;
      double wide[kOutputs];
      for (int64_t row = 0; row < rows; ++row) {
        Widen(logits + row * kOutputs, wide);
        right += RowIsRight(rule, labels == nullptr ? 0 : labels[row], wide);
      }
      *MetricSlot(metrics, ring, step, op.metric) =
          static_cast<float>(static_cast<double>(right) / static_cast<double>(rows));
    };
  });
}

}  // namespace numeral::cpu
