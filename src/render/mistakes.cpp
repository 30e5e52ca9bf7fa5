#include "render/mistakes.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "config/spec.h"
#include "data/dataset.h"
#include "render/grid.h"
#include "render/text.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr int kColumns = 10;
constexpr int kScale = 2;
constexpr int kDigitSide = kScale * kImageSide;
constexpr int kGap = 8;      // around and between the digits with their captions
constexpr int kCaption = 2;  // from a digit to its caption

GreyImage NoMistakes() {
  constexpr std::string_view kText = "no mistakes";
  GreyImage canvas = BlankSheet(TextWidth(kText) + 2 * kGap, TextHeight() + 2 * kGap);
  DrawText(kText, kGap, kGap, kInk, canvas);
  return canvas;
}

}  // namespace

GreyImage DrawMistakes(std::span<const uint8_t> images, std::span<const int> wanted,
                       std::span<const int> given) {
  const size_t count = wanted.size();
  NUMERAL_CHECK(count <= kMostMistakes);
  NUMERAL_CHECK(given.size() == count && images.size() == count * kImagePixels);
  if (count == 0) return NoMistakes();

  const int column_px = kDigitSide + kGap;
  const int row_px = kDigitSide + kCaption + TextHeight() + kGap;
  const int rows = (static_cast<int>(count) + kColumns - 1) / kColumns;
  GreyImage canvas = BlankSheet(kGap + kColumns * column_px, kGap + rows * row_px);
  for (size_t i = 0; i < count; ++i) {
    NUMERAL_CHECK(wanted[i] >= 0 && wanted[i] < kDigits);
    NUMERAL_CHECK(given[i] >= 0 && given[i] < kDigits);
    const int left = kGap + static_cast<int>(i) % kColumns * column_px;
    const int top = kGap + static_cast<int>(i) / kColumns * row_px;
    DrawDigit(images.subspan(i * kImagePixels, kImagePixels), left, top, kScale, canvas);
    const std::string caption = fmt::format("{} > {}", wanted[i], given[i]);
    DrawText(caption, left + (kDigitSide - TextWidth(caption)) / 2, top + kDigitSide + kCaption,
             kInk, canvas);
  }
  return canvas;
}

}  // namespace numeral
