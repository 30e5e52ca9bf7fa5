// Batch normalisation behind or in front of another op, for nodes that join them.
#pragma once

#include "cuda/engine/binding.h"
#include "cuda/kernels/batch_norm.h"
#include "cuda/kernels/batch_norm_backward.h"

namespace numeral::cuda {

// The op's tensors and constants, without scratch memory.
template <typename T>
BatchNormForwardArgs<T> ArgsOf(const BatchNormForward& op, const Binding& binding);
template <typename T>
BatchNormBackwardArgs<T> ArgsOf(const BatchNormBackward& op, const Binding& binding);

}  // namespace numeral::cuda
