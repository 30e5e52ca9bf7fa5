// Bias, activation and dropout behind another op, for nodes that join them.
#pragma once

#include "cuda/engine/binding.h"
#include "cuda/kernels/bias_act.h"

namespace numeral::cuda {

// The op's tensors and constants, without scratch memory.
template <typename T>
BiasActForwardArgs<T> ArgsOf(const BiasActForward& op, const Binding& binding);
template <typename T>
BiasActBackwardArgs<T> ArgsOf(const BiasActBackward& op, const Binding& binding);

// The epilogue of a kernel: of a BiasActForward or a BiasActBackward, none for nullptr.
template <typename T>
BiasActEpilogue<T> EpilogueOf(const Op* op, const Binding& binding);

// What the op with the epilogue writes instead of `result`: itself for nullptr.
TensorId ResultBehind(const Op* epilogue, TensorId result);

}  // namespace numeral::cuda
