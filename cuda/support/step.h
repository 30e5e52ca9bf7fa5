// The step counter as kernels read it.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace numeral::cuda {

// The index of the running step, the counter's value minus one; 0 where an op has no counter.
__device__ inline int64_t RunningStep(const int64_t* step) {
  return step == nullptr ? 0 : *step - 1;
}

}  // namespace numeral::cuda
