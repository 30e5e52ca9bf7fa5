// The form in which CPU ops are compiled.
//
// A Kernel is an op with its pointers, sizes and constants resolved: calling it runs the op on all
// threads and allocates nothing. MakeKernel exists for every op (overloads over the variant),
// declared in the headers of this folder by family.
#pragma once

#include <functional>

#include "cpu/element.h"
#include "plan/binding.h"

namespace numeral::cpu {

using Kernel = std::function<void()>;

class Binding : public PlanBinding {
 public:
  using PlanBinding::PlanBinding;

  // use.template operator()<T>() with the type that tensor `id` is stored as.
  template <typename Use>
  Kernel WithElement(TensorId id, const Use& use) const {
    if (info(id).dtype == DType::kF32) return use.template operator()<float>();
    NUMERAL_CHECK(info(id).dtype == DType::kBF16);
    return use.template operator()<Bf16>();
  }
};

}  // namespace numeral::cpu
