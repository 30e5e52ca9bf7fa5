// The moving average of kernels/ema.h, for an element.
#pragma once

#include "cuda/support/simt.h"

namespace numeral::cuda {

// The share of the new value.
__host__ __device__ inline float RestOf(float decay) {
  return static_cast<float>(1 - static_cast<double>(decay));
}

__device__ inline float Averaged(float decay, float rest, float average, float value) {
  return decay * average + rest * value;
}

}  // namespace numeral::cuda
