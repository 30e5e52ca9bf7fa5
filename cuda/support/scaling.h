// Images whose every pixel stands for factor x factor pixels of a large one.
#pragma once

#include "cuda/support/divide.h"

namespace numeral::cuda {

struct Scaling {
  Divisor width;  // of a small image
  int factor;

  __device__ int large_width() const { return width.value() * factor; }
  // The first of the pixels that a small one stands for; both are counted over all images. The one
  // `down` and `right` of it is down * large_width() + right further.
  __device__ int64_t FirstLarge(int small_pixel) const {
    const Division line = width.Divide(small_pixel);
    return int64_t{line.quotient} * factor * large_width() + line.remainder * factor;
  }
};

}  // namespace numeral::cuda
