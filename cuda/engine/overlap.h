// Which ops keep off each other's memory, so that one launch may do them in any order.
#pragma once

#include <span>

#include "cuda/engine/binding.h"

namespace numeral::cuda {

// False for kNoTensor.
bool Overlap(TensorId a, TensorId b, const Binding& binding);

// Whether `writer` writes what `user` reads or writes.
bool Disturbs(const Op& writer, const Op& user, const Binding& binding);

// Whether the ops may read what is in the tensor's memory before them.
bool IsRead(TensorId id, std::span<const PhaseOp> ops, const Binding& binding);

}  // namespace numeral::cuda
