// Neighbouring losses and accuracies of a phase as one node, which is one launch.
#pragma once

#include <span>
#include <vector>

#include "cuda/engine/workspace.h"
#include "cuda/kernels/loss.h"

namespace numeral::cuda {

// How many ops from the first on can be one node: 0 where the first is neither a Loss nor an
// Accuracy. All are stored as the same type, and no gradient lies on memory that another uses.
size_t JoinableLosses(std::span<const PhaseOp> ops, const Binding& binding);

// Does what the ops do one after the other. Throws Error(kFailure) unless all are joinable.
Node MakeLossesNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace& workspace);

// What the kernel is told of each; all are stored as T.
template <typename T>
std::vector<LossArgs<T>> LossArgsOf(std::span<const PhaseOp> ops, const Binding& binding);

}  // namespace numeral::cuda
