#include "metrics/features.h"

#include <algorithm>
#include <cmath>

#include "util/error.h"

namespace numeral {

void CheckFeatures(const Features& features, std::string_view name) {
  NUMERAL_CHECK(features.count >= 0 && features.size > 0);
  NUMERAL_CHECK(static_cast<int64_t>(features.values.size()) == features.count * features.size);
  const auto broken = std::find_if(features.values.begin(), features.values.end(),
                                   [](float value) { return !std::isfinite(value); });
  if (broken != features.values.end()) {
    const int64_t place = broken - features.values.begin();
    BadInput(
        "feature {} of image {} of the {} images is {}, not a finite number: the classifier that "
        "judges them gives no usable features, take another one",
        place % features.size, place / features.size, name, *broken);
  }
}

void CheckSameSize(int real_size, int generated_size) {
  if (real_size != generated_size) {
    BadInput(
        "real images with {} features cannot be compared with generated ones with {}: take the "
        "features of both from the same classifier",
        real_size, generated_size);
  }
}

}  // namespace numeral
