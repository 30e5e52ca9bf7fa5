// A confusion matrix as a picture: which digit was taken for which.
//
// Rows are the digits that were wanted, columns those that were given by the classifier. The count
// stands in each cell, and the cell is the brighter the larger its share of the row, on a
// logarithmic scale: one error in a thousand still shows, and no errors are black. Refuses negative
// counts. Called by whatever reports how well digits are told apart.
#pragma once

#include <array>
#include <cstdint>

#include "config/spec.h"
#include "render/image.h"

namespace numeral {

// [wanted][given], numbers of images.
using ConfusionCounts = std::array<std::array<int64_t, kDigits>, kDigits>;

// 620x620 pixels whatever the counts. A row without images is black. Counts of a million and more
// are cut to whole thousands, millions and so on, with the letter k, M, G, T or P.
GreyImage DrawConfusion(const ConfusionCounts& counts);

}  // namespace numeral
