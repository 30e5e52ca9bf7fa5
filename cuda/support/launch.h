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

// A launch as the runtime takes it.
class PreparedLaunch {
 public:
  // Raises the kernel's limit of dynamic shared memory where it needs more than 48 KiB, and lets it
  // start early where EarlyStarts (early_start.h) allows that.
  PreparedLaunch(const char* name, const void* kernel, const LaunchShape& shape,
                 cudaStream_t stream);
  PreparedLaunch(const PreparedLaunch&) = delete;
  PreparedLaunch& operator=(const PreparedLaunch&) = delete;
  const cudaLaunchConfig_t& config() const { return config_; }

  // `status` is what the runtime said to it.
  void Finish(cudaError_t status) const;

 private:
  const char* name_;
  cudaLaunchAttribute early_ = {};
  cudaLaunchConfig_t config_ = {};
};

}  // namespace numeral::cuda

#ifdef NUMERAL_EMULATED
#include "tests/emulator/launch.h"
#else

namespace numeral::cuda {

template <typename... Params>
cudaError_t LaunchKernel(const char* /*name*/, const cudaLaunchConfig_t& config,
                         void (*kernel)(Params...), Params... args) {
  return cudaLaunchKernelEx(&config, kernel, args...);
}

}  // namespace numeral::cuda

#endif

namespace numeral::cuda {

// Enqueues kernel(args...) on the stream; arguments are converted to the kernel's parameters.
template <typename... Params, typename... Args>
void Launch(const char* name, void (*kernel)(Params...), const LaunchShape& shape,
            cudaStream_t stream, Args&&... args) {
  const PreparedLaunch launch(name, reinterpret_cast<const void*>(kernel), shape, stream);
  launch.Finish(
      LaunchKernel<Params...>(name, launch.config(), kernel, static_cast<Params>(args)...));
}

}  // namespace numeral::cuda
