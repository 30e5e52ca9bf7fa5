// Numbers of one type copied, or added, as those of another.
//
// y[i] = x[i], or y[i] += x[i] (in float), rounded to the nearest where Y is bf16. Bound by memory:
// 16-byte accesses where both addresses allow it, one thread for a pack of the narrower type, else
// for one element; grid-stride, blocks of 256. Any count. x and y may not overlap.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "plan/ops.h"

namespace numeral::cuda {

template <typename X, typename Y>
struct ConvertArgs {
  const X* x;
  Y* y;
  int64_t elems;
  GradientMode mode = GradientMode::kOverwrite;
};

// X and Y: float or bf16.
template <typename X, typename Y>
void LaunchConvert(const ConvertArgs<X, Y>& args, cudaStream_t stream);

}  // namespace numeral::cuda
