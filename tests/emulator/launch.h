// Launch() of the emulator; cuda/support/launch.h includes it in place of the one for a GPU.
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace numeral::emulator {

// Checks the shape against the limits of the device and enqueues one call of `thread` for each
// thread. `kernel` is what cudaFuncSetAttribute knows the kernel by.
cudaError_t LaunchKernel(const char* name, const void* kernel, dim3 grid, dim3 block,
                         size_t shared_bytes, cudaStream_t stream, std::function<void()> thread);

}  // namespace numeral::emulator

namespace numeral::cuda {

// Enqueues kernel(args...) on the stream; arguments are converted to the kernel's parameters.
template <typename... Params, typename... Args>
void Launch(const char* name, void (*kernel)(Params...), const LaunchShape& shape,
            cudaStream_t stream, Args&&... args) {
  const auto* address = reinterpret_cast<const void*>(kernel);
  if (shape.shared_bytes > 48 << 10) {
    CheckLaunch(name, cudaFuncSetAttribute(address, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                           static_cast<int>(shape.shared_bytes)));
  }
  std::tuple<std::remove_cv_t<Params>...> values(static_cast<Params>(args)...);
  CheckLaunch(name, emulator::LaunchKernel(
                        name, address, shape.grid, shape.block, shape.shared_bytes, stream,
                        [kernel, values = std::move(values)] { std::apply(kernel, values); }));
}

}  // namespace numeral::cuda
