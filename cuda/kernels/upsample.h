// Nearest-neighbour upsampling and its gradient. NHWC.
//
// Forward: y[n][i][j][c] = x[n][i / factor][j / factor][c]. Backward: the sum over the
// factor x factor pixels that were copied, in row-major order, in float. Bound by memory: one
// thread for 16 bytes of the small image along channels where their number and all addresses allow
// it, else for one element; grid-stride, blocks of 256, at most 2^31 packs. Deterministic.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "plan/ops.h"

namespace numeral::cuda {

// `lines` of `w` pixels are the small image's, over all samples.
template <typename T>
struct UpsampleForwardArgs {
  int64_t lines, w, channels;
  int factor;
  const T* x;
  T* y;
};
template <typename T>
struct UpsampleBackwardArgs {
  int64_t lines, w, channels;
  int factor;
  const T* grad_y;
  T* grad_x;
  GradientMode mode;
};

// T: float or bf16.
template <typename T>
void LaunchUpsampleForward(const UpsampleForwardArgs<T>& args, cudaStream_t stream);
template <typename T>
void LaunchUpsampleBackward(const UpsampleBackwardArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
