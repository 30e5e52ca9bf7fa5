// The types that activations are stored as: float and Bf16.
//
// Kernels are templates on them and compute in float: a stored element becomes a float by itself,
// and a float that is assigned to one is rounded.
#pragma once

#include <cstdint>

#include "util/bf16.h"

namespace numeral::cpu {

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

  uint16_t bits;
};

}  // namespace numeral::cpu
