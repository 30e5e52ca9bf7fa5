#include "cuda/kernels/binary.h"
#include "cuda/support/divide.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/pack_loop.h"
#include "cuda/support/pixel_columns.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

// a = a op b.
template <int kElems>
__device__ void Combine(BinaryKind kind, const float (&b)[kElems], float (&a)[kElems]) {
  for (int j = 0; j < kElems; ++j) a[j] = kind == BinaryKind::kAdd ? a[j] + b[j] : a[j] * b[j];
}

template <int kElems, typename T>
__device__ void CombinePacks(BinaryKind kind, const T* a, const T* b, T* y, bool accumulate) {
  float values[kElems], operand[kElems];
  LoadFloats<kElems>(a, values);
  LoadFloats<kElems>(b, operand);
  Combine(kind, operand, values);
  PutFloats(values, y, accumulate);
}

template <typename T, int kElems>
__global__ void binary_kernel(BinaryKind kind, const T* a, const T* b,
                              T* __restrict__ y, int64_t elems, bool accumulate) {
  WaitForEarlierKernels();
  ForEachPack<kElems>(elems, [=]<int kCount>(int64_t i) {
    CombinePacks<kCount>(kind, a + i, b + i, y + i, accumulate);
  });
}

// `row_packs` are those of an image, `pixel_packs` those of a pixel.
template <typename T, int kElems>
__global__ void binary_spread_kernel(BinaryKind kind, const T* a,
                                     const T* b, T* __restrict__ y, int packs,
                                     Divisor row_packs, Divisor pixel_packs, bool accumulate) {
  WaitForEarlierKernels();
  for (int i = PackIndex(); i < packs; i += PackStride()) {
    const Division row = row_packs.Divide(i);
    const int channel_pack = pixel_packs.Divide(row.remainder).remainder;
    const int64_t from = int64_t{row.quotient} * pixel_packs.value() + channel_pack;
    const int64_t to = int64_t{i} * kElems;
    CombinePacks<kElems>(kind, a + to, b + from * kElems, y + to, accumulate);
  }
}

template <typename T, int kElems>
__global__ void reduce_pixels_kernel(const T* x, const T* factor,
                                     T* __restrict__ y, int pixels, int channels, bool accumulate) {
  WaitForEarlierKernels();
  using Sums = Pack<float, kElems>;
  SIMT_SHARED(Sums, shared, [kColumnThreads]);
  const int channel = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x) * kElems;
  const int64_t row = blockIdx.x;
  Sums sums = {};
  if (channel < channels) {
#pragma unroll 4
    for (int pixel = static_cast<int>(threadIdx.y); pixel < pixels;
         pixel += static_cast<int>(blockDim.y)) {
      const int64_t i = (row * pixels + pixel) * channels + channel;
      float terms[kElems], factors[kElems];
      LoadFloats<kElems>(x + i, terms);
      if (factor != nullptr) {
        LoadFloats<kElems>(factor + i, factors);
        Combine(BinaryKind::kMultiply, factors, terms);
      }
      Combine(BinaryKind::kAdd, terms, sums.at);
    }
  }
  CombinePixels(sums, shared,
                [](Sums& a, const Sums& b) { Combine(BinaryKind::kAdd, b.at, a.at); });
  if (threadIdx.y == 0 && channel < channels) {
    PutFloats(sums.at, y + row * channels + channel, accumulate);
  }
}

}  // namespace

template <typename T>
void LaunchBinary(const BinaryArgs<T>& args, cudaStream_t stream) {
  const int64_t elems = args.rows * args.pixels * args.channels;
  if (elems == 0) return;
  Require(elems > 0 && args.a != nullptr && args.b != nullptr && args.y != nullptr,
          "binary: operands");
  const bool accumulate = args.mode == GradientMode::kAccumulate;
  const bool packed = args.spread ? PacksFit<T>(args.channels, args.a, args.b, args.y)
                                  : Aligned(16, args.a, args.b, args.y);
  WithPacks<T>(packed, [&]<int kElems>() {
    if (!args.spread) {
      Launch("binary", binary_kernel<T, kElems>, ElementLoop(elems, kElems), stream, args.kind,
             args.a, args.b, args.y, elems, accumulate);
      return;
    }
    const int64_t packs = elems / kElems, pixel_packs = args.channels / kElems;
    Launch("binary_spread", binary_spread_kernel<T, kElems>, PackLoop(packs), stream, args.kind,
           args.a, args.b, args.y, packs, Divisor(args.pixels * pixel_packs), Divisor(pixel_packs),
           accumulate);
  });
}

template <typename T>
void LaunchReducePixels(const ReducePixelsArgs<T>& args, cudaStream_t stream) {
  if (args.rows * args.channels == 0) return;
  Require(args.rows > 0 && args.pixels > 0 && args.channels > 0, "reduce_pixels: sizes");
  Require(args.x != nullptr && args.y != nullptr, "reduce_pixels: operands");
  WithPacks<T>(PacksFit<T>(args.channels, args.x, args.factor, args.y), [&]<int kElems>() {
    Launch("reduce_pixels", reduce_pixels_kernel<T, kElems>,
           PixelColumns(args.rows, args.pixels, args.channels / kElems), stream, args.x,
           args.factor, args.y, args.pixels, args.channels, args.mode == GradientMode::kAccumulate);
  });
}

template void LaunchBinary(const BinaryArgs<float>&, cudaStream_t);
template void LaunchBinary(const BinaryArgs<bf16>&, cudaStream_t);
template void LaunchReducePixels(const ReducePixelsArgs<float>&, cudaStream_t);
template void LaunchReducePixels(const ReducePixelsArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
