// The one way to launch a kernel, and what launchers check with. Free of fmt, which nvcc cannot
// compile in C++20.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace numeral::cuda {

struct LaunchShape {
  dim3 grid = 1;
  dim3 block = 1;
  size_t shared_bytes = 0;
};

// Throws Error(kFailure): an invariant of a launcher does not hold.
[[noreturn]] void FailRequirement(const char* what);
inline void Require(bool condition, const char* what) {
  if (!condition) FailRequirement(what);
}

// Throws Error(kFailure) with the kernel's name unless `status` is success.
void CheckLaunch(const char* kernel, cudaError_t status);

// Blocks of `threads` that cover `elems`, at most `limit`: for grid-stride loops.
inline unsigned BlocksFor(int64_t elems, int threads, int64_t limit = 132 * 16) {
  const int64_t blocks = (elems + threads - 1) / threads;
  return static_cast<unsigned>(blocks < limit ? blocks : limit);
}

}  // namespace numeral::cuda

#ifdef NUMERAL_EMULATED
#include "tests/emulator/launch.h"
#else

#include <utility>

namespace numeral::cuda {

// Raises the kernel's limit of dynamic shared memory where it needs more than 48 KiB.
void AllowSharedMemory(const char* name, const void* kernel, size_t bytes);

// Enqueues kernel(args...) on the stream; arguments are converted to the kernel's parameters.
template <typename... Params, typename... Args>
void Launch(const char* name, void (*kernel)(Params...), const LaunchShape& shape,
            cudaStream_t stream, Args&&... args) {
  AllowSharedMemory(name, reinterpret_cast<const void*>(kernel), shape.shared_bytes);
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream;
  CheckLaunch(name, cudaLaunchKernelEx(&config, kernel, static_cast<Params>(args)...));
}

}  // namespace numeral::cuda

#endif
