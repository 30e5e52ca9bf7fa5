#include "cuda/support/runtime.h"

#include "cuda/support/check.h"

namespace numeral::cuda {

DeviceMemory::DeviceMemory(size_t bytes) {
  if (bytes == 0) return;
  void* address = nullptr;
  const cudaError_t status = cudaMalloc(&address, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    Fail("the GPU has no {} MiB left; a smaller /training/batch_size or network needs less",
         (bytes + (1 << 20) - 1) >> 20);
  }
  Check(status, "cudaMalloc");
  data_.reset(static_cast<std::byte*>(address));
}

PinnedMemory::PinnedMemory(size_t bytes) {
  if (bytes == 0) return;
  void* address = nullptr;
  NUMERAL_CUDA(cudaHostAlloc(&address, bytes, cudaHostAllocDefault));
  data_.reset(static_cast<std::byte*>(address));
}

Stream MakeStream() {
  cudaStream_t stream = nullptr;
  NUMERAL_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return Stream(stream);
}

Event MakeEvent() {
  cudaEvent_t event = nullptr;
  NUMERAL_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return Event(event);
}

Event MakeTimingEvent() {
  cudaEvent_t event = nullptr;
  NUMERAL_CUDA(cudaEventCreateWithFlags(&event, cudaEventDefault));
  return Event(event);
}

}  // namespace numeral::cuda
