// What kernels are written with. Every .cu file includes this first.
//
// The same sources are compiled by nvcc for a GPU and, with NUMERAL_EMULATED, by a host compiler
// for the emulator of the tests. Shared memory is therefore declared by the two names below, and
// launched kernels go through Launch (launch.h); what else a kernel may use is listed in the
// folder's README.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#ifdef NUMERAL_EMULATED
#include "tests/emulator/simt.h"
#else

// SIMT_SHARED(float, tile, [16][17]);
#define SIMT_SHARED(type, name, extents) __shared__ type name extents

namespace numeral::cuda {

// The block's dynamic shared memory, 32-byte aligned.
template <typename T>
__device__ T* DynamicShared() {
  extern __shared__ __align__(32) unsigned char dynamic_shared_bytes[];
  return reinterpret_cast<T*>(dynamic_shared_bytes);
}

}  // namespace numeral::cuda

#endif

#include "cuda/support/element.h"
#include "cuda/support/launch.h"

namespace numeral::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kFullMask = 0xFFFFFFFFu;

}  // namespace numeral::cuda
