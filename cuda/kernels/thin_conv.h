// Convolutions with a single channel on one side (images in or out), on which the tiles of a
// general library, made for many channels, are mostly wasted.
//
// Owns c == 1 with any stride, and k == 1 with stride 1; refuses all others: callers ask
// ThinConvSupports first. Meaning as in plan/ops.h, without bias and activation, which may follow
// as an epilogue of what is stored. Called by the engine's convolution ops.
//
// Both kinds are the same thing seen from two ends (as in the CPU engine): a "thin" plane of one
// channel and a "wide" tensor of many, with
//   wide[p][q][ch] = sum over taps (r, s) of
//       thin[p * stride_h + r - pad_top][q * stride_w + s - pad_left] * weight(tap, ch).
// For k == 1 the features are thin, the image is wide, the taps are in reverse and the padding is
// its complement r - 1 - pad, which may be negative. Three kernels carry out all six passes:
//   to wide (thin_conv_to_wide.cu)  forward of c == 1, backward data of k == 1
//   to thin (thin_conv_to_thin.cu)  backward data of c == 1, forward of k == 1
//   weight  (thin_conv_weight.cu)   backward weight of both
//
// Cost, with M = n * wide_h * wide_w: M * channels * taps multiply-adds in each, and one pass over
// the wide tensor, M * channels * sizeof(T) bytes; the thin planes and the weights are small next
// to it. For 512 x 14x14x64 in bf16 and 5x5 taps that is 161 M multiply-adds, 5.4 us of an H200's
// fp32 units at their peak, and 12.8 MB, 2.7 us of its memory. Multiply-adds are the bound, closely
// followed by shared memory, so that every kernel blocks in registers: a value read from shared
// memory is used 5 to 8 times. Tensor cores would need 25 taps padded to 32 and an im2col.
//
// Geometry. Blocks of 256 threads; a block has one image, or a band of its rows where images are
// few. What a thread holds in registers:
//   to wide: 8 pixels x one 16-byte pack of channels. Weights and padded plane in shared memory;
//            stores are whole packs, neighbouring threads write neighbouring packs.
//   to thin: 4 pixels x 5 taps. A chunk of wide pixels passes through shared memory, its products
//            with all taps come back to it, and every thin pixel gathers its own, tap by tap.
//   weight:  5 taps x one pack of channels, over a share of the pixels. The sums of a block's
//            threads meet in shared memory, those of blocks in scratch, and a second kernel adds
//            them.
// Packs are used where channels are a multiple of a pack and addresses of 16, else single elements.
//
// Numerics: fp32 products and sums, one rounding to T, behind the epilogue; weights are the fp32
// ones in every mode. Deterministic: the order of every sum depends on the geometry alone.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "cuda/kernels/bias_act.h"
#include "plan/ops.h"

namespace numeral::cuda {

bool ThinConvSupports(const ConvGeometry& geometry);

// features = epilogue(conv(image, weight)). T is the storage of activations: float or bf16.
template <typename T>
struct ThinConvForwardArgs {
  ConvGeometry geometry;
  const T* image;
  const float* weight;
  T* features;
  BiasActEpilogue<T> epilogue = {};
};
template <typename T>
void LaunchThinConvForward(const ThinConvForwardArgs<T>& args, cudaStream_t stream);

// image = epilogue(adjoint of the convolution at `features`).
template <typename T>
struct ThinConvBackwardDataArgs {
  ConvGeometry geometry;
  const T* features;
  const float* weight;
  T* image;
  BiasActEpilogue<T> epilogue = {};
};
template <typename T>
void LaunchThinConvBackwardData(const ThinConvBackwardDataArgs<T>& args, cudaStream_t stream);

// grad_weight (+)= derivative by the weights of sum(features * conv(image, weight)).
template <typename T>
struct ThinConvBackwardWeightArgs {
  ConvGeometry geometry;
  const T* image;
  const T* features;
  float* grad_weight;
  GradientMode mode;
  float* scratch;  // ThinConvScratchBytes, valid during the launch
};
template <typename T>
void LaunchThinConvBackwardWeight(const ThinConvBackwardWeightArgs<T>& args, cudaStream_t stream);
size_t ThinConvScratchBytes(const ConvGeometry& geometry);

}  // namespace numeral::cuda
