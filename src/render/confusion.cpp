#include "render/confusion.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <string>
#include <string_view>

#include "render/text.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr int kCell = 54;      // holds six characters
constexpr int kPitch = 56;     // from one cell to the next, two pixels of sheet between them
constexpr int kMargin = 50;    // left and top, for a title and the digits
constexpr int kBorder = 12;    // right and bottom
constexpr int kTitle = 10;     // from the edge of the picture to a title
constexpr int kAxisDigit = 6;  // from the digits to the cells
constexpr int kSide = kMargin + kDigits * kPitch - (kPitch - kCell) + kBorder;

// One error among this many images is told apart from none at a tenth of the scale.
constexpr double kFinest = 1000;
// The darkest cell that is not empty.
constexpr double kFaintest = 20;

// `total` is the sum of the row and at least `count`, so it is never zero where it divides.
uint8_t CellGrey(int64_t count, double total) {
  if (count == 0) return 0;
  const double share = static_cast<double>(count) / total;
  const double height = std::log1p(kFinest * share) / std::log1p(kFinest);
  return static_cast<uint8_t>(std::lround(kFaintest + (255 - kFaintest) * height));
}

// Zeros are many and say little, so they stand back.
uint8_t TextGrey(int64_t count, uint8_t cell) {
  if (count == 0) return 112;
  return cell < 128 ? 255 : 0;
}

std::string Shorten(int64_t count) {
  constexpr int64_t kLongest = 1'000'000;
  if (count < kLongest) return std::to_string(count);
  std::string_view units = "kMGTP";
  while ((count /= 1000) >= kLongest / 10) units.remove_prefix(1);
  return fmt::format("{}{}", count, units.front());
}

void DrawCentered(std::string_view text, int x, int y, uint8_t grey, GreyImage& canvas) {
  DrawText(text, x - TextWidth(text) / 2, y - TextHeight() / 2, grey, canvas);
}

void DrawCell(int left, int top, int64_t count, double total, GreyImage& canvas) {
  const uint8_t cell = CellGrey(count, total);
  for (int y = top; y < top + kCell; ++y) {
    for (int x = left; x < left + kCell; ++x) canvas.At(x, y) = cell;
  }
  DrawCentered(Shorten(count), left + kCell / 2, top + kCell / 2, TextGrey(count, cell), canvas);
}

void DrawAxes(GreyImage& canvas) {
  constexpr int kMiddle = kMargin + (kDigits * kPitch - (kPitch - kCell)) / 2;
  const std::string_view wanted = "wanted";
  DrawCentered("given", kMiddle, kTitle + TextHeight() / 2, kInk, canvas);
  DrawTextUpwards(wanted, kTitle, kMiddle - TextWidth(wanted) / 2, kInk, canvas);
  for (int digit = 0; digit < kDigits; ++digit) {
    const std::string name = std::to_string(digit);
    const int middle = kMargin + digit * kPitch + kCell / 2;
    DrawCentered(name, middle, kMargin - kAxisDigit - TextHeight() / 2, kInk, canvas);
    DrawCentered(name, kMargin - kAxisDigit - TextWidth(name) / 2, middle, kInk, canvas);
  }
}

}  // namespace

GreyImage DrawConfusion(const ConfusionCounts& counts) {
  GreyImage canvas = BlankSheet(kSide, kSide);
  DrawAxes(canvas);
  for (int row = 0; row < kDigits; ++row) {
    const auto& cells = counts[static_cast<size_t>(row)];
    for (const int64_t count : cells) NUMERAL_CHECK(count >= 0);
    // In floating point, where no counts overflow.
    const double total = std::accumulate(cells.begin(), cells.end(), 0.0);
    for (int column = 0; column < kDigits; ++column) {
      DrawCell(kMargin + column * kPitch, kMargin + row * kPitch,
               cells[static_cast<size_t>(column)], total, canvas);
    }
  }
  return canvas;
}

}  // namespace numeral
