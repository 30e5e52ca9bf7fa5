#include "render/grid.h"

#include <algorithm>

#include "data/dataset.h"
#include "render/text.h"
#include "util/error.h"

namespace numeral {
namespace {

struct Placement {
  int label_width;  // zero without labels
  int cell;         // side of a cell, margin included
  int width, height;
};

Placement Place(const GridLayout& layout) {
  NUMERAL_CHECK(layout.rows > 0 && layout.columns > 0 && layout.scale > 0 && layout.margin_px >= 0);
  NUMERAL_CHECK(layout.row_labels.empty() ||
                layout.row_labels.size() == static_cast<size_t>(layout.rows));
  NUMERAL_CHECK(layout.scale <= kLongestSide && layout.margin_px <= kLongestSide);
  int longest = 0;
  for (const std::string& label : layout.row_labels) {
    longest = std::max(longest, TextWidth(label));
  }

  const int64_t label_width = longest == 0 ? 0 : longest + TextWidth(" ");
  const int64_t cell = int64_t{kImageSide} * layout.scale + layout.margin_px;
  const int64_t width = label_width + layout.columns * cell + layout.margin_px;
  const int64_t height = layout.rows * cell + layout.margin_px;
  if (width > kLongestSide || height > kLongestSide) {
    BadInput(
        "a grid of {} rows and {} columns makes a picture of {}x{} pixels, beyond {}: "
        "take fewer rows or columns",
        layout.rows, layout.columns, width, height, kLongestSide);
  }
  return {static_cast<int>(label_width), static_cast<int>(cell), static_cast<int>(width),
          static_cast<int>(height)};
}

}  // namespace

void CheckLayout(const GridLayout& layout) { Place(layout); }

GreyImage DrawGrid(std::span<const uint8_t> images, const GridLayout& layout) {
  const Placement place = Place(layout);
  const size_t count = images.size() / kImagePixels;
  NUMERAL_CHECK(images.size() % kImagePixels == 0);
  NUMERAL_CHECK(count <= static_cast<size_t>(layout.rows) * static_cast<size_t>(layout.columns));

  GreyImage canvas = BlankSheet(place.width, place.height);
  for (size_t i = 0; i < count; ++i) {
    const int row = static_cast<int>(i) / layout.columns;
    const int column = static_cast<int>(i) % layout.columns;
    DrawDigit(images.subspan(i * kImagePixels, kImagePixels),
              place.label_width + layout.margin_px + column * place.cell,
              layout.margin_px + row * place.cell, layout.scale, canvas);
  }
  for (size_t row = 0; row < layout.row_labels.size(); ++row) {
    const int top = layout.margin_px + static_cast<int>(row) * place.cell;
    DrawText(layout.row_labels[row], TextWidth(" ") / 2,
             top + kImageSide * layout.scale / 2 - TextHeight() / 2, kInk, canvas);
  }
  return canvas;
}

void DrawDigit(std::span<const uint8_t> image, int left, int top, int scale, GreyImage& canvas) {
  NUMERAL_CHECK(image.size() == kImagePixels && scale > 0 && left >= 0 && top >= 0);
  NUMERAL_CHECK(left + kImageSide * scale <= canvas.width);
  NUMERAL_CHECK(top + kImageSide * scale <= canvas.height);
  for (int y = 0; y < kImageSide * scale; ++y) {
    for (int x = 0; x < kImageSide * scale; ++x) {
      canvas.At(left + x, top + y) = image[static_cast<size_t>(y / scale * kImageSide + x / scale)];
    }
  }
}

}  // namespace numeral
