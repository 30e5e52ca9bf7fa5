#include "data/pixels.h"

#include <algorithm>
#include <cmath>

#include "data/dataset.h"
#include "util/error.h"

namespace numeral {

std::vector<uint8_t> ToPixels(std::span<const float> values, double low, double high) {
  NUMERAL_CHECK(low < high && values.size() % kImagePixels == 0);
  std::vector<uint8_t> pixels(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      Fail("image {} cannot be drawn: its pixel in row {}, column {} is {}", i / kImagePixels,
           i % kImagePixels / kImageSide, i % kImageSide, values[i]);
    }
    const double share = (double{values[i]} - low) / (high - low);
    pixels[i] = static_cast<uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)));
  }
  return pixels;
}

}  // namespace numeral
