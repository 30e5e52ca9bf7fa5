// Sums and products of two tensors, and sums over pixels: BinaryForward and BinaryBackward.
//
// All arithmetic in float, one rounding where the result is stored. Bound by memory: 16-byte
// accesses where addresses (and, where channels matter, their number) allow it, else single
// elements. Deterministic.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "plan/ops.h"

namespace numeral::cuda {

// y = a op b or y += a op b over [rows][pixels][channels]; with `spread`, b is [rows][channels] and
// stands for every pixel. One thread for a pack, grid-stride, blocks of 256. With `spread` at most
// 2^31 packs.
template <typename T>
struct BinaryArgs {
  BinaryKind kind;
  bool spread;
  const T* a;
  const T* b;
  T* y;
  int64_t rows, pixels, channels;
  GradientMode mode;
};

// y[row][c] = sum over pixels of x[row][pixel][c] * factor[row][pixel][c], or y += that; `factor`
// may be null for 1. One block for a row and up to 32 packs of channels, its up to 256 threads
// split over channels and pixels; summed by each thread in order of pixels, then over threads in a
// tree, in float.
template <typename T>
struct ReducePixelsArgs {
  const T* x;
  const T* factor;
  T* y;
  int64_t rows, pixels, channels;
  GradientMode mode;
};

// T: float or bf16.
template <typename T>
void LaunchBinary(const BinaryArgs<T>& args, cudaStream_t stream);
template <typename T>
void LaunchReducePixels(const ReducePixelsArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
