// Which nodes of a phase have to wait for which: all that touch the same bytes, one of them
// writing, in the order of the plan.
//
// What nodes touch are the operands of their ops by address, so that memory which the plan reuses
// keeps its order too, and the bf16 copies of weights and gradients, which no operand names. An
// update that leaves gradients in fp32 writes what its operands say it reads, but nobody else
// touches these behind the convolution (rounded_gradients.h). Scratch memory and block counters are
// each lane's own (lane.h) and tables are constant, so neither orders anything.
#pragma once

#include "cuda/engine/phase_runner.h"
#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// For each node the ones before it that it waits for, latest first, without those that others of
// them wait for. Empty nodes touch nothing. The copies of weights must be known.
std::vector<std::vector<size_t>> Dependencies(const Phase& phase,
                                              const std::vector<NamedNode>& nodes,
                                              const Binding& binding, const Workspace& workspace);

}  // namespace numeral::cuda
