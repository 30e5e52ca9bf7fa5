// Division by a number that the host knows before a launch: a multiplication and a shift (Granlund
// & Montgomery 1994).
#pragma once

#include <cstdint>

#include "cuda/support/launch.h"

namespace numeral::cuda {

struct Division {
  int quotient, remainder;
};

// Divides what is at least 0.
class Divisor {
 public:
  // At least 1. Throws Error(kFailure) else, or where it is no int.
  explicit Divisor(int64_t divisor) : divisor_(static_cast<int>(divisor)) {
    Require(divisor >= 1 && divisor <= INT32_MAX, "divisor");
    while (int64_t{1} << shift_ < divisor) ++shift_;
    const uint64_t rest = (uint64_t{1} << shift_) - static_cast<uint64_t>(divisor);
    multiplier_ = static_cast<uint32_t>((rest << 32) / static_cast<uint64_t>(divisor)) + 1;
  }

  __host__ __device__ int value() const { return divisor_; }
  __host__ __device__ int Quotient(int dividend) const {
    const auto n = static_cast<uint32_t>(dividend);
    const auto high = static_cast<uint32_t>(uint64_t{n} * multiplier_ >> 32);
    return static_cast<int>((high + n) >> shift_);
  }
  __host__ __device__ Division Divide(int dividend) const {
    const int quotient = Quotient(dividend);
    return {quotient, dividend - quotient * divisor_};
  }

 private:
  int divisor_;
  uint32_t multiplier_ = 0;
  int shift_ = 0;
};

}  // namespace numeral::cuda
