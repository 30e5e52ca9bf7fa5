// The mean squared distance of a prediction from its target, with the gradient.
//
// value = mean over all elements of (prediction - target)^2, grad = d value / d prediction, in
// double; the value is written to the metrics. Four elements per thread and turn, in one access
// each where addresses allow it; at most 512 blocks leave partial sums, which the last of them adds
// up in order: the same count gives the same bits.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/kernels/metric_place.h"

namespace numeral::cuda {

template <typename T>
struct SquaredErrorArgs {
  const T *prediction, *target;
  T* grad;
  int64_t elems;
  MetricPlace place;
  double* partials;   // kSquaredErrorPartials
  unsigned* counter;  // 0, and 0 again
};

inline constexpr int kSquaredErrorPartials = 512;

// T: float or bf16.
template <typename T>
void LaunchSquaredError(const SquaredErrorArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
