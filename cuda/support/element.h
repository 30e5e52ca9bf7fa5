// The types that activations are stored as, and their way to the float that kernels compute in.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

namespace numeral::cuda {

using bf16 = __nv_bfloat16;

__host__ __device__ inline float ToFloat(float value) { return value; }
__host__ __device__ inline float ToFloat(bf16 value) { return __bfloat162float(value); }

// Rounds to the nearest, ties to even.
template <typename T>
__host__ __device__ T FromFloat(float value);
template <>
__host__ __device__ inline float FromFloat<float>(float value) {
  return value;
}
template <>
__host__ __device__ inline bf16 FromFloat<bf16>(float value) {
  return __float2bfloat16_rn(value);
}

}  // namespace numeral::cuda
