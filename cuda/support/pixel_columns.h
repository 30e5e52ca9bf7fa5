// Reductions over the pixels of images, channel by channel, one block for an image and a tile of
// channels.
//
// A block's threads are blockDim.x along packs of channels by blockDim.y along pixels, both powers
// of two. Each goes through every blockDim.y-th pixel; CombinePixels joins what they found, in an
// order that the block's size fixes. blockIdx.x is the image, blockIdx.y the tile.
#pragma once

#include "cuda/support/simt.h"

namespace numeral::cuda {

inline constexpr int kColumnThreads = 256;  // at most, of a block

// For `packs` of channels.
inline LaunchShape PixelColumns(int64_t images, int64_t pixels, int64_t packs) {
  unsigned x = 1, y = 1;
  while (x < kWarp && x < packs) x *= 2;
  while (x * y < kColumnThreads && y < pixels) y *= 2;
  const int64_t tiles = (packs + x - 1) / x;
  Require(images <= INT32_MAX && pixels <= INT32_MAX && packs <= INT32_MAX && tiles <= 65535,
          "too many elements for one kernel");
  return {dim3(static_cast<unsigned>(images), static_cast<unsigned>(tiles)), dim3(x, y)};
}

// join(mine, other's) puts two values together; the threads with threadIdx.y == 0 end up with all
// along y. Every thread of the block calls; `shared` has a place for each.
template <typename Value, typename Join>
__device__ void CombinePixels(Value& value, Value* shared, const Join& join) {
  Value* mine = shared + threadIdx.y * blockDim.x + threadIdx.x;
  *mine = value;
  for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.y < half) {
      join(value, mine[half * blockDim.x]);
      *mine = value;
    }
  }
}

}  // namespace numeral::cuda
