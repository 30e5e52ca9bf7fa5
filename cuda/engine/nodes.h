// How ops become nodes: one overload for every op of plan/ops.h, by the file that defines it.
//
// Each binds the op's tensors and calls the launcher of the kernel (cuda/kernels) or library
// (cuda/lib) that does the work. Throws Error(kFailure) where an op's shapes contradict its
// comment.
#pragma once

#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// sources.cpp
Node MakeNode(const AdvanceStep& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const GatherBatch& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const GatherPairs& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const DrawLatents& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const DrawDigits& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const OneHot& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const DrawTimes& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const FlowPath& op, const Binding& binding, Workspace& workspace);
// convolution.cpp
Node MakeNode(const ConvForward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const ConvBackwardData& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const ConvBackwardWeight& op, const Binding& binding, Workspace& workspace);
// dense.cpp
Node MakeNode(const DenseForward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const DenseBackwardData& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const DenseBackwardWeight& op, const Binding& binding, Workspace& workspace);
// bias_act.cpp
Node MakeNode(const BiasActForward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const BiasActBackward& op, const Binding& binding, Workspace& workspace);
// batch_norm.cpp
Node MakeNode(const BatchNormForward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const BatchNormInference& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const BatchNormBackward& op, const Binding& binding, Workspace& workspace);
// binary.cpp
Node MakeNode(const BinaryForward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const BinaryBackward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const Accumulate& op, const Binding& binding, Workspace& workspace);
// pool.cpp
Node MakeNode(const MaxPoolForward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const MaxPoolBackward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const GlobalMaxPoolForward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const GlobalMaxPoolBackward& op, const Binding& binding, Workspace& workspace);
// rearrange.cpp
Node MakeNode(const Permute& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const UpsampleForward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const UpsampleBackward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const PixelShuffleForward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const PixelShuffleBackward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const ConcatForward& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const ConcatBackward& op, const Binding& binding, Workspace& workspace);
// convert.cpp
Node MakeNode(const Convert& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const PrepareWeight& op, const Binding& binding, Workspace& workspace);
// loss.cpp
Node MakeNode(const Loss& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const SquaredError& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const Accuracy& op, const Binding& binding, Workspace& workspace);
// update.cpp
Node MakeNode(const AdamUpdate& op, const Binding& binding, Workspace& workspace);
Node MakeNode(const EmaUpdate& op, const Binding& binding, Workspace& workspace);

}  // namespace numeral::cuda
