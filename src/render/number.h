// A whole number as one strip of handwritten digits.
//
// Every digit is cut to its ink from left to right, so that a 1 takes less room than a 0, and the
// gaps between them are drawn at random, as by hand. Refuses strips beyond kLongestSide pixels.
// Called by `generate` and its page.
#pragma once

#include <cstdint>
#include <span>

#include "render/image.h"

namespace numeral {

struct NumberLayout {
  int min_spacing = 1, max_spacing = 5;  // pixels between two digits, each as likely
  int thousands_spacing = 0;             // more of them before every third digit from the right
  int scale = 1;                         // each pixel becomes scale x scale
  uint64_t seed = 1;                     // of the spacings
};

// `digits` are [n][28][28], n at least 1, from left to right. Throws Error(kBadInput) for a layout
// whose picture would be too wide.
GreyImage DrawNumber(std::span<const uint8_t> digits, const NumberLayout& layout);

// The columns [left, right) of an image [28][28] that hold its ink; all of them for a blank one.
struct InkColumns {
  int left, right;
};
InkColumns FindInk(std::span<const uint8_t> image);

}  // namespace numeral
