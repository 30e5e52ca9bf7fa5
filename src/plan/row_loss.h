// The losses of one row with their slopes, and whether a discriminator is right about it; every
// engine calls these, on a device too. In double.
#pragma once

#include <cmath>

#include "plan/ops.h"
#include "util/host_device.h"

namespace numeral {

// What the outputs of a row are held against.
struct LossRule {
  LossKind kind;
  LossPart part;
  double label_smoothing = 0;  // of real rows
  double relative_to = 0;      // as that of Loss
};

// What turns a row's slope into its gradient.
NUMERAL_HOST_DEVICE inline double GradientFactor(const LossRule& rule, double weight, double rows) {
  return rule.relative_to != 0 ? weight / rule.relative_to : weight / rows;
}

// Without labels, rows count as labelled 0.
inline bool NeedsLabels(LossKind kind, LossPart part) {
  return OutputsOf(kind) > 1 && part != LossPart::kFake;
}

// Whether Loss::relative_to may be set.
inline bool MayBeRelative(LossKind kind, LossPart part) {
  return kind == LossKind::kBce && part == LossPart::kGenerator;
}

namespace internal {

inline constexpr int kFakeClass = kDigits;

// What output `j` of a row should be. Not used by kHinge.
template <int kOutputs>
NUMERAL_HOST_DEVICE inline double TargetOf(const LossRule& rule, int label, int j) {
  const bool fake = rule.part == LossPart::kFake;
  const double smoothing = rule.part == LossPart::kReal ? rule.label_smoothing : 0;
  if (rule.kind == LossKind::kSoftmax || rule.kind == LossKind::kCrossEntropy) {
    return smoothing / kOutputs + (j == (fake ? kFakeClass : label) ? 1 - smoothing : 0);
  }
  return !fake && j == label ? 1 - smoothing : 0;
}

// Binary cross-entropy on a logit: log(1 + e^z) - t z without overflow, and its slope.
NUMERAL_HOST_DEVICE inline double Bce(double logit, double target, double& slope) {
  const double e = std::exp(-std::fabs(logit));
  slope = (logit >= 0 ? 1 : e) / (1 + e) - target;
  return (logit < 0 ? 0 : logit) + std::log1p(e) - target * logit;
}

// The generator's slope as a multiple of the fake part's, (s - 1) / s where that is the sigmoid s.
NUMERAL_HOST_DEVICE inline double RelativeSlope(double logit) {
  return -std::exp(-(logit < kLeastRelativeLogit ? kLeastRelativeLogit : logit));
}

template <int kOutputs>
NUMERAL_HOST_DEVICE inline double SoftmaxLoss(const LossRule& rule, int label,
                                              const double (&logits)[kOutputs],
                                              double (&slopes)[kOutputs]) {
  double largest = logits[0];
  NUMERAL_UNROLL
  for (int j = 1; j < kOutputs; ++j) largest = largest < logits[j] ? logits[j] : largest;
  double sum = 0;
  NUMERAL_UNROLL
  for (int j = 0; j < kOutputs; ++j) sum += slopes[j] = std::exp(logits[j] - largest);
  double loss = largest + std::log(sum);
  NUMERAL_UNROLL
  for (int j = 0; j < kOutputs; ++j) {
    const double target = TargetOf<kOutputs>(rule, label, j);
    slopes[j] = slopes[j] / sum - target;
    loss -= target * logits[j];
  }
  return loss;
}

NUMERAL_HOST_DEVICE inline double HingeLoss(LossPart part, double output, double& slope) {
  if (part == LossPart::kGenerator) {
    slope = -1;
    return -output;
  }
  const double sign = part == LossPart::kReal ? -1 : 1;
  const double loss = 1 + sign * output;
  slope = loss > 0 ? sign : 0;
  return loss < 0 ? 0 : loss;  // NaN stays NaN
}

}  // namespace internal

// Loss of one row and its slope at each output. kOutputs is OutputsOf(rule.kind).
template <int kOutputs>
NUMERAL_HOST_DEVICE inline double RowLoss(const LossRule& rule, int label,
                                          const double (&logits)[kOutputs],
                                          double (&slopes)[kOutputs]) {
  if constexpr (kOutputs == 1) {
    if (rule.kind == LossKind::kHinge) {
      return internal::HingeLoss(rule.part, logits[0], slopes[0]);
    }
    if (rule.kind == LossKind::kLeastSquares) {
      slopes[0] = logits[0] - internal::TargetOf<1>(rule, label, 0);
      return slopes[0] * slopes[0] / 2;
    }
  } else if (rule.kind != LossKind::kDigitOrZeros) {
    return internal::SoftmaxLoss(rule, label, logits, slopes);
  }
  double loss = 0;
  NUMERAL_UNROLL
  for (int j = 0; j < kOutputs; ++j) {
    const double target = internal::TargetOf<kOutputs>(rule, label, j);
    loss += internal::Bce(logits[j], target, slopes[j]);
  }
  if (rule.relative_to != 0) slopes[0] = internal::RelativeSlope(logits[0]);
  return loss;
}

// Whether D is right about a row. Written so that NaN is wrong.
template <int kOutputs>
NUMERAL_HOST_DEVICE inline bool RowIsRight(const LossRule& rule, int label,
                                           const double (&logits)[kOutputs]) {
  const bool real = rule.part == LossPart::kReal;
  if constexpr (kOutputs == 1) {
    const double threshold = rule.kind == LossKind::kLeastSquares ? 0.5 : 0.0;
    return real ? logits[0] > threshold : logits[0] < threshold;
  }
  bool right = true;
  if (rule.kind == LossKind::kDigitOrZeros && !real) {
    NUMERAL_UNROLL
    for (int j = 0; j < kOutputs; ++j) right &= logits[j] < 0;
    return right;
  }
  const int expected = real ? label : internal::kFakeClass;
  double winner = logits[0];
  NUMERAL_UNROLL
  for (int j = 1; j < kOutputs; ++j) winner = j == expected ? logits[j] : winner;
  if (rule.kind == LossKind::kDigitOrZeros) right = winner > 0;
  NUMERAL_UNROLL
  for (int j = 0; j < kOutputs; ++j) {
    right &= j < expected ? logits[j] < winner : logits[j] <= winner;  // of equals the first wins
  }
  return right;
}

}  // namespace numeral
