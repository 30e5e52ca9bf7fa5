// 16-byte accesses: a Pack is as many neighbouring elements as one load or store moves.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/support/element.h"

namespace numeral::cuda {

template <typename T>
inline constexpr int kPackElems = 16 / static_cast<int>(sizeof(T));

template <typename T, int kElems = kPackElems<T>>
struct alignas(sizeof(T) * kElems) Pack {
  T at[kElems];
};

template <typename T, int kElems = kPackElems<T>>
__device__ inline Pack<T, kElems> LoadPack(const T* address) {
  return *reinterpret_cast<const Pack<T, kElems>*>(address);
}

template <typename T, int kElems>
__device__ inline void StorePack(T* address, const Pack<T, kElems>& pack) {
  *reinterpret_cast<Pack<T, kElems>*>(address) = pack;
}

// Whether packs of `bytes` may be read at all of these addresses. A null pointer is no obstacle.
template <typename... Pointers>
bool Aligned(size_t bytes, const Pointers*... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % bytes == 0) && ...);
}

}  // namespace numeral::cuda
