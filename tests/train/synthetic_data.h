// The images that the goldens were made with: rings that grow with the digit on a faint texture;
// and the pairs of a latent predictor's. The same formulas in integers stand in the golden files.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "data/dataset.h"
#include "train/latent_pairs.h"

namespace numeral {

inline Dataset SyntheticData(int count, const std::vector<int>& digits) {
  Dataset data;
  data.name = "synthetic";
  for (int i = 0; i < count; ++i) {
    const int label = digits[static_cast<size_t>(i) % digits.size()];
    data.labels.push_back(static_cast<uint8_t>(label));
    const int cx = 9 + i * 5 % 11, cy = 9 + i * 3 % 11;
    for (int y = 0; y < kImageSide; ++y) {
      for (int x = 0; x < kImageSide; ++x) {
        const int ring = std::abs((x - cx) * (x - cx) + (y - cy) * (y - cy) - 5 * label);
        const int value = std::max(0, 224 - 6 * ring) + ((7 * x + 11 * y + 13 * i) & 31);
        data.pixels.push_back(static_cast<uint8_t>(std::min(255, value)));
      }
    }
  }
  return data;
}

inline LatentPairs SyntheticPairs(int count, int size) {
  LatentPairs pairs{size, {}, {}};
  for (int i = 0; i < count; ++i) {
    const int digit = i % 10;
    pairs.digits.push_back(static_cast<uint8_t>(digit));
    for (int j = 0; j < size; ++j) {
      const int value = (7 * i + 11 * j + 3 * digit * j) % 17 - 8;
      pairs.latents.push_back(static_cast<float>(value) / 8);
    }
  }
  return pairs;
}

}  // namespace numeral
