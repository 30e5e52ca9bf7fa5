// Grey pictures in memory, and the way from a network's output to them.
//
// Owns: the conversion of floats to pixels. Refuses, naming the image: outputs that are not finite.
// Called by everything that draws or stores digits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace numeral {

// 0 is black, 255 white, rows from the top.
struct GreyImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;  // [height][width]

  uint8_t& At(int x, int y) { return pixels[Index(x, y)]; }
  uint8_t At(int x, int y) const { return pixels[Index(x, y)]; }

 private:
  size_t Index(int x, int y) const {
    return static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x);
  }
};

// `values` are [n][28][28]. `low` becomes 0 and `high` 255, rounded to the nearest and clamped.
// Throws Error(kFailure) for a value that is not finite.
std::vector<uint8_t> ToPixels(std::span<const float> values, double low, double high);

}  // namespace numeral
