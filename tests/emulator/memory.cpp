// Device and host memory of the fake runtime, and copies between them.
//
// Device memory is the process's own, full of 0xFF bytes at first, and ends in front of a page that
// nothing may touch.
#include <sys/mman.h>

#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <memory>

#include "tests/emulator/device.h"
#include "tests/emulator/observer.h"
#include "tests/emulator/sanitizer.h"

namespace numeral::emulator {
namespace {

constexpr size_t kPage = 4096, kAlignment = 256;
constexpr size_t kDeviceBytes = size_t{141} << 30;

struct Allocation {
  MemoryKind kind;
  size_t bytes;
  void* pages;
  size_t mapped;
};

std::map<const std::byte*, Allocation>& Allocations() {
  static std::map<const std::byte*, Allocation> allocations;
  return allocations;
}
size_t device_bytes_in_use = 0;

// Freed pages, which nothing may touch. They serve again: most of the time of a small test would
// else go into pages that the system hands out.
struct Retired {
  void* pages;
  size_t mapped;
};
std::deque<Retired>& RetiredPages() {
  static std::deque<Retired> retired;
  return retired;
}
constexpr size_t kRetiredBytes = size_t{64} << 20;
size_t retired_bytes = 0;

// Pages that may be read and written, but for the last. Null where there is no memory.
void* TakePages(size_t mapped) {
  for (auto old = RetiredPages().begin(); old != RetiredPages().end(); ++old) {
    if (old->mapped != mapped) continue;
    void* const pages = old->pages;
    RetiredPages().erase(old);
    retired_bytes -= mapped;
    mprotect(pages, mapped - kPage, PROT_READ | PROT_WRITE);
    return pages;
  }
  void* const pages = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  mprotect(static_cast<std::byte*>(pages) + mapped - kPage, kPage, PROT_NONE);
  return pages;
}

void RetirePages(void* pages, size_t mapped) {
  mprotect(pages, mapped, PROT_NONE);
  RetiredPages().push_back({pages, mapped});
  retired_bytes += mapped;
  while (retired_bytes > kRetiredBytes) {
    const Retired oldest = RetiredPages().front();
    RetiredPages().pop_front();
    retired_bytes -= oldest.mapped;
    munmap(oldest.pages, oldest.mapped);
  }
}

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// The allocation that holds the address, or null.
const std::pair<const std::byte* const, Allocation>* Find(const void* address) {
  const auto* byte = static_cast<const std::byte*>(address);
  auto above = Allocations().upper_bound(byte);
  if (above == Allocations().begin()) return nullptr;
  --above;
  return byte < above->first + above->second.bytes ? &*above : nullptr;
}

cudaError_t Allocate(MemoryKind kind, void** address, size_t bytes) {
  *address = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (kind == MemoryKind::kDevice && bytes > kDeviceBytes - device_bytes_in_use) {
    return cudaErrorMemoryAllocation;
  }
  const size_t used = RoundUp(bytes, kAlignment), mapped = RoundUp(used, kPage) + kPage;
  void* const pages = TakePages(mapped);
  if (pages == nullptr) return cudaErrorMemoryAllocation;
  std::byte* const end = static_cast<std::byte*>(pages) + mapped - kPage;
  std::memset(end - used, 0xFF, used);
  Allocations()[end - used] = {kind, bytes, pages, mapped};
  if (kind == MemoryKind::kDevice) device_bytes_in_use += bytes;
  *address = end - used;
  Poison(pages, static_cast<size_t>(end - used - static_cast<std::byte*>(pages)));
  Poison(end - used + bytes, used - bytes);
  if (observer != nullptr) observer->Allocated(*address, bytes);
  return cudaSuccess;
}

cudaError_t Free(MemoryKind kind, void* address) {
  if (address == nullptr) return cudaSuccess;
  const auto found = Allocations().find(static_cast<std::byte*>(address));
  if (found == Allocations().end() || found->second.kind != kind) return cudaErrorInvalidValue;
  const Allocation allocation = found->second;
  Allocations().erase(found);
  if (kind == MemoryKind::kDevice) device_bytes_in_use -= allocation.bytes;
  if (observer != nullptr) observer->Freed(address, allocation.bytes);
  Unpoison(allocation.pages, allocation.mapped);
  RetirePages(allocation.pages, allocation.mapped);
  return cudaSuccess;
}

// Frees wait for all work, as the real ones do.
cudaError_t WaitAndFree(MemoryKind kind, void* address) {
  const Lock lock(DeviceMutex());
  cudaError_t status = TheDevice().CheckNoCapture();
  if (status == cudaSuccess) status = TheDevice().RunUntilDone(nullptr);
  if (status == cudaErrorLaunchFailure) {  // who frees memory seldom looks at the status
    std::fprintf(stderr, "emulator: %s\n", LastFailure().c_str());
  }
  const cudaError_t freed = Free(kind, address);
  return Return(status == cudaSuccess ? freed : status);
}

// Whether the pointers of a copy are where its kind says.
bool KindFits(const void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const bool to_device = OnDevice(to, bytes), from_device = OnDevice(from, bytes);
  const bool to_host = KindOf(to) != MemoryKind::kDevice;
  const bool from_host = KindOf(from) != MemoryKind::kDevice;
  switch (kind) {
    case cudaMemcpyHostToHost:
      return to_host && from_host;
    case cudaMemcpyHostToDevice:
      return to_device && from_host;
    case cudaMemcpyDeviceToHost:
      return to_host && from_device;
    case cudaMemcpyDeviceToDevice:
      return to_device && from_device;
    case cudaMemcpyDefault:
      return (to_device || to_host) && (from_device || from_host);
  }
  return false;
}

// From pageable memory the bytes are taken at once; to it the call waits for the copy. A stream
// that is being captured takes neither.
cudaError_t Copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                 cudaStream_t handle) {
  if (bytes == 0) return cudaSuccess;
  if (!KindFits(to, from, bytes, kind)) return cudaErrorInvalidValue;
  const bool from_pageable = KindOf(from) == MemoryKind::kPageable;
  const bool to_pageable = KindOf(to) == MemoryKind::kPageable;
  cudaStream_t stream = TheDevice().Find(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (from_pageable || to_pageable) {
    ++TheDevice().counters.pageable_copies;
    if (stream->capture != nullptr) return TheDevice().Spoil(stream);
  }
  std::function<void()> work = [=] { std::memmove(to, from, bytes); };
  if (from_pageable) {
    const auto* first = static_cast<const std::byte*>(from);
    auto staged = std::make_shared<std::vector<std::byte>>(first, first + bytes);
    work = [to, staged] { std::memcpy(to, staged->data(), staged->size()); };
  }
  const cudaError_t status =
      TheDevice().Add(handle, "a copy", cudaGraphNodeTypeMemcpy, std::move(work));
  if (status != cudaSuccess || !to_pageable) return status;
  ++TheDevice().counters.synchronizations;
  return TheDevice().RunStream(stream);
}

cudaError_t Fill(void* address, int value, size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (!OnDevice(address, bytes) && KindOf(address) != MemoryKind::kPinned) {
    return cudaErrorInvalidValue;
  }
  return TheDevice().Add(stream, "a fill", cudaGraphNodeTypeMemset,
                         [=] { std::memset(address, value, bytes); });
}

}  // namespace

MemoryKind KindOf(const void* address) {
  const auto* found = Find(address);
  return found == nullptr ? MemoryKind::kPageable : found->second.kind;
}

bool OnDevice(const void* address, size_t bytes) {
  const auto* found = Find(address);
  if (found == nullptr || found->second.kind != MemoryKind::kDevice) return false;
  const auto* byte = static_cast<const std::byte*>(address);
  return byte + bytes <= found->first + found->second.bytes;
}

size_t DeviceBytesInUse() { return device_bytes_in_use; }

}  // namespace numeral::emulator

