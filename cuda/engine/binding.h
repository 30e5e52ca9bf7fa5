// Tensor ids of a plan bound to device addresses, and the form in which ops are compiled.
//
// A Node is an op with its pointers, sizes and constants resolved: calling it enqueues the op's
// kernels on the lane's stream and allocates nothing, so that it can be captured. MakeNode exists
// for every op (nodes.h).
#pragma once

#include <functional>

#include "cuda/engine/lane.h"
#include "cuda/support/element.h"
#include "plan/binding.h"

namespace numeral::cuda {

using Node = std::function<void(const Lane&)>;

class Binding : public PlanBinding {
 public:
  using PlanBinding::PlanBinding;

  // Whether the two are the same values in the same place. Not of kNoTensor.
  bool SameMemory(TensorId a, TensorId b) const {
    return Address(a) == Address(b) && info(a).elems() == info(b).elems() &&
           info(a).dtype == info(b).dtype;
  }

  // use.template operator()<T>() with the type that tensor `id` is stored as.
  template <typename Use>
  Node WithElement(TensorId id, const Use& use) const {
    if (info(id).dtype == DType::kF32) return use.template operator()<float>();
    NUMERAL_CHECK(info(id).dtype == DType::kBF16);
    return use.template operator()<bf16>();
  }
};

}  // namespace numeral::cuda
