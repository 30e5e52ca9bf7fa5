#include "cuda/kernels/advance_step.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

__global__ void advance_step_kernel(int64_t* step) {
  WaitForEarlierKernels();
  *step += 1;
}

}  // namespace

void LaunchAdvanceStep(int64_t* step, cudaStream_t stream) {
  Require(step != nullptr, "advance_step: operand");
  Launch("advance_step", advance_step_kernel, {1, 1}, stream, step);
}

}  // namespace numeral::cuda
