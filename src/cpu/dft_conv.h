// Convolutions of many channels over small images by way of dft_planes.h: a matrix product for each
// plane instead of one for each tap, several times fewer multiplications.
//
// Owns convolutions whose channels fill vectors on both sides and whose padding is less than the
// kernel; refuses all others. A stride takes the image apart into one for each phase, whose
// channels count as the convolution's. Meaning as in plan/ops.h: every output is overwritten,
// except grad_weight under GradientMode::kAccumulate. Weights are plain and may change between
// runs. T is what activations are stored as, float or Bf16: planes that are multiplied are stored
// so too, and summed in fp32. Weights are fp32.
//
// Planes live in the workspace's scratch: up to max_plane_bytes of weights, and of images with
// features, unless one image or one group of filters needs more. A batch, or filters, whose planes
// would be larger are worked on in parts. Planes of a whole image or whole features are shared with
// other convolutions of the phase (shared_planes.h), so what is made for one workspace runs in the
// order in which it was made. Bits of fp32 depend on sizes only, not on the thread count. A NaN
// spreads to all positions of its image.
#pragma once

#include "cpu/plane_product.h"
#include "cpu/workspace.h"

namespace numeral::cpu {

struct DftOptions {
  int64_t max_plane_bytes = 256 << 20;
  bool own_products = dft::OwnProductsPay();  // of bf16, or the library's
};

bool DftSupports(const ConvGeometry& geometry);
// Whether the convolution is supported and estimated to be faster than the library's.
bool DftPays(ConvDirection direction, const ConvGeometry& geometry, DType type);

// features = conv(image, weight).
template <typename T>
Kernel MakeDftForward(const ConvGeometry& geometry, const T* image, const float* weight,
                      T* features, Workspace& workspace, const DftOptions& options = {});
// image = adjoint of the convolution at `features`.
template <typename T>
Kernel MakeDftBackwardData(const ConvGeometry& geometry, const T* features, const float* weight,
                           T* image, Workspace& workspace, const DftOptions& options = {});
// grad_weight (+)= derivative by the weights of sum(features * conv(image, weight)).
template <typename T>
Kernel MakeDftBackwardWeight(const ConvGeometry& geometry, const T* image, const T* features,
                             float* grad_weight, GradientMode mode, Workspace& workspace,
                             const DftOptions& options = {});

}  // namespace numeral::cpu
