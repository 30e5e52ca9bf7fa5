// The order of pooling: what is the maximum.
#pragma once

#include "cuda/support/simt.h"

namespace numeral::cuda {

// Whether the value at place `a` is the maximum of two: the larger one, NaN before numbers, and the
// first of equals and of NaNs. A search begins with -INFINITY at INT32_MAX, which any value beats.
__device__ inline bool IsMaximum(float value_a, int a, float value_b, int b) {
  const bool nan_a = value_a != value_a, nan_b = value_b != value_b;
  if (nan_a || nan_b) return nan_a && (!nan_b || a < b);
  return value_a > value_b || (value_a == value_b && a < b);
}

}  // namespace numeral::cuda
