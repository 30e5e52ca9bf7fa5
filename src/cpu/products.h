// CPU ops that are matrix products and convolutions: oneDNN where it is good, kernels of our own where
// one side has a single channel or output.
#pragma once

#include "cpu/workspace.h"

namespace numeral::cpu {

// convolution.cpp
Kernel MakeKernel(const ConvForward& op, const Binding& binding, Workspace& workspace);
Kernel MakeKernel(const ConvBackwardData& op, const Binding& binding, Workspace& workspace);
Kernel MakeKernel(const ConvBackwardWeight& op, const Binding& binding, Workspace& workspace);
// dense.cpp
Kernel MakeKernel(const DenseForward& op, const Binding& binding, Workspace& workspace);
Kernel MakeKernel(const DenseBackwardData& op, const Binding& binding, Workspace& workspace);
Kernel MakeKernel(const DenseBackwardWeight& op, const Binding& binding, Workspace& workspace);

}  // namespace numeral::cpu
