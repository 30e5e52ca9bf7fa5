#include "render/text.h"

#include <gdfontl.h>

#include "util/error.h"

namespace numeral {
namespace {

// Calls `draw` with the place of every pixel of the strokes, from the top left of the text's box.
template <typename Draw>
void ForEachStrokePixel(std::string_view text, Draw&& draw) {
  const gdFont& font = *gdFontGetLarge();
  int left = 0;
  for (const char character : text) {
    const int glyph = static_cast<unsigned char>(character) - font.offset;
    const bool known = glyph >= 0 && glyph < font.nchars;
    // One byte for each pixel.
    const char* bits = known ? font.data + glyph * font.w * font.h : nullptr;
    for (int i = 0; known && i < font.w * font.h; ++i) {
      if (bits[i]) draw(left + i % font.w, i / font.w);
    }
    left += font.w;
  }
}

void SetInside(int x, int y, uint8_t grey, GreyImage& canvas) {
  if (x >= 0 && x < canvas.width && y >= 0 && y < canvas.height) canvas.At(x, y) = grey;
}

}  // namespace

GreyImage BlankSheet(int width, int height) {
  NUMERAL_CHECK(width > 0 && height > 0);
  GreyImage sheet{width, height, {}};
  sheet.pixels.assign(static_cast<size_t>(width) * static_cast<size_t>(height), kSheet);
  return sheet;
}

int TextWidth(std::string_view text) { return static_cast<int>(text.size()) * gdFontGetLarge()->w; }

int TextHeight() { return gdFontGetLarge()->h; }

void DrawText(std::string_view text, int left, int top, uint8_t grey, GreyImage& canvas) {
  ForEachStrokePixel(text, [&](int x, int y) { SetInside(left + x, top + y, grey, canvas); });
}

void DrawTextUpwards(std::string_view text, int left, int top, uint8_t grey, GreyImage& canvas) {
  const int bottom = top + TextWidth(text) - 1;
  ForEachStrokePixel(text, [&](int x, int y) { SetInside(left + y, bottom - x, grey, canvas); });
}

}  // namespace numeral
