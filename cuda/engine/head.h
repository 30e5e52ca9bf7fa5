// The end of a discriminator with one output as one node, which is one launch (kernels/head.h): the
// activation in front of its last dense layer, that layer, the losses, and the way back to the
// gradient in front of the activation.
//
// The gradients of the layer's own parameters are among these ops and yet a node of their own,
// behind the head: it reads x and the losses' gradients, and nobody waits for it soon.
#pragma once

#include <span>

#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// How many of the ops from the first on are a head; of these, `left_out` from `first_left_out` on
// are not done by its node but to be done behind it. A count of 0 where the ops do not begin with a
// head.
struct HeadSize {
  size_t count = 0;
  size_t first_left_out = 0, left_out = 0;
};

// [BiasActForward] DenseForward [BiasActForward with a bias alone] Loss or Accuracy... [gradients
// of the dense layer's bias and weight] DenseBackwardData [BiasActBackward], of one layer and all
// of its rows, each with one gradient. Whoever else needs what lies between two of them, or memory
// that one of them writes and another one uses in a different way, keeps them apart. `ops` goes to
// the end of the phase.
HeadSize SizeOfHead(std::span<const PhaseOp> ops, const Binding& binding);

// Does what the ops, as many as SizeOfHead says, do one after the other, but for those left out.
Node MakeHeadNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace& workspace);

}  // namespace numeral::cuda
