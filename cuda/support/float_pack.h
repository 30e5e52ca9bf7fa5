// Neighbouring elements of a tensor as floats, moved 16 bytes at a time.
#pragma once

#include "cuda/support/vector.h"

namespace numeral::cuda {

// kElems is 1, or a multiple of kPackElems<T>, and then the address is one of 16 bytes.
template <int kElems, typename T>
__device__ inline void LoadFloats(const T* address, float (&values)[kElems]) {
  if constexpr (kElems == 1) {
    values[0] = ToFloat(*address);
  } else {
#pragma unroll
    for (int first = 0; first < kElems; first += kPackElems<T>) {
      const Pack<T> pack = LoadPack(address + first);
#pragma unroll
      for (int i = 0; i < kPackElems<T>; ++i) values[first + i] = ToFloat(pack.at[i]);
    }
  }
}

template <int kElems, typename T>
__device__ inline void StoreFloats(const float (&values)[kElems], T* address) {
  if constexpr (kElems == 1) {
    *address = FromFloat<T>(values[0]);
  } else {
#pragma unroll
    for (int first = 0; first < kElems; first += kPackElems<T>) {
      Pack<T> pack;
#pragma unroll
      for (int i = 0; i < kPackElems<T>; ++i) pack.at[i] = FromFloat<T>(values[first + i]);
      StorePack(address + first, pack);
    }
  }
}

// Stores the values, or adds them to what is there, which is not read else.
template <int kElems, typename T>
__device__ inline void PutFloats(const float (&values)[kElems], T* address, bool accumulate) {
  if (!accumulate) return StoreFloats<kElems>(values, address);
  float sums[kElems];
  LoadFloats<kElems>(address, sums);
#pragma unroll
  for (int i = 0; i < kElems; ++i) sums[i] += values[i];
  StoreFloats<kElems>(sums, address);
}

}  // namespace numeral::cuda
