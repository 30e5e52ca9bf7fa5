#include "render/number.h"

#include <algorithm>
#include <vector>

#include "data/dataset.h"
#include "util/error.h"
#include "util/random.h"

namespace numeral {
namespace {

constexpr int kMargin = 4;  // around the strip, scaled with it
// A grey that is ink and not the noise that some generators leave on the ground.
constexpr uint8_t kInkThreshold = 64;

// Pixels between the digits before and behind gap `i` of `gaps`.
int Gap(const NumberLayout& layout, size_t i, size_t gaps) {
  const auto choices = static_cast<uint32_t>(layout.max_spacing - layout.min_spacing + 1);
  const uint32_t bits = DrawBits(layout.seed, StreamId("number/spacing"), 0, i);
  const bool thousands = (gaps - i) % 3 == 0;
  return layout.min_spacing + static_cast<int>(ChoiceFromBits(bits, choices)) +
         (thousands ? layout.thousands_spacing : 0);
}

void CopyColumns(std::span<const uint8_t> image, InkColumns ink, int left, int scale,
                 GreyImage& canvas) {
  for (int y = 0; y < kImageSide * scale; ++y) {
    for (int x = 0; x < (ink.right - ink.left) * scale; ++x) {
      canvas.At(left + x, kMargin * scale + y) =
          image[static_cast<size_t>(y / scale * kImageSide + ink.left + x / scale)];
    }
  }
}

}  // namespace

InkColumns FindInk(std::span<const uint8_t> image) {
  NUMERAL_CHECK(image.size() == kImagePixels);
  InkColumns ink{kImageSide, 0};
  for (int i = 0; i < kImagePixels; ++i) {
    if (image[static_cast<size_t>(i)] < kInkThreshold) continue;
    ink.left = std::min(ink.left, i % kImageSide);
    ink.right = std::max(ink.right, i % kImageSide + 1);
  }
  return ink.left < ink.right ? ink : InkColumns{0, kImageSide};
}

GreyImage DrawNumber(std::span<const uint8_t> digits, const NumberLayout& layout) {
  NUMERAL_CHECK(!digits.empty() && digits.size() % kImagePixels == 0);
  NUMERAL_CHECK(layout.min_spacing >= 0 && layout.min_spacing <= layout.max_spacing);
  NUMERAL_CHECK(layout.thousands_spacing >= 0 && layout.scale > 0);
  const size_t count = digits.size() / kImagePixels;
  std::vector<InkColumns> inks;
  std::vector<int64_t> lefts;
  int64_t width = kMargin;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) width += Gap(layout, i - 1, count - 1);
    inks.push_back(FindInk(digits.subspan(i * kImagePixels, kImagePixels)));
    lefts.push_back(width);
    width += inks[i].right - inks[i].left;
  }
  width = (width + kMargin) * layout.scale;
  if (width > kLongestSide || int64_t{kImageSide + 2 * kMargin} * layout.scale > kLongestSide) {
    BadInput(
        "a number of {} digits makes a picture {} pixels wide, beyond {}: take fewer digits "
        "or a smaller --scale",
        count, width, kLongestSide);
  }
  GreyImage canvas{static_cast<int>(width), (kImageSide + 2 * kMargin) * layout.scale, {}};
  canvas.pixels.assign(static_cast<size_t>(canvas.width) * static_cast<size_t>(canvas.height), 0);
  for (size_t i = 0; i < count; ++i) {
    CopyColumns(digits.subspan(i * kImagePixels, kImagePixels), inks[i],
                static_cast<int>(lefts[i]) * layout.scale, layout.scale, canvas);
  }
  return canvas;
}

}  // namespace numeral
