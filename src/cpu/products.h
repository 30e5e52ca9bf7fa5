// CPU ops that are matrix products and convolutions: oneDNN where it is good, kernels of our own
// where one side has a single channel or output.
#pragma once

#include "cpu/workspace.h"

namespace numeral::cpu {

// oneDNN's ReLU turns NaN into 0, which would hide a diverging run: that activation is a pass of
// our own behind the product.
inline bool LibraryKeepsNan(const Activation& activation) {
  return activation.kind != ActivationKind::kLeakyRelu || activation.slope != 0;
}
using PrimitiveArgs = std::vector<std::pair<int, dnnl::memory>>;
Kernel RunPrimitive(Workspace& workspace, dnnl::primitive primitive, PrimitiveArgs args);

// `run`, then act(tensor + bias) in place; `bias` may be kNoTensor.
Kernel WithBiasActPass(Kernel run, TensorId bias, const Activation& activation, TensorId tensor,
                       const Binding& binding);

// convolution.cpp
Kernel MakeKernel(const ConvForward& op, const Binding& binding, Workspace& workspace);
Kernel MakeKernel(const ConvBackwardData& op, const Binding& binding, Workspace& workspace);
// conv_weight.cpp
Kernel MakeKernel(const ConvBackwardWeight& op, const Binding& binding, Workspace& workspace);
// dense.cpp
Kernel MakeKernel(const DenseForward& op, const Binding& binding, Workspace& workspace);
Kernel MakeKernel(const DenseBackwardData& op, const Binding& binding, Workspace& workspace);
Kernel MakeKernel(const DenseBackwardWeight& op, const Binding& binding, Workspace& workspace);

}  // namespace numeral::cpu
