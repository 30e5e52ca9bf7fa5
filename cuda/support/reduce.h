// Sums over the threads of a warp and of a block, in an order that depends on the block's size
// alone.
#pragma once

#include "cuda/support/simt.h"

namespace numeral::cuda {

// Every lane gets the sum over the warp's 32 lanes. All lanes must take part.
template <typename T>
__device__ inline T WarpSum(T value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(kFullMask, value, offset);
  }
  return value;
}

// Thread 0 gets the sum over the block, whose threads are a multiple of 32 and all call.
// `per_warp` is shared memory for blockDim.x / 32 values; it may be used again after the caller's
// next barrier.
template <typename T>
__device__ inline T BlockSum(T value, T* per_warp) {
  value = WarpSum(value);
  const int warp = static_cast<int>(threadIdx.x) / kWarp,
            lane = static_cast<int>(threadIdx.x) % kWarp;
  if (lane == 0) per_warp[warp] = value;
  __syncthreads();
  if (warp == 0) {
    value = lane < static_cast<int>(blockDim.x) / kWarp ? per_warp[lane] : T(0);
    value = WarpSum(value);
  }
  return value;
}

// Whether this block is the last of the grid's `blocks` to come here; the same answer in all of its
// threads. What other blocks wrote before they came is visible to the last one. `counter` is 0
// before the first block comes and is 0 again after the last. For results that several blocks
// contribute to ("threadFenceReduction" in NVIDIA's CUDA samples).
__device__ inline bool IsLastBlock(unsigned* counter, unsigned blocks) {
  SIMT_SHARED(bool, is_last, [1]);
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    const bool last = atomicAdd(counter, 1u) == blocks - 1;
    if (last) atomicExch(counter, 0u);
    is_last[0] = last;
  }
  __syncthreads();
  if (is_last[0]) __threadfence();
  return is_last[0];
}

}  // namespace numeral::cuda
