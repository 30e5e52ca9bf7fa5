// The types that activations are stored as: float and Bf16.
//
// Kernels are templates on them and compute in float: a stored element becomes a float by itself,
// and a float that is assigned to one is rounded.
#pragma once

#include <cstdint>

#include "util/bf16.h"

namespace numeral::cpu {

// For `#pragma omp simd simdlen(kSimdElems)` in loops over the channels of a pixel, which may be
// few: gcc fills vectors with as many elements as fit of the smallest type, and leaves the rest
// scalar.
inline constexpr int kSimdElems = 16;

struct Bf16 {
  Bf16() = default;
  Bf16(const Bf16&) = default;
  explicit Bf16(float value) : bits(Bf16FromFloat(value)) {}
  operator float() const { return FloatFromBf16(bits); }

  // Not left to the compiler: gcc 12 does not turn copies of a struct into vectors.
  Bf16& operator=(const Bf16& other) {
    bits = other.bits;
    return *this;
  }
  Bf16& operator=(float value) {
    bits = Bf16FromFloat(value);
    return *this;
  }

  // The largest number that is rounded to zero.
  static constexpr float kRoundsToZero = 0x1p-134f;

  uint16_t bits;
};

}  // namespace numeral::cpu
