// Losses with their gradients, and how often a discriminator is right: up to five of them by one
// launch.
//
// value = weight * mean over rows of the row's loss (plan/row_loss.h), grad = d value / d logits or
// a multiple of another loss's (plan/ops.h, Loss); or the share of rows that are judged right.
// Values are written to the metrics in the order of the list, so that one may add to an earlier
// one's; otherwise none may read what another writes.
//
// One block: 128 threads for each of the list, which take its rows in turns, in double. What a
// thread saw, a warp and then the four warps are summed in that order, which does not depend on the
// rest of the list. Any number of rows; meant for up to a few thousand.
#pragma once

#include <cuda_runtime_api.h>

#include <span>

#include "cuda/kernels/metric_place.h"
#include "plan/row_loss.h"

namespace numeral::cuda {

template <typename T>
struct LossArgs {
  LossRule rule;
  int outputs;            // OutputsOf(rule.kind)
  bool accuracy;          // instead of a loss; weight, add and grad do not matter then
  bool add;               // to the metric
  float weight;           // of the loss
  const T* logits;        // [rows][outputs]
  const int32_t* labels;  // [rows]; nullptr where NeedsLabels says so
  T* grad;                // [rows][outputs]
  int64_t rows;
  MetricPlace place;
};

// What a step judges both networks by: two losses of a discriminator, its two accuracies, and the
// loss of the generator.
inline constexpr int kMaxLosses = 5;

// T: float or bf16.
template <typename T>
void LaunchLosses(std::span<const LossArgs<T>> losses, cudaStream_t stream);

}  // namespace numeral::cuda
