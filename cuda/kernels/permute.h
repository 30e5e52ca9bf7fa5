// Flat features in another order.
//
// y[row][i] = x[row][source[i]], or y += that (in float). Bound by memory: one thread for 16 bytes
// of y, which it gathers element by element, where the number of features and the addresses allow
// it, else for one element; grid-stride, blocks of 256, at most 2^31 packs. Deterministic.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "plan/ops.h"

namespace numeral::cuda {

template <typename T>
struct PermuteArgs {
  int64_t rows, features;
  const T* x;
  const int32_t* source;  // [features], on the device; each below `features`
  T* y;
  GradientMode mode;
};

// T: float or bf16.
template <typename T>
void LaunchPermute(const PermuteArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
