// Neighbouring updates of networks as one node, which is one launch.
#pragma once

#include <span>

#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// How many ops from the first on can be one node: 0 where the first is no AdamUpdate. There may be
// averages of networks that are updated among them, and PrepareWeights between them whose copies
// the updates refresh. No network's update writes what another's uses.
size_t JoinableUpdates(std::span<const PhaseOp> ops, const Binding& binding);

// Does what the ops do one after the other. Throws Error(kFailure) unless all are joinable.
Node MakeUpdatesNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace& workspace);

}  // namespace numeral::cuda
