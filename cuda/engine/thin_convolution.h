// Convolutions with one channel on a side as nodes over own kernels (kernels/thin_conv.h).
#pragma once

#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// The ops' geometries are ones that ThinConvSupports. `epilogue` is nullptr or a BiasActForward or
// BiasActBackward of the result.
Node MakeThinNode(const ConvForward& op, const Op* epilogue, const Binding& binding);
Node MakeThinNode(const ConvBackwardData& op, const Op* epilogue, const Binding& binding);
Node MakeThinNode(const ConvBackwardWeight& op, const Binding& binding, Workspace& workspace);

}  // namespace numeral::cuda
