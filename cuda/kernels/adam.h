// Updates by Adam of whole networks, each of whose parameters are one flat block: up to four
// networks by one launch.
//
// p -= step_size * m / (sqrt(v) * root_scale + epsilon) with the moments m and v moved first; step
// sizes are those of plan/schedule.h at update number (running step) / period + 1. The first thread
// of every block computes them in double while the others' first loads are under way. With an
// average, average = decay * average + (1 - decay) * p follows (kernels/ema.h) while p is at hand.
// No network may read what another's update writes.
//
// Some ranges of the gradients may come rounded to bf16: there the gradient is what is in
// rounded_grads, and stored in `grads` as well. Packs that a range covers take one access each,
// those that it begins or ends in several. That moves 6 bytes per element for its gradient, not the
// 10 of a conversion before the update.
//
// Bound by memory: four elements per thread and turn, in one access each where addresses allow it;
// grid-stride, at most eight blocks of 256 threads for each of 132 multiprocessors and network.
// Any count.
#pragma once

#include <cuda_runtime_api.h>

#include <span>

#include "cuda/support/element.h"
#include "plan/schedule.h"

namespace numeral::cuda {

// Elements of a network's block.
struct ElemRange {
  int64_t first, end;
};
inline constexpr int kMaxRoundedGrads = 8;

struct AdamArgs {
  AdamSpec spec;
  int64_t period, total_updates;
  const int64_t* step;
  float *grads, *params, *first_moment, *second_moment;
  bf16* rounded;  // copies of the new parameters, or nullptr
  int64_t elems;
  float decay;            // of the average
  float* average;         // of the parameters, or nullptr
  bf16* rounded_average;  // copies of the new average, or nullptr
  // The gradients of the first rounded_count ranges are in here, at the same index as in `grads`.
  const bf16* rounded_grads = nullptr;
  ElemRange rounded_ranges[kMaxRoundedGrads] = {};
  int rounded_count = 0;
};

inline constexpr int kMaxAdams = 4;

void LaunchAdam(std::span<const AdamArgs> updates, cudaStream_t stream);

}  // namespace numeral::cuda
