// The number format of tensor cores for fp32 operands: 10 bits of fraction.
#pragma once

#include <bit>
#include <cstdint>

namespace numeral::emulator {

// To the nearest, ties away from zero. Infinity and NaN stay.
inline float RoundToTf32(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7F800000u) == 0x7F800000u) return value;
  return std::bit_cast<float>((bits + 0x1000u) & ~0x1FFFu);
}

}  // namespace numeral::emulator
