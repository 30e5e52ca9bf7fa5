#include "cuda/support/check.h"

#include <string_view>

namespace numeral::cuda {

void Check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  const std::string_view text(call);
  cudaGetLastError();  // or the next launch reports it again
  Fail("{}: {} ({})", text.substr(0, text.find('(')), cudaGetErrorString(status),
       cudaGetErrorName(status));
}

void CheckLaunch(const char* kernel, cudaError_t status) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  Fail("kernel {}: {} ({})", kernel, cudaGetErrorString(status), cudaGetErrorName(status));
}

void FailRequirement(const char* what) {
  Fail("internal error: a kernel's argument is wrong: {}", what);
}

#ifndef NUMERAL_EMULATED
void AllowSharedMemory(const char* name, const void* kernel, size_t bytes) {
  constexpr size_t kWithoutAsking = 48 * 1024;
  if (bytes <= kWithoutAsking) return;
  CheckLaunch(name, cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         static_cast<int>(bytes)));
}
#endif

}  // namespace numeral::cuda
