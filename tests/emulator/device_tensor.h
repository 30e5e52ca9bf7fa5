// Tensors of the kernel tests: float or bf16 on the device, doubles on the host.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "cuda/support/check.h"
#include "cuda/support/element.h"
#include "cuda/support/runtime.h"
#include "tests/catch.h"
#include "tests/tolerance.h"

namespace numeral::cuda {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Values on the device between two guards, which Read holds to be untouched.
template <typename T>
class DeviceTensor {
 public:
  // The data begins `misalignment` elements behind a multiple of 256 bytes.
  explicit DeviceTensor(const std::vector<double>& values, int misalignment = 0)
      : first_(kGuardElems + static_cast<size_t>(misalignment)),
        count_(values.size()),
        initial_(first_ + count_ + kGuardElems, FromFloat<T>(kGuardValue)),
        memory_(initial_.size() * sizeof(T)) {
    for (size_t i = 0; i < count_; ++i) {
      initial_[first_ + i] = FromFloat<T>(static_cast<float>(values[i]));
    }
    NUMERAL_CUDA(cudaMemcpy(memory_.data(), initial_.data(), initial_.size() * sizeof(T),
                            cudaMemcpyHostToDevice));
  }
  // An output: nothing but NaN.
  explicit DeviceTensor(size_t count, int misalignment = 0)
      : DeviceTensor(std::vector<double>(count, kNaN), misalignment) {}

  T* data() const { return reinterpret_cast<T*>(memory_.data()) + first_; }

  // The stored values; waits for the device.
  std::vector<double> Read() const {
    std::vector<T> all(initial_.size());
    NUMERAL_CUDA(cudaDeviceSynchronize());
    NUMERAL_CUDA(
        cudaMemcpy(all.data(), memory_.data(), all.size() * sizeof(T), cudaMemcpyDeviceToHost));
    size_t touched = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      const bool guard = i < first_ || i >= first_ + count_;
      if (guard && ToFloat(all[i]) != kGuardValue) ++touched;
    }
    CHECK(touched == 0);
    std::vector<double> values(count_);
    for (size_t i = 0; i < count_; ++i) values[i] = ToFloat(all[first_ + i]);
    return values;
  }

 private:
  static constexpr size_t kGuardElems = 256;
  static constexpr float kGuardValue = -1024;  // the same as bf16
  size_t first_, count_;
  std::vector<T> initial_;
  DeviceMemory memory_;
};

// Uniform in [-1, 1), as T stores it.
template <typename T>
std::vector<double> RandomValues(size_t count, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<double> values(count);
  for (double& value : values) value = ToFloat(FromFloat<T>(uniform(generator)));
  return values;
}

// The tolerance of results that are stored as T.
template <typename T>
Tolerance StoredAs(Tolerance tolerance) {
  if (sizeof(T) == 2) tolerance.rtol += tolerance::kBf16Rounding;
  return tolerance;
}

// One assertion for all values.
inline void CheckClose(const std::vector<double>& actual, const std::vector<double>& expected,
                       const Tolerance& tolerance) {
  REQUIRE(actual.size() == expected.size());
  REQUIRE(!actual.empty());
  size_t wrong = 0, first = 0;
  for (size_t i = actual.size(); i-- > 0;) {
    if (tolerance.Accepts(actual[i], expected[i])) continue;
    ++wrong;
    first = i;
  }
  INFO(wrong << " of " << actual.size() << " are wrong, the first at " << first << ": "
             << actual[first] << ", expected " << expected[first]);
  CHECK(wrong == 0);
}

}  // namespace numeral::cuda
