// Sums of two tensors in place, and plain copies.
//
// target[i] += source[i]; with kOverwrite target[i] = source[i]. The sum is formed in float. Bound
// by memory: one thread for 16 bytes, grid-stride, blocks of 256; single elements where an address
// is not 16-byte aligned. Any count. The tensors may not overlap.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "plan/ops.h"

namespace numeral::cuda {

template <typename T>
struct AccumulateArgs {
  const T* source;
  T* target;
  int64_t elems;
  GradientMode mode;
};

// T: float or bf16.
template <typename T>
void LaunchAccumulate(const AccumulateArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
