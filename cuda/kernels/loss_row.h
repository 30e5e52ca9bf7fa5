// What losses and accuracies are made of, row by row, for the kernels of loss.cu and for those that
// judge rows of their own making. The rule is that of plan/row_loss.h, in double.
#pragma once

#include "cuda/kernels/loss.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {

// What the row adds to the sum over rows; its gradient is written. `factor` is GradientFactor.
template <int kOutputs, typename T>
__device__ double JudgeRow(const LossArgs<T>& loss, double factor, int64_t row) {
  const int label = loss.labels == nullptr ? 0 : loss.labels[row];
  double logits[kOutputs], slopes[kOutputs];
  NUMERAL_UNROLL
  for (int j = 0; j < kOutputs; ++j) logits[j] = ToFloat(loss.logits[row * kOutputs + j]);
  if (loss.accuracy) return RowIsRight(loss.rule, label, logits) ? 1 : 0;
  const double value = RowLoss(loss.rule, label, logits, slopes);
  NUMERAL_UNROLL
  for (int j = 0; j < kOutputs; ++j) {
    loss.grad[row * kOutputs + j] = FromFloat<T>(static_cast<float>(factor * slopes[j]));
  }
  return value;
}

template <typename T>
__device__ double FactorOf(const LossArgs<T>& loss) {
  return GradientFactor(loss.rule, loss.weight, static_cast<double>(loss.rows));
}

// Writes or adds the value of the rows' sum.
template <typename T>
__device__ void FinishLoss(const LossArgs<T>& loss, double sum, float* metric) {
  const auto rows = static_cast<double>(loss.rows);
  if (loss.accuracy) {
    *metric = static_cast<float>(sum / rows);
    return;
  }
  const auto value = static_cast<float>(static_cast<double>(loss.weight) / rows * sum);
  *metric = loss.add ? *metric + value : value;
}

// Of launchers.
template <typename T>
void CheckLoss(const LossArgs<T>& loss) {
  Require(loss.rows > 0 && loss.outputs == OutputsOf(loss.rule.kind), "losses: shape");
  Require(loss.labels != nullptr || !NeedsLabels(loss.rule.kind, loss.rule.part), "losses: labels");
  Require(loss.logits != nullptr && (loss.accuracy || loss.grad != nullptr), "losses: operands");
  Require(!loss.accuracy || loss.rule.part != LossPart::kGenerator, "losses: accuracy's part");
  Require(loss.rule.relative_to == 0 || MayBeRelative(loss.rule.kind, loss.rule.part),
          "losses: relative to nothing");
  Require(loss.place.metrics != nullptr && loss.place.ring > 0, "losses: metrics");
}

}  // namespace numeral::cuda
