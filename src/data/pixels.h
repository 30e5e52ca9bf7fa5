// From a network's output to pixels.
//
// Refuses, naming the image: outputs that are not finite. Called by everything that draws or stores
// what a generator makes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace numeral {

// `values` are [n][28][28]. `low` becomes 0 and `high` 255, rounded to the nearest and clamped.
// Throws Error(kFailure) for a value that is not finite.
std::vector<uint8_t> ToPixels(std::span<const float> values, double low, double high);

}  // namespace numeral
