// What kernels that draw are made of: the elements of a Philox block, and a block's share of a
// tensor (draws.h).
#pragma once

#include "cuda/kernels/draws.h"
#include "cuda/support/grid_split.h"
#include "cuda/support/vector.h"
#include "util/random.h"

namespace numeral::cuda {

inline constexpr int kDrawThreads = 128;
inline constexpr int kDrawElems = 4;  // of a Philox block

// What becomes of the four words of a Philox block.
template <typename T>
struct Normals {
  __device__ Pack<T, kDrawElems> operator()(const PhiloxBlock& bits) const {
    const NormalPair low = NormalFromBits(bits.lane[0], bits.lane[1]);
    const NormalPair high = NormalFromBits(bits.lane[2], bits.lane[3]);
    return {{FromFloat<T>(low.first), FromFloat<T>(low.second), FromFloat<T>(high.first),
             FromFloat<T>(high.second)}};
  }
};

template <typename T>
struct Uniforms {
  __device__ Pack<T, kDrawElems> operator()(const PhiloxBlock& bits) const {
    Pack<T, kDrawElems> values;
    for (int j = 0; j < kDrawElems; ++j) {
      values.at[j] = FromFloat<T>(SignedUnitFromBits(bits.lane[j]));
    }
    return values;
  }
};

template <typename T>
struct Times {
  __device__ Pack<T, kDrawElems> operator()(const PhiloxBlock& bits) const {
    Pack<T, kDrawElems> values;
    for (int j = 0; j < kDrawElems; ++j) values.at[j] = FromFloat<T>(UnitFromBits(bits.lane[j]));
    return values;
  }
};

struct Digits {
  const int32_t* choices;
  uint32_t count;
  __device__ Pack<int32_t, kDrawElems> operator()(const PhiloxBlock& bits) const {
    Pack<int32_t, kDrawElems> values;
    for (int j = 0; j < kDrawElems; ++j) {
      values.at[j] = choices[ChoiceFromBits(bits.lane[j], count)];
    }
    return values;
  }
};

// `packed`: whether packs may be stored at `out`.
template <typename T, typename Make>
__device__ inline void DrawShare(const DrawStream& draws, int64_t step, const Make& make, T* out,
                                 int64_t elems, bool packed, const GridShare& share) {
  const int64_t thread = int64_t{share.block} * kDrawThreads + threadIdx.x;
  const int64_t stride = int64_t{share.blocks} * kDrawThreads * kDrawElems;
  for (int64_t i = thread * kDrawElems; i < elems; i += stride) {
    const Pack<T, kDrawElems> values =
        make(Draw(draws.seed, draws.stream, static_cast<uint64_t>(step),
                  static_cast<uint32_t>(i / kDrawElems)));
    if (packed && i + kDrawElems <= elems) {
      StorePack(out + i, values);
    } else {
      for (int j = 0; j < kDrawElems; ++j) {
        if (i + j < elems) out[i + j] = values.at[j];
      }
    }
  }
}

template <typename T>
bool DrawsPacked(const T* out) {
  return Aligned(kDrawElems * sizeof(T), out);
}
inline unsigned DrawBlocks(int64_t elems) {
  return BlocksFor((elems + kDrawElems - 1) / kDrawElems, kDrawThreads);
}

}  // namespace numeral::cuda