using namespace numeral::emulator;

extern "C" {

cudaError_t cudaMalloc(void** address, size_t bytes) {
  const Lock lock(DeviceMutex());
  ++TheDevice().counters.device_allocations;
  const cudaError_t status = TheDevice().CheckNoCapture();
  return Return(status == cudaSuccess ? Allocate(MemoryKind::kDevice, address, bytes) : status);
}

cudaError_t cudaFree(void* address) { return WaitAndFree(MemoryKind::kDevice, address); }

cudaError_t cudaHostAlloc(void** address, size_t bytes, unsigned) {
  const Lock lock(DeviceMutex());
  ++TheDevice().counters.pinned_allocations;
  const cudaError_t status = TheDevice().CheckNoCapture();
  return Return(status == cudaSuccess ? Allocate(MemoryKind::kPinned, address, bytes) : status);
}

cudaError_t cudaMallocHost(void** address, size_t bytes) {
  return cudaHostAlloc(address, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void* address) { return WaitAndFree(MemoryKind::kPinned, address); }

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const Lock lock(DeviceMutex());
  *total = kDeviceBytes;
  *free = kDeviceBytes - device_bytes_in_use;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const Lock lock(DeviceMutex());
  return Return(Copy(to, from, bytes, kind, stream));
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const Lock lock(DeviceMutex());
  const cudaError_t status = Copy(to, from, bytes, kind, nullptr);
  return status == cudaSuccess ? cudaStreamSynchronize(nullptr) : Return(status);
}

cudaError_t cudaMemsetAsync(void* address, int value, size_t bytes, cudaStream_t stream) {
  const Lock lock(DeviceMutex());
  return Return(Fill(address, value, bytes, stream));
}

cudaError_t cudaMemset(void* address, int value, size_t bytes) {
  return cudaMemsetAsync(address, value, bytes, nullptr);
}

}  // extern "C"
