// Digits in rows and columns: the sample picture of an epoch, the picture of `generate`.
//
// Cells stand apart by dark grey lines, so that the black ground of a digit shows where its image
// ends. Refuses more images than cells and pictures beyond 16384 pixels either way. Called
// for the samples of an epoch, by `generate` and by the report.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "render/image.h"

namespace numeral {

struct GridLayout {
  int rows = 1;
  int columns = 1;
  int scale = 2;                          // each pixel of an image becomes scale x scale
  int margin_px = 2;                      // around and between the cells, not scaled
  std::vector<std::string> row_labels{};  // ASCII, left of the rows; none, or one for each row
};

// Throws Error(kBadInput) for a layout whose picture would be too large.
void CheckLayout(const GridLayout& layout);

// `images` are [n][28][28] and fill the cells row by row; cells beyond n stay blank.
// Throws as CheckLayout does.
GreyImage DrawGrid(std::span<const uint8_t> images, const GridLayout& layout);

// One image [28][28], each pixel scale x scale, with its top left corner there, all inside the
// canvas.
void DrawDigit(std::span<const uint8_t> image, int left, int top, int scale, GreyImage& canvas);

}  // namespace numeral
