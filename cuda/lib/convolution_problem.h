// A convolution to be planned: which tensor is made of which, in what numbers.
#pragma once

#include <string>

#include "cuda/lib/matrix_mode.h"
#include "plan/ops.h"

namespace numeral::cuda {

// The ops of plan/ops.h: which of the three tensors is made of the other two.
enum class ConvPass { kForward, kBackwardData, kBackwardWeight };  // features, image, weight

struct ConvProblem {
  ConvPass pass = ConvPass::kForward;
  ConvGeometry geometry;
  MatrixMode mode = MatrixMode::kFp32;
  bool operator==(const ConvProblem&) const = default;
};
// "forward bf16, image 256x28x28x1, features 14x14x64, kernel 5x5, stride 2,2, pads 1,1,2,2"
std::string Describe(const ConvProblem& problem);

}  // namespace numeral::cuda
