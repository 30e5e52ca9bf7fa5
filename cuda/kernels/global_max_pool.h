// The maximum over all pixels of an image, channel by channel, and its gradient. NHWC.
//
// Forward: y[n][c] = the maximum, the first in row-major order of equals, NaN over numbers and the
// first of NaNs; argmax = its pixel. One block for an image and up to 32 packs of channels, its up
// to 256 threads split over channels and pixels; joined over threads in a tree, with the pixel to
// decide between equals, so that the split does not show.
// Backward: grad_x = grad_y at the pixel chosen, else 0; one thread for a pack of grad_x,
// grid-stride, blocks of 256, at most 2^31 packs.
// Packs are 16 bytes along channels where their number and all addresses allow it, else one
// element. Deterministic.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "plan/ops.h"

namespace numeral::cuda {

template <typename T>
struct GlobalMaxPoolForwardArgs {
  int64_t rows, pixels, channels;
  const T* x;
  T* y;
  int32_t* argmax;  // may be null
};
template <typename T>
struct GlobalMaxPoolBackwardArgs {
  int64_t rows, pixels, channels;
  const T* grad_y;
  const int32_t* argmax;
  T* grad_x;
  GradientMode mode;
};

// T: float or bf16.
template <typename T>
void LaunchGlobalMaxPoolForward(const GlobalMaxPoolForwardArgs<T>& args, cudaStream_t stream);
template <typename T>
void LaunchGlobalMaxPoolBackward(const GlobalMaxPoolBackwardArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
