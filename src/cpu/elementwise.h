// CPU ops that are OpenMP loops of our own: all but convolutions, products and working copies.
//
// Every loop splits its work by a rule that depends on sizes and thread count only, and reduces in
// a fixed order: the same machine and thread count give the same bits.
#pragma once

#include "cpu/binding.h"

namespace numeral::cpu {

class Workspace;

// sources.cpp
Kernel MakeKernel(const AdvanceStep& op, const Binding& binding);
Kernel MakeKernel(const GatherBatch& op, const Binding& binding);
Kernel MakeKernel(const GatherPairs& op, const Binding& binding);
Kernel MakeKernel(const DrawLatents& op, const Binding& binding);
Kernel MakeKernel(const DrawDigits& op, const Binding& binding);
Kernel MakeKernel(const OneHot& op, const Binding& binding);
Kernel MakeKernel(const DrawTimes& op, const Binding& binding);
Kernel MakeKernel(const FlowPath& op, const Binding& binding);
// bias_act.cpp
Kernel MakeKernel(const BiasActForward& op, const Binding& binding);
Kernel MakeKernel(const BiasActBackward& op, const Binding& binding);
// batch_norm.cpp
Kernel MakeKernel(const BatchNormForward& op, const Binding& binding);
Kernel MakeKernel(const BatchNormInference& op, const Binding& binding);
Kernel MakeKernel(const BatchNormBackward& op, const Binding& binding);
// binary.cpp
Kernel MakeKernel(const BinaryForward& op, const Binding& binding);
Kernel MakeKernel(const BinaryBackward& op, const Binding& binding);
Kernel MakeKernel(const Accumulate& op, const Binding& binding);
// pool.cpp
Kernel MakeKernel(const MaxPoolForward& op, const Binding& binding);
Kernel MakeKernel(const MaxPoolBackward& op, const Binding& binding);
Kernel MakeKernel(const GlobalMaxPoolForward& op, const Binding& binding);
Kernel MakeKernel(const GlobalMaxPoolBackward& op, const Binding& binding);
// rearrange.cpp
Kernel MakeKernel(const Permute& op, const Binding& binding);
Kernel MakeKernel(const UpsampleForward& op, const Binding& binding);
Kernel MakeKernel(const UpsampleBackward& op, const Binding& binding);
Kernel MakeKernel(const PixelShuffleForward& op, const Binding& binding);
Kernel MakeKernel(const PixelShuffleBackward& op, const Binding& binding);
Kernel MakeKernel(const ConcatForward& op, const Binding& binding);
Kernel MakeKernel(const ConcatBackward& op, const Binding& binding);
Kernel MakeKernel(const Convert& op, const Binding& binding);
// loss.cpp
Kernel MakeKernel(const Loss& op, const Binding& binding);
Kernel MakeKernel(const SquaredError& op, const Binding& binding);
Kernel MakeKernel(const Accuracy& op, const Binding& binding);
// update.cpp
Kernel MakeKernel(const AdamUpdate& op, const Binding& binding, Workspace& workspace);
Kernel MakeKernel(const EmaUpdate& op, const Binding& binding);

}  // namespace numeral::cpu
