// Philox words in bulk: the draws of util/random.h, many counters at a time.
#pragma once

#include <cstdint>

#include "util/random.h"

namespace numeral::cpu {

// Elements of one block; loops over a stream are cut at multiples of it.
inline constexpr int kDrawElems = 256;

// What makes a draw besides its element. `step` is the running step, the counter's value minus one.
struct DrawKey {
  uint64_t seed;
  uint32_t stream;
  uint64_t step;
};

// bits[i] = DrawBits(key, first_element + i) for i < kDrawElems; first_element is a multiple of 4.
void DrawBlock(const DrawKey& key, int64_t first_element, uint32_t* bits);

// The index of the running step; 0 where the op has no counter.
inline int64_t RunningStep(const int64_t* step) { return step == nullptr ? 0 : *step - 1; }

}  // namespace numeral::cpu
