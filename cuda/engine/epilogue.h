// Neighbouring ops of a layer as one node, which is one launch.
//
// A convolution with a single channel on a side, or a dense layer with a narrow one, applies the
// BiasActForward or BiasActBackward that follows to what it stores, if nobody else needs the linear
// result. The gradients of a dense layer with a narrow output (of its bias, weights and data, in
// this order) are made together.
#pragma once

#include <span>

#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// Whether the op sums over rows and does nothing else.
bool IsBiasGradient(const BiasActBackward& op, const Binding& binding);

// How many of the ops from the first on are one node; 0 where the first is a node of its own. `ops`
// goes to the end of the phase.
size_t JoinableEpilogue(std::span<const PhaseOp> ops, const Binding& binding);

// Does what the ops do one after the other, which are as many as JoinableEpilogue says.
Node MakeEpilogueNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace& workspace);

}  // namespace numeral::cuda
