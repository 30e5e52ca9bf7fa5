// Channels as pixels, and back. NHWC.
//
// Forward: y[n][i][j][c] = x[n][i / f][j / f][c * f * f + (i % f) * f + j % f] with f the factor
// (Shi et al. 2016, in PyTorch's order of channels). Backward: the other way. A pixel of the small
// image is a matrix [channels][f * f] that is transposed on the way.
//
// Bound by memory. With factor 2, where the number of the large image's channels and the addresses
// allow it, one thread moves 4 packs of 16 bytes and transposes them in registers; else one thread
// moves the f * f elements of one channel. Grid-stride, blocks of 256, at most 2^31 threads' work.
// Deterministic.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "plan/ops.h"

namespace numeral::cuda {

// `lines` of `w` pixels are the small image's, over all samples; `channels` the large one's.
template <typename T>
struct PixelShuffleForwardArgs {
  int64_t lines, w, channels;
  int factor;
  const T* x;
  T* y;
};
template <typename T>
struct PixelShuffleBackwardArgs {
  int64_t lines, w, channels;
  int factor;
  const T* grad_y;
  T* grad_x;
  GradientMode mode;
};

// T: float or bf16.
template <typename T>
void LaunchPixelShuffleForward(const PixelShuffleForwardArgs<T>& args, cudaStream_t stream);
template <typename T>
void LaunchPixelShuffleBackward(const PixelShuffleBackwardArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
