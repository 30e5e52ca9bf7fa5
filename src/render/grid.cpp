#include "render/grid.h"

#include <gdfontl.h>

#include <algorithm>

#include "data/dataset.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr uint8_t kMargin = 72;
constexpr uint8_t kLabel = 224;
constexpr int64_t kLongestSide = 16384;  // what viewers open without trouble

struct Placement {
  int label_width;  // zero without labels
  int cell;         // side of a cell, margin included
  int64_t width, height;
};

Placement Place(const GridLayout& layout) {
  NUMERAL_CHECK(layout.rows > 0 && layout.columns > 0 && layout.scale > 0 && layout.margin_px >= 0);
  NUMERAL_CHECK(layout.row_labels.empty() ||
                layout.row_labels.size() == static_cast<size_t>(layout.rows));
  NUMERAL_CHECK(layout.scale <= kLongestSide && layout.margin_px <= kLongestSide);
  size_t longest = 0;
  for (const std::string& label : layout.row_labels) longest = std::max(longest, label.size());

  const int64_t label_width =
      longest == 0 ? 0 : static_cast<int64_t>(longest + 1) * gdFontGetLarge()->w;
  const int64_t cell = int64_t{kImageSide} * layout.scale + layout.margin_px;
  const int64_t width = label_width + layout.columns * cell + layout.margin_px;
  const int64_t height = layout.rows * cell + layout.margin_px;
  if (width > kLongestSide || height > kLongestSide) {
    BadInput(
        "a grid of {} rows and {} columns makes a picture of {}x{} pixels, beyond {}: "
        "take fewer rows or columns",
        layout.rows, layout.columns, width, height, kLongestSide);
  }
  return {static_cast<int>(label_width), static_cast<int>(cell), width, height};
}

void DrawImage(std::span<const uint8_t> image, int left, int top, int scale, GreyImage& canvas) {
  for (int y = 0; y < kImageSide * scale; ++y) {
    for (int x = 0; x < kImageSide * scale; ++x) {
      canvas.At(left + x, top + y) = image[static_cast<size_t>(y / scale * kImageSide + x / scale)];
    }
  }
}

// libgd's fonts are bitmaps, one byte for each pixel: the same picture on every machine.
void DrawGlyph(unsigned char character, int left, int top, GreyImage& canvas) {
  const gdFont& font = *gdFontGetLarge();
  const int glyph = character - font.offset;
  if (glyph < 0 || glyph >= font.nchars) return;
  const char* bits = font.data + glyph * font.w * font.h;
  for (int y = 0; y < font.h; ++y) {
    for (int x = 0; x < font.w; ++x) {
      const bool inside = top + y >= 0 && top + y < canvas.height;
      if (bits[y * font.w + x] && inside) canvas.At(left + x, top + y) = kLabel;
    }
  }
}

void DrawLabel(const std::string& label, int middle, GreyImage& canvas) {
  const gdFont& font = *gdFontGetLarge();
  int left = font.w / 2;
  for (const char character : label) {
    DrawGlyph(static_cast<unsigned char>(character), left, middle - font.h / 2, canvas);
    left += font.w;
  }
}

}  // namespace

GreyImage DrawGrid(std::span<const uint8_t> images, const GridLayout& layout) {
  const Placement place = Place(layout);
  const size_t count = images.size() / kImagePixels;
  NUMERAL_CHECK(images.size() % kImagePixels == 0);
  NUMERAL_CHECK(count <= static_cast<size_t>(layout.rows) * static_cast<size_t>(layout.columns));

  GreyImage canvas{static_cast<int>(place.width), static_cast<int>(place.height), {}};
  canvas.pixels.assign(static_cast<size_t>(place.width * place.height), kMargin);
  for (size_t i = 0; i < count; ++i) {
    const int row = static_cast<int>(i) / layout.columns;
    const int column = static_cast<int>(i) % layout.columns;
    DrawImage(images.subspan(i * kImagePixels, kImagePixels),
              place.label_width + layout.margin_px + column * place.cell,
              layout.margin_px + row * place.cell, layout.scale, canvas);
  }
  for (size_t row = 0; row < layout.row_labels.size(); ++row) {
    const int top = layout.margin_px + static_cast<int>(row) * place.cell;
    DrawLabel(layout.row_labels[row], top + kImageSide * layout.scale / 2, canvas);
  }
  return canvas;
}

}  // namespace numeral
