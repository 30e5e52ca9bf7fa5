// Tensors of the kernel tests: float or bf16 on the device, doubles on the host.
#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "tests/emulator/device_values.h"
#include "tests/tolerance.h"

namespace numeral::cuda {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <typename T>
class DeviceTensor {
 public:
  // The data begins `misalignment` elements behind a multiple of 16 bytes.
  explicit DeviceTensor(const std::vector<double>& values, int misalignment = 0)
      : values_(FromFloats<T>(std::vector<float>(values.begin(), values.end())),
                static_cast<size_t>(misalignment)) {}
  // An output: nothing but NaN.
  explicit DeviceTensor(size_t count, int misalignment = 0)
      : values_(count, static_cast<size_t>(misalignment)) {}

  T* data() const { return values_.data(); }

  // Waits for the device, and fails where memory around the values was written.
  std::vector<double> Read() const {
    const std::vector<float> values = ToFloats(values_.Read());
    return {values.begin(), values.end()};
  }

 private:
  DeviceValues<T> values_;
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
