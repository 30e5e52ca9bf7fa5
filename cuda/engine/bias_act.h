// Bias, activation and dropout behind another op, as the epilogue of its kernel.
#pragma once

#include "cuda/engine/binding.h"
#include "cuda/kernels/bias_act.h"

namespace numeral::cuda {

// Of a BiasActForward or a BiasActBackward; none for nullptr.
template <typename T>
BiasActEpilogue<T> EpilogueOf(const Op* op, const Binding& binding);

// What the op with the epilogue writes instead of `result`: itself for nullptr.
TensorId ResultBehind(const Op* epilogue, TensorId result);

}  // namespace numeral::cuda
