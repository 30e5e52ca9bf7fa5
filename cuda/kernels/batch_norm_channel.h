// What the sums over a channel's rows become in batch normalisation and in its gradient, for the
// kernels that have them.
#pragma once

#include "cuda/kernels/batch_norm.h"
#include "cuda/kernels/batch_norm_backward.h"
#include "cuda/kernels/columns.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {

// (x - mean) * slope + shift. The mean is taken off first: where it is large against the deviation,
// slope * x + constant would lose the digits that matter.
struct Norm {
  float mean, slope, shift;

  __device__ float operator()(float x) const { return fmaf(x - mean, slope, shift); }
};

// Stores the channel's statistics. `first` is its x in the first row, `totals` are the sums over
// all rows of the distances to that, and of their squares.
template <typename T>
__device__ Norm FinishChannel(const BatchNormForwardArgs<T>& args, int channel, float first,
                              const double (&totals)[2]) {
  const double count = static_cast<double>(args.rows);
  const double distance = totals[0] / count;
  const double mean = first + distance;
  const double squares = totals[1] - totals[0] * distance;
  const double variance = squares / count;
  const double inv_std = 1 / sqrt(variance + args.epsilon);
  const float rounded_mean = static_cast<float>(mean);
  args.mean[channel] = rounded_mean;
  args.inv_std[channel] = static_cast<float>(inv_std);
  // One value per channel has no unbiased variance: its biased one, 0, stands in.
  const double kept_variance =
      args.unbiased_running_variance && count > 1 ? squares / (count - 1) : variance;
  const double keep = args.keep;
  float& running_mean = args.running_mean[channel];
  float& running_variance = args.running_variance[channel];
  running_mean = static_cast<float>(keep * running_mean + (1 - keep) * mean);
  running_variance = static_cast<float>(keep * running_variance + (1 - keep) * kept_variance);
  // What rounding takes from the mean counts where the deviation is small.
  const double slope = args.scale[channel] * inv_std;
  const double shift = args.shift[channel] - (mean - rounded_mean) * slope;
  return {rounded_mean, static_cast<float>(slope), static_cast<float>(shift)};
}

// grad_x = slope * g + (x - mean) * curve + level.
struct alignas(16) Slopes {
  float mean, slope, curve, level;

  __device__ float operator()(float g, float x) const {
    return fmaf(g, slope, fmaf(x - mean, curve, level));
  }
};

// Stores the gradients of the channel's parameters. `totals` are the sums over all rows of g and of
// g * (x - mean).
template <typename T>
__device__ Slopes FinishChannel(const BatchNormBackwardArgs<T>& args, int channel,
                                const double (&totals)[2]) {
  const double inv_std = args.inv_std[channel];
  const double scale = totals[1] * inv_std;
  const double slope = args.scale[channel] * inv_std;
  const double share = -slope / static_cast<double>(args.rows);
  if (args.grad_scale != nullptr) StoreSum(args.mode, scale, args.grad_scale[channel]);
  if (args.grad_shift != nullptr) StoreSum(args.mode, totals[0], args.grad_shift[channel]);
  return {args.mean[channel], static_cast<float>(slope),
          static_cast<float>(share * inv_std * scale), static_cast<float>(share * totals[0])};
}

}  // namespace numeral::cuda
