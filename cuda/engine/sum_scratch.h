// Nodes whose launchers sum columns over several blocks (cuda/kernels/column_grid.h).
#pragma once

#include "cuda/engine/workspace.h"
#include "cuda/kernels/column_grid.h"

namespace numeral::cuda {

// launch(args, stream), with `scratch` and `counters` of the args taken from the lane, where what
// ScratchOf(args) says is reserved.
template <typename Args>
Node NodeWithScratch(const Args& args, Workspace& workspace,
                     void (*launch)(const Args&, cudaStream_t)) {
  const SumScratch needed = ScratchOf(args);
  workspace.Reserve(needed.bytes);
  workspace.ReserveBlockCounters(needed.counters);
  return [args, launch](const Lane& lane) {
    Args bound = args;
    bound.scratch = lane.scratch<double>();
    bound.counters = lane.block_counters;
    launch(bound, lane.stream);
  };
}

}  // namespace numeral::cuda
