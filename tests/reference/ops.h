// One function per op of plan/ops.h. Each follows the op's comment there word by word and checks
// the sizes of its operands; see there for shapes and meanings.
#pragma once

#include "tests/reference/store.h"

namespace numeral::reference {

// sources.cpp
void Run(const AdvanceStep& op, Store& store);
void Run(const GatherBatch& op, Store& store);
void Run(const GatherPairs& op, Store& store);
void Run(const DrawLatents& op, Store& store);
void Run(const DrawDigits& op, Store& store);
void Run(const OneHot& op, Store& store);
void Run(const DrawTimes& op, Store& store);
void Run(const FlowPath& op, Store& store);
// products.cpp
void Run(const ConvForward& op, Store& store);
void Run(const ConvBackwardData& op, Store& store);
void Run(const ConvBackwardWeight& op, Store& store);
void Run(const DenseForward& op, Store& store);
void Run(const DenseBackwardData& op, Store& store);
void Run(const DenseBackwardWeight& op, Store& store);
void Run(const PrepareWeight& op, Store& store);
// elementwise.cpp
void Run(const BiasActForward& op, Store& store);
void Run(const BiasActBackward& op, Store& store);
void Run(const BinaryForward& op, Store& store);
void Run(const BinaryBackward& op, Store& store);
void Run(const Accumulate& op, Store& store);
// batch_norm.cpp
void Run(const BatchNormForward& op, Store& store);
void Run(const BatchNormInference& op, Store& store);
void Run(const BatchNormBackward& op, Store& store);
// pool.cpp
void Run(const MaxPoolForward& op, Store& store);
void Run(const MaxPoolBackward& op, Store& store);
void Run(const GlobalMaxPoolForward& op, Store& store);
void Run(const GlobalMaxPoolBackward& op, Store& store);
// rearrange.cpp
void Run(const Permute& op, Store& store);
void Run(const UpsampleForward& op, Store& store);
void Run(const UpsampleBackward& op, Store& store);
void Run(const PixelShuffleForward& op, Store& store);
void Run(const PixelShuffleBackward& op, Store& store);
void Run(const ConcatForward& op, Store& store);
void Run(const ConcatBackward& op, Store& store);
void Run(const Convert& op, Store& store);
// loss.cpp
void Run(const Loss& op, Store& store);
void Run(const SquaredError& op, Store& store);
void Run(const Accuracy& op, Store& store);
// update.cpp
void Run(const AdamUpdate& op, Store& store);
void Run(const EmaUpdate& op, Store& store);

// The value of an overwriting gradient is zeroed first; after that every op only adds.
inline void BeginGradient(std::span<double> grad, GradientMode mode) {
  if (mode == GradientMode::kOverwrite) {
    for (double& value : grad) value = 0;
  }
}

}  // namespace numeral::reference
