// What the emulator's own tests launch kernels with.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <string>
#include <vector>

#include "cuda/support/check.h"
#include "cuda/support/runtime.h"
#include "tests/catch.h"

namespace numeral::cuda {

// Values of the device, written and read by the host.
template <typename T>
class Values {
 public:
  explicit Values(size_t count) : memory_(count * sizeof(T)), count_(count) {}
  explicit Values(const std::vector<T>& values) : Values(values.size()) {
    NUMERAL_CUDA(cudaMemcpy(data(), values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  T* data() const { return reinterpret_cast<T*>(memory_.data()); }
  std::vector<T> Read() const {
    std::vector<T> values(count_);
    NUMERAL_CUDA(cudaMemcpy(values.data(), data(), count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  DeviceMemory memory_;
  size_t count_;
};

inline void Wait() { NUMERAL_CUDA(cudaDeviceSynchronize()); }

// What waiting for the work reports, or "none".
inline std::string FailureOf(const std::function<void()>& work) {
  try {
    work();
    Wait();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

}  // namespace numeral::cuda

// The text contains the part; a failure shows the text.
#define CHECK_HAS(text, part)                            \
  do {                                                   \
    const std::string checked_text = text;               \
    CAPTURE(checked_text);                               \
    CHECK(checked_text.find(part) != std::string::npos); \
  } while (false)
