#include "cuda/kernels/upsample.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/pack_loop.h"
#include "cuda/support/scaling.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

template <typename T, int kElems>
__global__ void upsample_forward_kernel(Scaling scaling, Divisor pixel_packs, int packs,
                                        const T* x, T* __restrict__ y) {
  WaitForEarlierKernels();
  const int64_t channels = int64_t{pixel_packs.value()} * kElems;
  for (int i = PackIndex(); i < packs; i += PackStride()) {
    const Division pack = pixel_packs.Divide(i);
    const auto values = LoadPack<T, kElems>(x + int64_t{i} * kElems);
    T* target = y + scaling.FirstLarge(pack.quotient) * channels + pack.remainder * kElems;
    for (int down = 0; down < scaling.factor; ++down) {
      for (int right = 0; right < scaling.factor; ++right) {
        StorePack(target + (down * scaling.large_width() + right) * channels, values);
      }
    }
  }
}

template <typename T, int kElems>
__global__ void upsample_backward_kernel(Scaling scaling, Divisor pixel_packs, int packs,
                                         const T* grad_y, T* __restrict__ grad_x,
                                         bool accumulate) {
  WaitForEarlierKernels();
  const int64_t channels = int64_t{pixel_packs.value()} * kElems;
  for (int i = PackIndex(); i < packs; i += PackStride()) {
    const Division pack = pixel_packs.Divide(i);
    const T* source =
        grad_y + scaling.FirstLarge(pack.quotient) * channels + pack.remainder * kElems;
    float sums[kElems] = {};
    for (int down = 0; down < scaling.factor; ++down) {
      for (int right = 0; right < scaling.factor; ++right) {
        float grads[kElems];
        LoadFloats<kElems>(source + (down * scaling.large_width() + right) * channels, grads);
        for (int j = 0; j < kElems; ++j) sums[j] += grads[j];
      }
    }
    PutFloats(sums, grad_x + int64_t{i} * kElems, accumulate);
  }
}

}  // namespace

template <typename T>
void LaunchUpsampleForward(const UpsampleForwardArgs<T>& args, cudaStream_t stream) {
  const int64_t elems = args.lines * args.w * args.channels;
  if (elems == 0) return;
  Require(elems > 0 && args.factor > 0, "upsample: sizes");
  Require(args.x != nullptr && args.y != nullptr, "upsample_forward: operands");
  WithPacks<T>(PacksFit<T>(args.channels, args.x, args.y), [&]<int kElems>() {
    Launch("upsample_forward", upsample_forward_kernel<T, kElems>, PackLoop(elems / kElems), stream,
           Scaling{Divisor(args.w), args.factor}, Divisor(args.channels / kElems), elems / kElems,
           args.x, args.y);
  });
}

template <typename T>
void LaunchUpsampleBackward(const UpsampleBackwardArgs<T>& args, cudaStream_t stream) {
  const int64_t elems = args.lines * args.w * args.channels;
  if (elems == 0) return;
  Require(elems > 0 && args.factor > 0, "upsample: sizes");
  Require(args.grad_y != nullptr && args.grad_x != nullptr, "upsample_backward: operands");
  WithPacks<T>(PacksFit<T>(args.channels, args.grad_y, args.grad_x), [&]<int kElems>() {
    Launch("upsample_backward", upsample_backward_kernel<T, kElems>, PackLoop(elems / kElems),
           stream, Scaling{Divisor(args.w), args.factor}, Divisor(args.channels / kElems),
           elems / kElems, args.grad_y, args.grad_x, args.mode == GradientMode::kAccumulate);
  });
}

template void LaunchUpsampleForward(const UpsampleForwardArgs<float>&, cudaStream_t);
template void LaunchUpsampleForward(const UpsampleForwardArgs<bf16>&, cudaStream_t);
template void LaunchUpsampleBackward(const UpsampleBackwardArgs<float>&, cudaStream_t);
template void LaunchUpsampleBackward(const UpsampleBackwardArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
