// Arrays as NumPy would save them.
#pragma once

#include <initializer_list>
#include <span>
#include <string>

#include "data/npy.h"

namespace numeral {

inline std::string FloatNpy(std::span<const float> values, std::initializer_list<int64_t> shape) {
  return NpyHeader("<f4", shape)
      .append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

}  // namespace numeral
