// Gradient of batch normalisation with its activation (BatchNormBackward of plan/ops.h).
//
// With g = grad_y * act'(y) and n rows (Ioffe & Szegedy 2015, section 3):
//   grad_shift = sum g,  grad_scale = sum g * (x - mean) * inv_std,
//   grad_x = scale * inv_std * (g - grad_shift / n - (x - mean) * inv_std * grad_scale / n).
// Bound by memory: reads x, y and grad_y twice, writes grad_x.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/kernels/column_grid.h"
#include "plan/ops.h"

namespace numeral::cuda {

// grad_x may be grad_y. y is not read for identity and may be nullptr there; grad_scale and
// grad_shift may both be nullptr.
//
// One launch where one block can have all rows of a tile of columns (column_grid.h), else one for
// the sums and one for grad_x. Sums: fp32 within a slab, double over slabs.
template <typename T>
struct BatchNormBackwardArgs {
  const T *x, *y, *grad_y;  // [rows][channels]
  const float *scale, *mean, *inv_std;
  T* grad_x;
  float *grad_scale, *grad_shift;
  int64_t rows;  // pixels of all samples
  int channels;
  GradientMode mode;
  Activation activation;
  double* scratch;  // what ScratchOf says; the counters are 0 before and after
  unsigned* counters;
};
template <typename T>
SumScratch ScratchOf(const BatchNormBackwardArgs<T>& args);
template <typename T>
void LaunchBatchNormBackward(const BatchNormBackwardArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
