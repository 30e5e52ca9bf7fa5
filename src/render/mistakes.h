// The digits a classifier took for others, each with what was wanted and what was given.
//
// Refuses more than kMostMistakes images, for which the caller chooses, and spans that do not
// match. Called by whatever reports how well digits are told apart.
#pragma once

#include <cstdint>
#include <span>

#include "render/image.h"

namespace numeral {

inline constexpr int kMostMistakes = 100;

// `images` are [n][28][28], `wanted` and `given` [n] with digits 0..9. The images stand twice as
// large in rows of ten, in their order, and below image i stands "wanted > given", such as "4 > 9".
// As many rows as it takes; without images a small picture that says "no mistakes".
GreyImage DrawMistakes(std::span<const uint8_t> images, std::span<const int> wanted,
                       std::span<const int> given);

}  // namespace numeral
