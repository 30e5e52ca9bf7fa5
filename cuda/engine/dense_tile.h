// A wide dense layer of a small batch and what follows it as one node, which is one launch
// (kernels/dense_tile.h).
//
// Forward: the product with bias, activation and dropout, or with bias, batch normalisation and
// activation. Backward: the data's gradient with that of the activation in front of the layer or of
// batch normalisation, and the sums over the batch that these ops make.
#pragma once

#include <span>

#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// How many of the ops from the first on are one node; 0 where they do not begin with such a layer,
// or where somebody else needs what lies between two of them. `ops` goes to the end of the phase.
size_t JoinableDenseTile(std::span<const PhaseOp> ops, const Binding& binding);

// Does what the ops do one after the other, which are as many as JoinableDenseTile says.
Node MakeDenseTileNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace& workspace);

}  // namespace numeral::cuda
