// Tensors joined along channels, and the gradient of one of them. NHWC.
//
// Forward: y[pixel] = the channels of all parts, one after the other; all parts in one launch.
// Backward: the channels from `first_channel` on of every pixel of grad_y. Bound by memory: one
// thread for 16 bytes of the result along channels where the channels of all parts and all
// addresses allow it, else for one element; grid-stride, blocks of 256, at most 2^31 packs.
// Deterministic.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "plan/ops.h"

namespace numeral::cuda {

inline constexpr int kMaxConcatParts = 16;

template <typename T>
struct ConcatPart {
  const T* x;
  int64_t channels;
};

// `pixels` are those of all samples; `y` has the channels of all parts.
template <typename T>
struct ConcatForwardArgs {
  ConcatPart<T> parts[kMaxConcatParts];
  int part_count;
  int64_t pixels;
  T* y;
};
template <typename T>
struct ConcatBackwardArgs {
  int64_t pixels;
  int64_t channels;        // of grad_x
  int64_t total_channels;  // of grad_y
  int64_t first_channel;
  const T* grad_y;
  T* grad_x;
  GradientMode mode;
};

// T: float or bf16.
template <typename T>
void LaunchConcatForward(const ConcatForwardArgs<T>& args, cudaStream_t stream);
template <typename T>
void LaunchConcatBackward(const ConcatBackwardArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
