#include "metrics/nearest.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/dataset.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr int64_t kBlock = 16;  // images that meet a training image while it is in the first cache

int32_t SquaredDistance(const uint8_t* a, const uint8_t* b) {
  int32_t sum = 0;
  for (int i = 0; i < kImagePixels; ++i) {
    const int difference = int{a[i]} - int{b[i]};
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

NearestImages FindNearestImages(std::span<const uint8_t> images,
                                std::span<const uint8_t> training) {
  NUMERAL_CHECK(images.size() % kImagePixels == 0 && training.size() % kImagePixels == 0);
  if (training.empty()) BadInput("there is no training image to look for the nearest among");
  const auto count = static_cast<int64_t>(images.size() / kImagePixels);
  const auto candidates = static_cast<int64_t>(training.size() / kImagePixels);

  std::vector<int32_t> least(static_cast<size_t>(count), std::numeric_limits<int32_t>::max());
  NearestImages nearest{std::vector<double>(least.size()), std::vector<int64_t>(least.size())};
#pragma omp parallel for schedule(dynamic)
  for (int64_t block = 0; block < count; block += kBlock) {
    const int64_t end = std::min(count, block + kBlock);
    for (int64_t candidate = 0; candidate < candidates; ++candidate) {
      for (int64_t image = block; image < end; ++image) {
        const int32_t squared = SquaredDistance(images.data() + image * kImagePixels,
                                                training.data() + candidate * kImagePixels);
        if (squared >= least[image]) continue;
        least[image] = squared;
        nearest.index[image] = candidate;
      }
    }
  }
  for (size_t i = 0; i < least.size(); ++i) nearest.distance[i] = std::sqrt(least[i]) / 255;
  return nearest;
}

}  // namespace numeral
