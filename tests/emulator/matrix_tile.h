// cuda/support/matrix_tile.h for the emulator: a lane has half a row of the sums, and of the
// operands what it needs for that.
#pragma once

#include <type_traits>

#include "tests/emulator/tf32.h"

namespace numeral::cuda {

namespace matrix_tile {

inline constexpr int kLaneColumns = kMatrixTile / 2;
inline int Lane() { return static_cast<int>(threadIdx.x) % warpSize; }
inline int Row() { return Lane() / 2; }
inline int FirstColumn() { return Lane() % 2 * kLaneColumns; }

template <typename T>
float Rounded(T value) {
  if constexpr (std::is_same_v<T, float>) {
    return emulator::RoundToTf32(value);
  } else {
    return ToFloat(value);
  }
}

// All lanes come here with an address and stride that the hardware takes.
template <typename Element>
void Meet(const Element* address, int stride) {
  Require(Aligned(32, address) && static_cast<size_t>(stride) * sizeof(Element) % 16 == 0,
          "matrix tile: alignment");
  __syncwarp();
}

}  // namespace matrix_tile

template <typename T>
struct MatrixRows {
  float values[kMatrixTileDepth<T>];

  void Load(const T* from, int stride) {
    matrix_tile::Meet(from, stride);
    for (int d = 0; d < kMatrixTileDepth<T>; ++d) {
      const T value = from[matrix_tile::Row() * stride + d];
      values[d] = matrix_tile::Rounded(value);
    }
  }
};

template <typename T, bool kByDepth>
struct MatrixColumns {
  float values[kMatrixTileDepth<T>][matrix_tile::kLaneColumns];

  void Load(const T* from, int stride) {
    matrix_tile::Meet(from, stride);
    for (int d = 0; d < kMatrixTileDepth<T>; ++d) {
      for (int j = 0; j < matrix_tile::kLaneColumns; ++j) {
        const int column = matrix_tile::FirstColumn() + j;
        const T value = kByDepth ? from[d * stride + column] : from[column * stride + d];
        values[d][j] = matrix_tile::Rounded(value);
      }
    }
  }
};

template <typename T>
class MatrixSums {
 public:
  template <typename Columns>
  void MultiplyAdd(const MatrixRows<T>& rows, const Columns& columns) {
    __syncwarp();  // fails where a lane does not come
    for (int d = 0; d < kMatrixTileDepth<T>; ++d) {
      for (int j = 0; j < matrix_tile::kLaneColumns; ++j) {
        sums_[j] += rows.values[d] * columns.values[d][j];
      }
    }
  }

  void Store(float* to, int stride) const {
    matrix_tile::Meet(to, stride);
    for (int j = 0; j < matrix_tile::kLaneColumns; ++j) {
      to[matrix_tile::Row() * stride + matrix_tile::FirstColumn() + j] = sums_[j];
    }
  }

 private:
  float sums_[matrix_tile::kLaneColumns] = {};
};

}  // namespace numeral::cuda
