// Convolutions with one channel on a side as nodes over own kernels (kernels/thin_conv.h).
#pragma once

#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// The ops' geometries are ones that ThinConvSupports.
Node MakeThinNode(const ConvForward& op, const Binding& binding);
Node MakeThinNode(const ConvBackwardData& op, const Binding& binding);
Node MakeThinNode(const ConvBackwardWeight& op, const Binding& binding, Workspace& workspace);

}  // namespace numeral::cuda
