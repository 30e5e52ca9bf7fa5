// GradientMode as a compile-time choice, so that an overwritten output is never read.
#pragma once

#include <type_traits>

#include "plan/ops.h"

namespace numeral::cpu {

template <bool kAccumulate, typename T>
inline void Put(float value, T& target) {
  if constexpr (kAccumulate) {
    target = target + value;
  } else {
    target = value;
  }
}

// use(std::bool_constant<accumulate>()).
template <typename Use>
auto WithMode(GradientMode mode, const Use& use) {
  return mode == GradientMode::kAccumulate ? use(std::true_type()) : use(std::false_type());
}

}  // namespace numeral::cpu
