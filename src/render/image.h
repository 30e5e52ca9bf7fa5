// Grey pictures in memory. Called by everything that draws.
#pragma once

#include <cstdint>
#include <vector>

namespace numeral {

inline constexpr int64_t kLongestSide = 16384;  // of a picture that viewers open without trouble

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

}  // namespace numeral
