// Squared distances between all rows of two sets of features, a tile at a time.
//
// Private to neighbours.cpp. The distance of two rows is one sum in the order of the features,
// whatever tile, set or side they are in: d(a, b) and d(b, a) are the same bits. Rows and columns
// beyond the end are computed from copies or zeros and then left out, so that no second code path
// could round differently.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "metrics/features.h"

namespace numeral::distances {

inline constexpr int kTileRows = 6;
inline constexpr int kTileColumns = 16;
inline constexpr int kBlockTiles = 16;  // tiles of rows that share a panel in the first cache

// A set as panels of kTileColumns images: [panel][feature][column], zeros beyond the last image.
class Panels {
 public:
  explicit Panels(const Features& features);
  int64_t count() const { return (images_ + kTileColumns - 1) / kTileColumns; }
  int64_t images() const { return images_; }
  const float* operator[](int64_t panel) const {
    return values_.data() + panel * size_ * kTileColumns;
  }

 private:
  int64_t images_, size_;
  std::vector<float> values_;
};

struct Tile {
  float squared[kTileRows][kTileColumns];
};

// Overwrites `tile` with the distances of rows[..][size] to the columns of a panel.
void ComputeTile(const float* const rows[kTileRows], const float* panel, int size, Tile& tile);

// use(row, first column, squared distances of the row to the columns from there) for every row and
// panel. One thread sees all of a row, with columns in rising order; rows of different blocks run
// at the same time.
template <typename Use>
void ForEachDistance(const Features& rows, const Panels& columns, const Use& use) {
  constexpr int kBlockRows = kTileRows * kBlockTiles;
  const int64_t blocks = (rows.count + kBlockRows - 1) / kBlockRows;
#pragma omp parallel for schedule(dynamic)
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t end = std::min(rows.count, (block + 1) * kBlockRows);
    for (int64_t panel = 0; panel < columns.count(); ++panel) {
      const int64_t column = panel * kTileColumns;
      const auto used =
          static_cast<size_t>(std::min<int64_t>(kTileColumns, columns.images() - column));
      for (int64_t row = block * kBlockRows; row < end; row += kTileRows) {
        const float* inputs[kTileRows];
        for (int i = 0; i < kTileRows; ++i) inputs[i] = rows.Row(std::min(row + i, end - 1));
        Tile tile;
        ComputeTile(inputs, columns[panel], rows.size, tile);
        for (int i = 0; i < kTileRows && row + i < end; ++i) {
          use(row + i, column, std::span<const float>(tile.squared[i], used));
        }
      }
    }
  }
}

}  // namespace numeral::distances
