// One update by Adam of a whole network, whose parameters are one flat block.
//
// p -= step_size * m / (sqrt(v) * root_scale + epsilon) with the moments m and v moved first; step
// sizes are those of plan/schedule.h at update number (running step) / period + 1. The first thread
// of every block computes them in double while the others' first loads are under way.
//
// Bound by memory: four elements per thread and turn, in one access each where addresses allow it;
// grid-stride, at most eight blocks of 256 threads for each of 132 multiprocessors. Any count.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/support/element.h"
#include "plan/schedule.h"

namespace numeral::cuda {

struct AdamArgs {
  AdamSpec spec;
  int64_t period, total_updates;
  const int64_t* step;
  const float* grads;
  float *params, *first_moment, *second_moment;
  bf16* rounded;  // copies of the new parameters, or nullptr
  int64_t elems;
};

void LaunchAdam(const AdamArgs& args, cudaStream_t stream);

}  // namespace numeral::cuda
