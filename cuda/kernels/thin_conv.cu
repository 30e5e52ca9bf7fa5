// Choice of the product by the side that is thin.
#include <algorithm>

#include "cuda/kernels/thin_conv.h"
#include "cuda/kernels/thin_conv_parts.h"

namespace numeral::cuda {
namespace {

// 64 KiB of shared memory: with it, every kernel stays below the 227 KiB of a block.
constexpr int kMaxWeights = 16384;

}  // namespace

bool ThinConvSupports(const ConvGeometry& g) {
  if (std::min({g.n, g.h, g.w, g.c, g.k, g.p, g.q, g.r, g.s, g.stride_h, g.stride_w}) < 1) {
    return false;
  }
  if (g.c != 1 && (g.k != 1 || g.stride_h != 1 || g.stride_w != 1)) return false;
  const thin_conv::Shape shape = thin_conv::MakeShape(g);
  // Taps in groups of 5, channels in packs of up to 8.
  const int64_t weights =
      int64_t{thin_conv::RoundUp(shape.taps(), 5)} * thin_conv::RoundUp(shape.channels, 8);
  return std::max(g.r, g.s) <= thin_conv::kMaxWindow && weights <= kMaxWeights &&
         std::max(shape.plane_columns(), shape.thin_w) <= thin_conv::kMaxPlaneColumns;
}

namespace thin_conv {

Shape MakeShape(const ConvGeometry& g) {
  if (g.c == 1) {
    return {g.n, g.h,        g.w,        g.p,       g.q,        g.k,  g.r,
            g.s, g.stride_h, g.stride_w, g.pad_top, g.pad_left, false};
  }
  return {g.n, g.p, g.q, g.h, g.w, g.c, g.r, g.s, 1, 1, g.r - 1 - g.pad_top, g.s - 1 - g.pad_left,
          true};
}

namespace {

Shape Checked(const ConvGeometry& geometry) {
  Require(ThinConvSupports(geometry), "thin convolution: unsupported geometry");
  return MakeShape(geometry);
}

}  // namespace
}  // namespace thin_conv

template <typename T>
void LaunchThinConvForward(const ThinConvForwardArgs<T>& args, cudaStream_t stream) {
  const thin_conv::Shape shape = thin_conv::Checked(args.geometry);
  const auto launch = shape.reversed ? thin_conv::LaunchToThin<T> : thin_conv::LaunchToWide<T>;
  launch(shape, args.image, args.weight, args.features, args.epilogue, stream);
}

template <typename T>
void LaunchThinConvBackwardData(const ThinConvBackwardDataArgs<T>& args, cudaStream_t stream) {
  const thin_conv::Shape shape = thin_conv::Checked(args.geometry);
  const auto launch = shape.reversed ? thin_conv::LaunchToWide<T> : thin_conv::LaunchToThin<T>;
  launch(shape, args.features, args.weight, args.image, args.epilogue, stream);
}

template <typename T>
void LaunchThinConvBackwardWeight(const ThinConvBackwardWeightArgs<T>& args, cudaStream_t stream) {
  const thin_conv::Shape shape = thin_conv::Checked(args.geometry);
  Require(args.scratch != nullptr, "thin convolution: no scratch");
  const T* thin = shape.reversed ? args.features : args.image;
  const T* wide = shape.reversed ? args.image : args.features;
  thin_conv::LaunchWeight(shape, thin, wide, args.grad_weight, args.mode, args.scratch, stream);
}

size_t ThinConvScratchBytes(const ConvGeometry& geometry) {
  return thin_conv::WeightScratchBytes(thin_conv::Checked(geometry));
}

template void LaunchThinConvForward(const ThinConvForwardArgs<float>&, cudaStream_t);
template void LaunchThinConvForward(const ThinConvForwardArgs<bf16>&, cudaStream_t);
template void LaunchThinConvBackwardData(const ThinConvBackwardDataArgs<float>&, cudaStream_t);
template void LaunchThinConvBackwardData(const ThinConvBackwardDataArgs<bf16>&, cudaStream_t);
template void LaunchThinConvBackwardWeight(const ThinConvBackwardWeightArgs<float>&, cudaStream_t);
template void LaunchThinConvBackwardWeight(const ThinConvBackwardWeightArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
