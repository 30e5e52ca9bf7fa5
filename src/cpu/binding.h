// The form in which CPU ops are compiled.
//
// A Kernel is an op with its pointers, sizes and constants resolved: calling it runs the op on all
// threads and allocates nothing. MakeKernel exists for every op (overloads over the variant),
// declared in the headers of this folder by family.
#pragma once

#include <functional>

#include "plan/binding.h"

namespace numeral::cpu {

using Kernel = std::function<void()>;
using Binding = PlanBinding;

}  // namespace numeral::cpu
