// The emulator's way to hand a kernel to the runtime; cuda/support/launch.h includes it in place of
// the toolkit's, which is for nvcc alone.
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace numeral::emulator {

// Checks the launch as the runtime does and enqueues one call of `thread` for each thread. `kernel`
// is what cudaFuncSetAttribute knows the kernel by.
cudaError_t LaunchKernel(const char* name, const void* kernel, const cudaLaunchConfig_t& config,
                         std::function<void()> thread);

}  // namespace numeral::emulator

namespace numeral::cuda {

template <typename... Params>
cudaError_t LaunchKernel(const char* name, const cudaLaunchConfig_t& config,
                         void (*kernel)(Params...), Params... args) {
  std::tuple<std::remove_cv_t<Params>...> values(args...);
  return emulator::LaunchKernel(
      name, reinterpret_cast<const void*>(kernel), config,
      [kernel, values = std::move(values)] { std::apply(kernel, values); });
}

}  // namespace numeral::cuda
