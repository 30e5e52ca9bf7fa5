#include "metrics/distances.h"

#include <algorithm>
#include <cstring>

namespace numeral::distances {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));

// Vectors of columns that a pass works on: the sums of a pass fit 16 registers.
constexpr int kVectors = std::min(2, kTileColumns / kLanes);

Vector Load(const float* from) {
  Vector value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace

Panels::Panels(const Features& features)
    : images_(features.count),
      size_(features.size),
      values_(static_cast<size_t>(count() * size_ * kTileColumns)) {
  for (int64_t image = 0; image < images_; ++image) {
    float* column = values_.data() + image / kTileColumns * size_ * kTileColumns;
    column += image % kTileColumns;
    for (int64_t i = 0; i < size_; ++i) column[i * kTileColumns] = features.Row(image)[i];
  }
}

// Register blocks are local arrays: they stay in registers only where every loop over them is
// unrolled.
void ComputeTile(const float* const rows[kTileRows], const float* panel, int size, Tile& tile) {
  for (int first = 0; first < kTileColumns; first += kVectors * kLanes) {
    Vector sums[kTileRows][kVectors] = {};
    for (int feature = 0; feature < size; ++feature) {
      Vector columns[kVectors];
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) {
        columns[j] = Load(panel + int64_t{feature} * kTileColumns + first + j * kLanes);
      }
#pragma GCC unroll 8
      for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; ++j) {
          const Vector difference = columns[j] - rows[i][feature];
          sums[i][j] += difference * difference;
        }
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) {
        std::memcpy(tile.squared[i] + first + j * kLanes, &sums[i][j], sizeof(Vector));
      }
    }
  }
}

}  // namespace numeral::distances
