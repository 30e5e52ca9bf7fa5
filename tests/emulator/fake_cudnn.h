// What tests see of the fake cuDNN, which stands in for the library in the emulator's programs.
//
// It has the functions of the backend API that cuda/lib uses, for convolutions alone. Engines:
//   0  fp32, the only one that is exact; knob TILE_SIZE up to 3
//   1  TENSOR_CORE: fp32 inputs rounded to TF32, or bf16; knob TILE_SIZE up to 7; wants workspace
//   2  NONDETERMINISTIC, and so it is
//   3  REDUCED_PRECISION_REDUCTION: sums rounded to bf16
//   4  is offered, but no plan of it can be built
#pragma once

#include <cstdint>
#include <map>

namespace numeral::emulator {

// Executions that were asked for, by engine, since the program began.
const std::map<int64_t, int>& CudnnExecutions();
// Descriptors that were created and not destroyed.
int LiveCudnnDescriptors();

}  // namespace numeral::emulator
