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

}  // namespace numeral::cuda
