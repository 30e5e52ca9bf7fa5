// Dense layers with a narrow side as nodes over own kernels (kernels/thin_dense.h).
#pragma once

#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// The ops' sizes are ones that IsThinDense says yes to. `epilogue` is nullptr or a BiasActForward
// or BiasActBackward of the result.
Node MakeThinNode(const DenseForward& op, const Op* epilogue, const Binding& binding);
Node MakeThinNode(const DenseBackwardData& op, const Op* epilogue, const Binding& binding);

// The weight's gradient and, of the same layer with a narrow output, where they are not nullptr,
// that of the bias and that of the data.
Node MakeThinNode(const DenseBackwardWeight& op, const BiasActBackward* bias,
                  const DenseBackwardData* data, const Binding& binding, Workspace& workspace);

}  // namespace numeral::cuda
