#include "cuda/kernels/convert.h"
#include "cuda/support/simt.h"
#include "cuda/support/vector.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kElems = 4;  // of a thread: 16 bytes of fp32, 8 of bf16

template <bool kAdd, typename X, typename Y>
__device__ void Put(X x, Y& y) {
  y = FromFloat<Y>(kAdd ? ToFloat(y) + ToFloat(x) : ToFloat(x));
}

template <typename X, typename Y, bool kPacked, bool kAdd>
__global__ void convert_kernel(const X* __restrict__ x, Y* __restrict__ y, int64_t elems) {
  const int64_t thread = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const int64_t stride = int64_t{gridDim.x} * blockDim.x * kElems;
  for (int64_t i = thread * kElems; i < elems; i += stride) {
    if (kPacked && i + kElems <= elems) {
      const Pack<X, kElems> in = LoadPack<X, kElems>(x + i);
      Pack<Y, kElems> out;
      if constexpr (kAdd) out = LoadPack<Y, kElems>(y + i);
      for (int j = 0; j < kElems; ++j) Put<kAdd>(in.at[j], out.at[j]);
      StorePack(y + i, out);
    } else {
      for (int64_t j = i; j < i + kElems && j < elems; ++j) Put<kAdd>(x[j], y[j]);
    }
  }
}

}  // namespace

template <typename X, typename Y>
void LaunchConvert(const ConvertArgs<X, Y>& args, cudaStream_t stream) {
  if (args.elems == 0) return;
  Require(args.elems > 0 && args.x != nullptr && args.y != nullptr, "convert: operands");
  const bool packed = Aligned(kElems * sizeof(X), args.x) && Aligned(kElems * sizeof(Y), args.y);
  const LaunchShape shape{BlocksFor((args.elems + kElems - 1) / kElems, kThreads), kThreads};
  const bool add = args.mode == GradientMode::kAccumulate;
  const auto kernel =
      packed ? (add ? convert_kernel<X, Y, true, true> : convert_kernel<X, Y, true, false>)
             : (add ? convert_kernel<X, Y, false, true> : convert_kernel<X, Y, false, false>);
  Launch("convert", kernel, shape, stream, args.x, args.y, args.elems);
}

template void LaunchConvert(const ConvertArgs<float, float>&, cudaStream_t);
template void LaunchConvert(const ConvertArgs<float, bf16>&, cudaStream_t);
template void LaunchConvert(const ConvertArgs<bf16, float>&, cudaStream_t);
template void LaunchConvert(const ConvertArgs<bf16, bf16>&, cudaStream_t);

}  // namespace numeral::cuda
