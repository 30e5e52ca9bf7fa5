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

// The first statement of every kernel, before any access to global memory and any return.
//
// From compute capability 9.0 on a kernel may start before the one in front of it in its stream has
// ended (early_start.h): here it waits until that has ended and what it wrote is visible, and then
// lets the one behind it start in its turn. All threads of all kernels wait, so that a kernel has
// ended only after what it waited for: who waits for the last kernel of a stream has waited for all
// of them.
__device__ inline void WaitForEarlierKernels() {
#if defined(NUMERAL_EMULATED) || __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
  cudaTriggerProgrammaticLaunchCompletion();
#endif
}

}  // namespace numeral::cuda
