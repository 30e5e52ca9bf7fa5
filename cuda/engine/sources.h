// Neighbouring sources of a step, with its counter, as one node, which is one launch.
#pragma once

#include <span>

#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// How many ops from the first on can be one node: gathers and draws by one step counter, which an
// AdvanceStep may come before; 0 where the first is none of these. All are stored as the same type,
// and none writes what another uses.
size_t JoinableSources(std::span<const PhaseOp> ops, const Binding& binding);

// Does what the ops do one after the other. Throws Error(kFailure) unless all are joinable and one
// of them gathers or draws.
Node MakeSourcesNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace& workspace);

}  // namespace numeral::cuda
