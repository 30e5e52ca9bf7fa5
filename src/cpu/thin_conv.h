// Convolutions with a single channel on one side (images in or out), where a general library wastes
// its vectors.
//
// Owns convolutions of c == 1, and of k == 1 with stride 1; refuses all others, the callers
// ask ThinSupports first. Meaning as in plan/ops.h: activations are NHWC and every output is
// overwritten, except grad_weight under GradientMode::kAccumulate. Weights are plain [k][r][s][c]
// and may change between runs: every run packs its own copy. Buffers are allocated when a kernel is
// made; a run uses at most the threads that OpenMP offered then. Bits depend on sizes only, not on
// the thread count. T is what activations are stored as, float or Bf16; weights are fp32 and so is
// all arithmetic.
#pragma once

#include "cpu/binding.h"

namespace numeral::cpu {

bool ThinSupports(const ConvGeometry& geometry);

// features = act(conv(image, weight) + bias); `bias` [k] may be null.
template <typename T>
Kernel MakeThinForward(const ConvGeometry& geometry, const T* image, const float* weight,
                       const float* bias, const Activation& activation, T* features);
// image = adjoint of the convolution at `features`.
template <typename T>
Kernel MakeThinBackwardData(const ConvGeometry& geometry, const T* features, const float* weight,
                            T* image);
// grad_weight (+)= derivative by the weights of sum(features * conv(image, weight)).
template <typename T>
Kernel MakeThinBackwardWeight(const ConvGeometry& geometry, const T* image, const T* features,
                              float* grad_weight, GradientMode mode);

}  // namespace numeral::cpu
