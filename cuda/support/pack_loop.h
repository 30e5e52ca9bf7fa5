// Kernels whose threads take packs of neighbouring elements in turn: 16 bytes at a time where the
// addresses and the number of channels allow it, single elements else.
//
// Such a kernel is a template on kElems, the elements of a pack. Its launcher asks PacksFit and has
// WithPacks choose the instance.
#pragma once

#include "cuda/support/simt.h"
#include "cuda/support/vector.h"

namespace numeral::cuda {

inline constexpr int kPackThreads = 256;

// ---- launchers
// ----------------------------------------------------------------------------------

// Whether 16-byte packs begin at all of the addresses plus a multiple of `channels`.
template <typename T, typename... Pointers>
bool PacksFit(int64_t channels, const Pointers*... addresses) {
  return channels % kPackElems<T> == 0 && Aligned(16, addresses...);
}

// use.operator()<kElems>().
template <typename T, typename Use>
void WithPacks(bool packed, const Use& use) {
  if (packed) {
    use.template operator()<kPackElems<T>>();
  } else {
    use.template operator()<1>();
  }
}

// For ForEachPack.
inline LaunchShape ElementLoop(int64_t elems, int pack_elems) {
  return {BlocksFor((elems + pack_elems - 1) / pack_elems, kPackThreads), kPackThreads};
}

// For PackIndex: a thread for each pack, in a grid of limited size.
inline LaunchShape PackLoop(int64_t packs) {
  constexpr int64_t kLargestStride = 1 << 20;
  const unsigned blocks = BlocksFor(packs, kPackThreads);
  Require(packs <= INT32_MAX - kLargestStride, "too many elements for one kernel");
  Require(int64_t{blocks} * kPackThreads <= kLargestStride, "stride of a loop over packs");
  return {blocks, kPackThreads};
}

// ---- kernels
// ------------------------------------------------------------------------------------

// for (int i = PackIndex(); i < packs; i += PackStride())
__device__ inline int PackIndex() {
  return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
}
__device__ inline int PackStride() { return static_cast<int>(gridDim.x * blockDim.x); }

// visit.operator()<count>(first) for all elements in turn: kElems at a time, the last ones singly.
template <int kElems, typename Visit>
__device__ void ForEachPack(int64_t elems, const Visit& visit) {
  const int64_t thread = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const int64_t stride = int64_t{gridDim.x} * blockDim.x * kElems;
  for (int64_t i = thread * kElems; i < elems; i += stride) {
    if (i + kElems <= elems) {
      visit.template operator()<kElems>(i);
    } else {
      for (int64_t j = i; j < elems; ++j) visit.template operator()<1>(j);
    }
  }
}

}  // namespace numeral::cuda
