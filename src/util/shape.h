// The shape of one sample of an activation, batch excluded.
//
// Two ranks exist: flat (C features) and spatial (H x W x C, channels last). A flat shape has
// h == w == 1 and spatial == false; it is a different shape from the spatial 1x1xC.
#pragma once

#include <cstdint>
#include <string>

namespace numeral {

struct Shape {
  int h = 1;
  int w = 1;
  int c = 0;
  bool spatial = false;

  static Shape Flat(int c) { return {1, 1, c, false}; }
  static Shape Spatial(int h, int w, int c) { return {h, w, c, true}; }

  int64_t Elems() const { return int64_t{h} * w * c; }
  int64_t Pixels() const { return int64_t{h} * w; }
  bool operator==(const Shape&) const = default;
};

// "7x7x256" or "12544".
inline std::string ToString(const Shape& shape) {
  if (!shape.spatial) return std::to_string(shape.c);
  return std::to_string(shape.h) + "x" + std::to_string(shape.w) + "x" + std::to_string(shape.c);
}

}  // namespace numeral
