// Max pooling and its gradient. NHWC.
//
// Forward: y = the maximum over a window's pixels that lie in the image, the first in row-major
// order of equals, NaN over numbers and the first of NaNs; argmax = its pixel, row * w + column.
// Backward: every pixel of the image adds up, in row-major order, the gradients of those windows
// around it that chose it. So nothing is zeroed and no two threads write one place: deterministic
// for overlapping windows too. Sums in float.
//
// Launch: one thread for 16 bytes of the result along channels where their number and all
// addresses allow it, else for one element; grid-stride, blocks of 256. At most 2^31 packs, images
// of fewer than 2^31 pixels.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "plan/ops.h"

namespace numeral::cuda {

// n images of h x w x c and their p x q windows. Every window must hold a pixel of its image.
struct PoolSizes {
  PoolGeometry window;
  int64_t n, h, w, p, q, c;
};

template <typename T>
struct MaxPoolForwardArgs {
  PoolSizes sizes;
  const T* x;
  T* y;
  int32_t* argmax;  // may be null
};
template <typename T>
struct MaxPoolBackwardArgs {
  PoolSizes sizes;
  const T* grad_y;
  const int32_t* argmax;
  T* grad_x;
  GradientMode mode;
};

// T: float or bf16.
template <typename T>
void LaunchMaxPoolForward(const MaxPoolForwardArgs<T>& args, cudaStream_t stream);
template <typename T>
void LaunchMaxPoolBackward(const MaxPoolBackwardArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
