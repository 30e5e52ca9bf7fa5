// Arrays on the emulated device for tests that call launchers, with guards around them.
#pragma once

#include <cstring>
#include <vector>

#include "cuda/support/check.h"
#include "cuda/support/element.h"
#include "cuda/support/runtime.h"
#include "tests/catch.h"

namespace numeral::cuda {

// `offset` elements lie in front of the first, so that its address is not aligned.
template <typename T>
class DeviceValues {
 public:
  explicit DeviceValues(const std::vector<T>& values, size_t offset = 0)
      : offset_(offset), count_(values.size()), memory_(Bytes()) {
    std::vector<std::byte> bytes(Bytes(), kGuard);
    if (count_ > 0) std::memcpy(bytes.data() + FirstByte(), values.data(), count_ * sizeof(T));
    NUMERAL_CUDA(cudaMemcpy(memory_.data(), bytes.data(), Bytes(), cudaMemcpyHostToDevice));
  }
  // Outputs begin as bytes of 0xFF, which are NaN.
  explicit DeviceValues(size_t count, size_t offset = 0)
      : offset_(offset), count_(count), memory_(Bytes()) {
    std::vector<std::byte> bytes(Bytes(), kGuard);
    NUMERAL_CUDA(cudaMemcpy(memory_.data(), bytes.data(), Bytes(), cudaMemcpyHostToDevice));
  }

  T* data() const { return reinterpret_cast<T*>(memory_.data() + FirstByte()); }

  // Waits for the device, and fails where bytes around the values were written.
  std::vector<T> Read() const {
    NUMERAL_CUDA(cudaDeviceSynchronize());
    std::vector<std::byte> bytes(Bytes());
    NUMERAL_CUDA(cudaMemcpy(bytes.data(), memory_.data(), Bytes(), cudaMemcpyDeviceToHost));
    std::vector<T> values(count_);
    if (count_ > 0) std::memcpy(values.data(), bytes.data() + FirstByte(), count_ * sizeof(T));
    bool intact = true;
    for (size_t i = 0; i < bytes.size(); ++i) {
      const bool outside = i < FirstByte() || i >= FirstByte() + count_ * sizeof(T);
      intact &= !outside || bytes[i] == kGuard;
    }
    CHECK(intact);
    return values;
  }

 private:
  static constexpr std::byte kGuard{0xFF};
  static constexpr size_t kGuardBytes = 64;
  size_t FirstByte() const { return kGuardBytes + offset_ * sizeof(T); }
  size_t Bytes() const { return FirstByte() + count_ * sizeof(T) + kGuardBytes; }

  size_t offset_, count_;
  DeviceMemory memory_;
};

// Values are equal to the bit.
template <typename T>
bool SameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <typename T>
std::vector<T> FromFloats(const std::vector<float>& values) {
  std::vector<T> converted;
  for (const float value : values) converted.push_back(FromFloat<T>(value));
  return converted;
}
template <typename T>
std::vector<float> ToFloats(const std::vector<T>& values) {
  std::vector<float> converted;
  for (const T value : values) converted.push_back(ToFloat(value));
  return converted;
}

}  // namespace numeral::cuda
