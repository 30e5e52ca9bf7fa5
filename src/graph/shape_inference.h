// Output shapes of layers, and the padding that "same" stands for.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "config/spec.h"

namespace numeral {

// Padding of a convolution's image side in numbers: top, bottom, left, right. "same" as TensorFlow
// defines it: ceil(size / stride) outputs, the odd pixel at the bottom right.
std::array<int, 4> ResolvePadding(const Padding& padding, std::array<int, 2> kernel,
                                  std::array<int, 2> stride, int image_h, int image_w);

// The shape that `op` makes of its inputs' shapes. Throws Error(kBadInput) that begins with `where`
// and names both shapes.
Shape InferShape(const LayerOp& op, const std::vector<Shape>& inputs, const std::string& where);

}  // namespace numeral
