// How a stride takes a convolution apart into convolutions of stride 1, for dft_conv.cpp: one for
// each of its phases, whose channels count as one convolution's.
#pragma once

#include <algorithm>

#include "cpu/dft_planes.h"

namespace numeral::cpu::dft {

// Rows or columns of a convolution, taken apart by its stride: tap t meets the image at
// stride * (o + u) + phase, where t - pad = stride * u + phase.
struct Axis {
  int image, kernel, features, stride, pad;

  int FirstShift() const { return -((pad + stride - 1) / stride); }
  int LastShift() const { return (kernel - 1 - pad + kernel * stride) / stride - kernel; }
  Span PhaseSpan() const {
    return {PhaseImage(0), LastShift() - FirstShift() + 1, features, -FirstShift()};
  }
  int PhaseImage(int phase) const { return (image - phase + stride - 1) / stride; }
  // How many products there are, which are those of taps on the image.
  int64_t TapCount() const {
    int64_t count = 0;
    for (int o = 0; o < features; ++o) {
      const int first = o * stride - pad;
      count += std::max(0, std::min(kernel, image - first) - std::max(0, -first));
    }
    return count;
  }
};

// Some positions of a phase, and where the first of them lies in the whole.
struct Positions {
  int first, count, origin;
};
inline Positions ImagePositions(const Axis& axis, int phase) {
  return {0, std::max(0, axis.PhaseImage(phase)), phase};
}
inline Positions KernelPositions(const Axis& axis, int phase) {
  int first = 0, tap = axis.stride * axis.FirstShift() + phase + axis.pad;
  for (; tap < 0; tap += axis.stride) ++first;
  return {first, tap < axis.kernel ? (axis.kernel - 1 - tap) / axis.stride + 1 : 0, tap};
}

// The positions that belong to some neighbouring channels of the planes.
struct Place {
  Window window;
  int64_t offset;  // of the window's first pixel
};

struct Grid {
  int rows, columns, channels;
  int64_t elems() const { return int64_t{rows} * columns * channels; }
};

inline Place PlaceOf(const Grid& grid, const Positions& rows, const Positions& columns,
                     int row_stride, int column_stride) {
  const int64_t row_elems = int64_t{grid.columns} * grid.channels;
  return {{rows.first, rows.count, columns.first, columns.count, row_stride * row_elems,
           int64_t{column_stride} * grid.channels},
          rows.origin * row_elems + int64_t{columns.origin} * grid.channels};
}

}  // namespace numeral::cpu::dft
