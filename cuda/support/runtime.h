// Memory, streams, events and graphs of the CUDA runtime as values that clean up after themselves.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace numeral::cuda {

namespace internal {
struct FreeDevice {
  void operator()(void* address) const { cudaFree(address); }
};
struct FreePinned {
  void operator()(void* address) const { cudaFreeHost(address); }
};
}  // namespace internal

// Bytes on the device, 256-byte aligned; not initialised. None for 0 bytes.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  explicit DeviceMemory(size_t bytes);
  std::byte* data() const { return data_.get(); }

 private:
  std::unique_ptr<std::byte, internal::FreeDevice> data_;
};

// Page-locked bytes of the host, which the device reads and writes by itself.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  explicit PinnedMemory(size_t bytes);
  std::byte* data() const { return data_.get(); }

 private:
  std::unique_ptr<std::byte, internal::FreePinned> data_;
};

// A handle of the runtime with the function that destroys it.
template <typename Handle, cudaError_t (*kDestroy)(Handle)>
class Owned {
 public:
  Owned() = default;
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_ != nullptr) kDestroy(handle_);
  }
  Handle get() const { return handle_; }

 private:
  Handle handle_ = nullptr;
};

using Stream = Owned<cudaStream_t, cudaStreamDestroy>;
using Event = Owned<cudaEvent_t, cudaEventDestroy>;
using Graph = Owned<cudaGraph_t, cudaGraphDestroy>;
using GraphExec = Owned<cudaGraphExec_t, cudaGraphExecDestroy>;

Stream MakeStream();  // does not wait for the legacy stream
Event MakeEvent();    // without timing
Event MakeTimingEvent();

}  // namespace numeral::cuda
