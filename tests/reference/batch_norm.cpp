#include <algorithm>
#include <cmath>

#include "tests/reference/activation.h"
#include "tests/reference/ops.h"
#include "util/error.h"

namespace numeral::reference {

void Run(const BatchNormForward& op, Store& store) {
  const auto x = store.F32(op.x);
  const auto y = store.F32(op.y);
  const auto channels = static_cast<size_t>(store.shape(op.x).c);
  const auto mean = store.F32(op.mean);
  const auto inv_std = store.F32(op.inv_std);
  const auto running_mean = store.F32(op.running_mean);
  const auto running_variance = store.F32(op.running_variance);
  const auto scale = store.F32(op.scale);
  const auto shift = store.F32(op.shift);
  NUMERAL_CHECK(x.size() == y.size() && mean.size() == channels && inv_std.size() == channels);
  const auto count = static_cast<double>(x.size() / channels);
  for (size_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (size_t i = c; i < x.size(); i += channels) sum += x[i];
    mean[c] = sum / count;
    double squares = 0;
    for (size_t i = c; i < x.size(); i += channels) squares += (x[i] - mean[c]) * (x[i] - mean[c]);
    const double variance = squares / count;
    inv_std[c] = 1 / std::sqrt(variance + op.epsilon);
    for (size_t i = c; i < x.size(); i += channels) {
      y[i] = Activate(op.activation, (x[i] - mean[c]) * inv_std[c] * scale[c] + shift[c]);
    }
    // One value per channel has no unbiased variance: its biased one, 0, stands in.
    const double kept_variance =
        op.unbiased_running_variance ? squares / std::max(count - 1, 1.0) : variance;
    const double keep = op.keep;
    running_mean[c] = keep * running_mean[c] + (1 - keep) * mean[c];
    running_variance[c] = keep * running_variance[c] + (1 - keep) * kept_variance;
  }
}

void Run(const BatchNormInference& op, Store& store) {
  const auto x = store.F32(op.x);
  const auto y = store.F32(op.y);
  const auto channels = static_cast<size_t>(store.shape(op.x).c);
  const auto mean = store.F32(op.running_mean);
  const auto variance = store.F32(op.running_variance);
  const auto scale = store.F32(op.scale);
  const auto shift = store.F32(op.shift);
  NUMERAL_CHECK(x.size() == y.size() && mean.size() == channels && variance.size() == channels);
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = i % channels;
    const double normed = (x[i] - mean[c]) / std::sqrt(variance[c] + op.epsilon);
    y[i] = Activate(op.activation, normed * scale[c] + shift[c]);
  }
}

void Run(const BatchNormBackward& op, Store& store) {
  const auto x = store.F32(op.x);
  const auto y = store.F32(op.y);
  const auto grad_y = store.F32(op.grad_y);
  const auto grad_x = store.F32(op.grad_x);
  const auto mean = store.F32(op.mean);
  const auto inv_std = store.F32(op.inv_std);
  const auto scale = store.F32(op.scale);
  const auto grad_scale = store.F32(op.grad_scale);
  const auto grad_shift = store.F32(op.grad_shift);
  const auto channels = static_cast<size_t>(store.shape(op.x).c);
  NUMERAL_CHECK(x.size() == grad_y.size() && x.size() == grad_x.size());
  NUMERAL_CHECK(!y.empty() || op.activation == Activation{});
  const auto count = static_cast<double>(x.size() / channels);
  BeginGradient(grad_scale, op.mode);
  BeginGradient(grad_shift, op.mode);
  for (size_t c = 0; c < channels; ++c) {
    const auto normed = [&](size_t i) { return (x[i] - mean[c]) * inv_std[c]; };
    // Gradient of what goes into the activation. Computed afresh, as grad_x may be grad_y itself.
    const auto inner = [&](size_t i) {
      return y.empty() ? grad_y[i] : grad_y[i] * DerivativeAt(op.activation, y[i]);
    };
    double sum = 0, sum_normed = 0;
    for (size_t i = c; i < x.size(); i += channels) {
      sum += inner(i);
      sum_normed += inner(i) * normed(i);
    }
    if (!grad_scale.empty()) grad_scale[c] += sum_normed;
    if (!grad_shift.empty()) grad_shift[c] += sum;
    for (size_t i = c; i < x.size(); i += channels) {
      grad_x[i] = scale[c] * inv_std[c] * (inner(i) - sum / count - normed(i) * sum_normed / count);
    }
  }
}

}  // namespace numeral::reference
