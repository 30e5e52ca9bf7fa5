// Batch normalisation with its activation (BatchNormForward and BatchNormInference of plan/ops.h).
//
// Bound by memory: training reads x twice and writes y, inference reads and writes once. NaN stays
// in its channel. Arithmetic in fp32, whatever T is; blocks as in column_grid.h.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/kernels/column_grid.h"
#include "plan/ops.h"

namespace numeral::cuda {

// mean, inv_std: of the batch's channels, biased; running = keep * running + (1 - keep) * batch;
// y = act((x - mean) * inv_std * scale + shift).
//
// One launch where one block can have all rows of a tile of columns, else one for the statistics
// and one for y.
//
// Numerics: sums of distances to the first row of a slab, squared too, in fp32; slabs are put
// together in double, and so are the figures of a channel. What rounding takes from the mean goes
// into the shift. A mean of 100 deviations
// costs no digits; a slab whose first row lies d deviations off loses what d * d roundings take.
template <typename T>
struct BatchNormForwardArgs {
  const T* x;  // [rows][channels]
  const float *scale, *shift;
  T* y;
  float *mean, *inv_std;
  float *running_mean, *running_variance;
  int64_t rows;  // pixels of all samples
  int channels;
  float epsilon, keep;
  bool unbiased_running_variance;
  Activation activation;
  double* scratch;  // what ScratchOf says; the counters are 0 before and after
  unsigned* counters;
};
template <typename T>
SumScratch ScratchOf(const BatchNormForwardArgs<T>& args);
template <typename T>
void LaunchBatchNormForward(const BatchNormForwardArgs<T>& args, cudaStream_t stream);

// y = act((x - running_mean) / sqrt(running_variance + epsilon) * scale + shift). y may be x. One
// launch.
template <typename T>
struct BatchNormInferenceArgs {
  const T* x;
  const float *scale, *shift, *running_mean, *running_variance;
  T* y;
  int64_t rows;
  int channels;
  float epsilon;
  Activation activation;
};
template <typename T>
void LaunchBatchNormInference(const BatchNormInferenceArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
