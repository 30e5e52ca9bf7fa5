// cuda/support/matrix_tile.h for the emulator: a lane has half a row of the tile.
#pragma once

#include <type_traits>

#include "tests/emulator/tf32.h"

namespace numeral::cuda {

template <typename T>
class MatrixTile {
 public:
  template <bool kByDepth>
  void MultiplyAdd(const T* a, int a_stride, const T* b, int b_stride) {
    CheckOperand(a, a_stride);
    CheckOperand(b, b_stride);
    __syncwarp();  // fails where a lane does not come
    for (int j = 0; j < kColumns; ++j) {
      for (int d = 0; d < kMatrixTileDepth<T>; ++d) {
        const T left = a[Row() * a_stride + d];
        const int column = FirstColumn() + j;
        const T right = kByDepth ? b[d * b_stride + column] : b[column * b_stride + d];
        sums_[j] += Rounded(left) * Rounded(right);
      }
    }
  }

  void Store(float* to, int stride) const {
    CheckOperand(to, stride);
    __syncwarp();
    for (int j = 0; j < kColumns; ++j) to[Row() * stride + FirstColumn() + j] = sums_[j];
  }

 private:
  static constexpr int kColumns = kMatrixTile / 2;

  static int Lane() { return static_cast<int>(threadIdx.x) % warpSize; }
  static int Row() { return Lane() / 2; }
  static int FirstColumn() { return Lane() % 2 * kColumns; }

  static float Rounded(T value) {
    if constexpr (std::is_same_v<T, float>) {
      return emulator::RoundToTf32(value);
    } else {
      return ToFloat(value);
    }
  }

  template <typename Element>
  static void CheckOperand(const Element* address, int stride) {
    Require(Aligned(32, address) && static_cast<size_t>(stride) * sizeof(Element) % 16 == 0,
            "matrix tile: alignment");
  }

  float sums_[kColumns] = {};
};

}  // namespace numeral::cuda
