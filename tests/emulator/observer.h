// Who watches a kernel run: the access checker, in programs that are linked with it.
#pragma once

#include <vector_types.h>

#include <cstddef>
#include <string>

namespace numeral::emulator {

// Threads and lanes are numbered as in CUDA: x fastest.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void BeginLaunch(uint3 grid, unsigned threads_per_block) = 0;
  virtual void BeginBlock(unsigned block) = 0;
  virtual void BeginThread(unsigned thread, const std::byte* stack, size_t stack_bytes) = 0;
  virtual void EndLaunch() = 0;

  virtual void WaitForEarlierGrids() = 0;
  virtual void OpenBarrier() = 0;  // all threads of the block came to it
  virtual void SyncLanes(unsigned warp, unsigned lanes) = 0;
  virtual void Fence() = 0;
  virtual void Atomic(const void* address, size_t bytes) = 0;

  virtual void Allocated(const void* address, size_t bytes) = 0;
  virtual void Freed(const void* address, size_t bytes) = 0;
};

// Null where nobody watches.
extern Observer* observer;

// Ends the kernel that runs with a Failure, without a return to the running thread.
[[noreturn]] void AbortKernel(const std::string& failure);

}  // namespace numeral::emulator
