#include <cmath>

#include "cuda/kernels/global_max_pool.h"
#include "cuda/support/divide.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/maximum.h"
#include "cuda/support/pack_loop.h"
#include "cuda/support/pixel_columns.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

template <int kElems>
struct Maxima {
  Pack<float, kElems> value;
  Pack<int32_t, kElems> pixel;

  __device__ void Take(int j, float candidate, int at) {
    if (!IsMaximum(candidate, at, value.at[j], pixel.at[j])) return;
    value.at[j] = candidate;
    pixel.at[j] = at;
  }
};

template <typename T, int kElems>
__global__ void global_max_pool_forward_kernel(int pixels, int channels, const T* x,
                                               T* __restrict__ y, int32_t* __restrict__ argmax) {
  WaitForEarlierKernels();
  SIMT_SHARED(Maxima<kElems>, shared, [kColumnThreads]);
  const int channel = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x) * kElems;
  const int64_t row = blockIdx.x;
  Maxima<kElems> maxima;
  for (int j = 0; j < kElems; ++j) {
    maxima.value.at[j] = -INFINITY;
    maxima.pixel.at[j] = INT32_MAX;
  }
  if (channel < channels) {
#pragma unroll 4
    for (int pixel = static_cast<int>(threadIdx.y); pixel < pixels;
         pixel += static_cast<int>(blockDim.y)) {
      float values[kElems];
      LoadFloats<kElems>(x + (row * pixels + pixel) * channels + channel, values);
      for (int j = 0; j < kElems; ++j) maxima.Take(j, values[j], pixel);
    }
  }
  CombinePixels(maxima, shared, [](Maxima<kElems>& a, const Maxima<kElems>& b) {
    for (int j = 0; j < kElems; ++j) a.Take(j, b.value.at[j], b.pixel.at[j]);
  });
  if (threadIdx.y == 0 && channel < channels) {
    const int64_t i = row * channels + channel;
    StoreFloats<kElems>(maxima.value.at, y + i);
    if (argmax != nullptr) StorePack(argmax + i, maxima.pixel);
  }
}

template <typename T, int kElems>
__global__ void global_max_pool_backward_kernel(Divisor pixels, Divisor pixel_packs, int packs,
                                                const T* grad_y,
                                                const int32_t* argmax,
                                                T* __restrict__ grad_x, bool accumulate) {
  WaitForEarlierKernels();
  for (int i = PackIndex(); i < packs; i += PackStride()) {
    const Division pack = pixel_packs.Divide(i), pixel = pixels.Divide(pack.quotient);
    const int64_t from = (int64_t{pixel.quotient} * pixel_packs.value() + pack.remainder) * kElems;
    float grads[kElems];
    LoadFloats<kElems>(grad_y + from, grads);
    const auto winners = LoadPack<int32_t, kElems>(argmax + from);
    for (int j = 0; j < kElems; ++j) {
      if (winners.at[j] != pixel.remainder) grads[j] = 0;
    }
    PutFloats(grads, grad_x + int64_t{i} * kElems, accumulate);
  }
}

// Whether packs fit, those of indices too, which have as many elements.
template <typename T>
bool AllFit(int64_t channels, const T* images, const T* maxima, const int32_t* argmax) {
  return PacksFit<T>(channels, images, maxima) && Aligned(kPackElems<T> * sizeof(int32_t), argmax);
}

}  // namespace

template <typename T>
void LaunchGlobalMaxPoolForward(const GlobalMaxPoolForwardArgs<T>& args, cudaStream_t stream) {
  if (args.rows * args.channels == 0) return;
  Require(args.rows > 0 && args.pixels > 0 && args.channels > 0, "global_max_pool: sizes");
  Require(args.x != nullptr && args.y != nullptr, "global_max_pool_forward: operands");
  WithPacks<T>(AllFit(args.channels, args.x, args.y, args.argmax), [&]<int kElems>() {
    Launch("global_max_pool_forward", global_max_pool_forward_kernel<T, kElems>,
           PixelColumns(args.rows, args.pixels, args.channels / kElems), stream, args.pixels,
           args.channels, args.x, args.y, args.argmax);
  });
}

template <typename T>
void LaunchGlobalMaxPoolBackward(const GlobalMaxPoolBackwardArgs<T>& args, cudaStream_t stream) {
  if (args.rows * args.channels == 0) return;
  Require(args.rows > 0 && args.pixels > 0 && args.channels > 0, "global_max_pool: sizes");
  Require(args.grad_y != nullptr && args.argmax != nullptr && args.grad_x != nullptr,
          "global_max_pool_backward: operands");
  WithPacks<T>(AllFit(args.channels, args.grad_x, args.grad_y, args.argmax), [&]<int kElems>() {
    const int64_t pixel_packs = args.channels / kElems,
                  packs = args.rows * args.pixels * pixel_packs;
    Launch("global_max_pool_backward", global_max_pool_backward_kernel<T, kElems>, PackLoop(packs),
           stream, Divisor(args.pixels), Divisor(pixel_packs), packs, args.grad_y, args.argmax,
           args.grad_x, args.mode == GradientMode::kAccumulate);
  });
}

template void LaunchGlobalMaxPoolForward(const GlobalMaxPoolForwardArgs<float>&, cudaStream_t);
template void LaunchGlobalMaxPoolForward(const GlobalMaxPoolForwardArgs<bf16>&, cudaStream_t);
template void LaunchGlobalMaxPoolBackward(const GlobalMaxPoolBackwardArgs<float>&, cudaStream_t);
template void LaunchGlobalMaxPoolBackward(const GlobalMaxPoolBackwardArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
