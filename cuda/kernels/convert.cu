#include <algorithm>

#include "cuda/kernels/convert.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/pack_loop.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

template <typename X, typename Y, int kElems>
__global__ void convert_kernel(const X* x, Y* __restrict__ y, int64_t elems,
                               bool accumulate) {
  WaitForEarlierKernels();
  ForEachPack<kElems>(elems, [=]<int kCount>(int64_t i) {
    float values[kCount];
    LoadFloats<kCount>(x + i, values);
    PutFloats(values, y + i, accumulate);
  });
}

}  // namespace

template <typename X, typename Y>
void LaunchConvert(const ConvertArgs<X, Y>& args, cudaStream_t stream) {
  if (args.elems == 0) return;
  Require(args.elems > 0 && args.x != nullptr && args.y != nullptr, "convert: operands");
  constexpr int kElems = std::max(kPackElems<X>, kPackElems<Y>);
  const bool packed = Aligned(16, args.x) && Aligned(16, args.y);
  Launch("convert", packed ? convert_kernel<X, Y, kElems> : convert_kernel<X, Y, 1>,
         ElementLoop(args.elems, packed ? kElems : 1), stream, args.x, args.y, args.elems,
         args.mode == GradientMode::kAccumulate);
}

template void LaunchConvert(const ConvertArgs<float, float>&, cudaStream_t);
template void LaunchConvert(const ConvertArgs<float, bf16>&, cudaStream_t);
template void LaunchConvert(const ConvertArgs<bf16, float>&, cudaStream_t);
template void LaunchConvert(const ConvertArgs<bf16, bf16>&, cudaStream_t);

}  // namespace numeral::cuda
