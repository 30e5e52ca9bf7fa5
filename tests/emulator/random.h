// The random order of everything that may happen in any order, reproducible from one seed.
#pragma once

#include <cstdint>

namespace numeral::emulator {

// SplitMix64 (Steele, Lea & Flood).
class Random {
 public:
  void Seed(uint64_t seed) { state_ = seed; }

  uint64_t Next() {
    uint64_t bits = state_ += 0x9E3779B97F4A7C15u;
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9u;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EBu;
    return bits ^ bits >> 31;
  }

  // One of 0 … count - 1.
  uint32_t Below(uint32_t count) { return static_cast<uint32_t>((Next() >> 32) * count >> 32); }

  template <typename T>
  void Shuffle(T* items, uint32_t count) {
    for (uint32_t i = count; i > 1; --i) {
      const uint32_t other = Below(i);
      const T item = items[i - 1];
      items[i - 1] = items[other];
      items[other] = item;
    }
  }

 private:
  uint64_t state_ = 1;
};

// The one generator that the emulator draws from.
Random& Schedule();

}  // namespace numeral::emulator
