// A pseudo-random permutation of 0 .. n-1 without memory: the shuffle of a data set.
//
// A balanced Feistel network over the smallest power of four that holds n, walked until the value
// falls below n (cycle walking: Black & Rogaway, "Ciphers with Arbitrary Finite Domains", 2002).
// Fewer than four evaluations on average. Round keys come from Philox, so every epoch has its own
// permutation.
#pragma once

#include <cstdint>

#include "util/random.h"

namespace numeral {

class Permutation {
 public:
  static constexpr int kRounds = 8;

  NUMERAL_HOST_DEVICE Permutation(uint64_t n, uint64_t seed, uint32_t stream, uint64_t epoch)
      : n_(n) {
    half_bits_ = 1;
    while ((uint64_t{1} << (2 * half_bits_)) < n) ++half_bits_;
    for (int i = 0; i < kRounds; i += 4) {
      const PhiloxBlock block = Draw(seed, stream, epoch, static_cast<uint32_t>(i / 4));
      for (int j = 0; j < 4; ++j) keys_[i + j] = block.lane[j];
    }
  }

  // i < n.
  NUMERAL_HOST_DEVICE uint64_t operator()(uint64_t i) const {
    do {
      i = Once(i);
    } while (i >= n_);
    return i;
  }

 private:
  NUMERAL_HOST_DEVICE uint64_t Once(uint64_t value) const {
    const uint32_t mask = (uint32_t{1} << half_bits_) - 1;
    uint32_t left = static_cast<uint32_t>(value >> half_bits_);
    uint32_t right = static_cast<uint32_t>(value) & mask;
    for (int round = 0; round < kRounds; ++round) {
      const uint32_t next = left ^ (Mix(right + keys_[round]) & mask);
      left = right;
      right = next;
    }
    return (uint64_t{left} << half_bits_) | right;
  }

  // A 32-bit avalanche: the finaliser of MurmurHash3 (Appleby).
  NUMERAL_HOST_DEVICE static uint32_t Mix(uint32_t x) {
    x = (x ^ (x >> 16)) * 0x85EBCA6Bu;
    x = (x ^ (x >> 13)) * 0xC2B2AE35u;
    return x ^ (x >> 16);
  }

  uint64_t n_;
  int half_bits_;
  uint32_t keys_[kRounds];
};

}  // namespace numeral
