// Moving averages of parameters and statistics: target = decay * target + (1 - decay) * source.
//
// Bound by memory: four elements per thread and turn, in one access each where addresses allow it;
// grid-stride. Any count.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/support/element.h"

namespace numeral::cuda {

struct EmaArgs {
  float decay;
  const float* source;
  float* target;
  bf16* rounded;  // copies of the new target, or nullptr
  int64_t elems;
};

void LaunchEma(const EmaArgs& args, cudaStream_t stream);

}  // namespace numeral::cuda
