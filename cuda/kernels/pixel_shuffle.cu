#include "cuda/kernels/pixel_shuffle.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/pack_loop.h"
#include "cuda/support/scaling.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

constexpr int kArea = 4;  // of the packed kernels' factor, 2

// What a thread moves: `small` is the first element of its channels in the small image, `large` in
// the first of the large image's pixels.
struct Offsets {
  int64_t small, large;
};
template <int kElems>
__device__ Offsets OffsetsOf(int i, const Scaling& scaling, const Divisor& pixel_packs) {
  const Division pack = pixel_packs.Divide(i);
  const int64_t first = scaling.FirstLarge(pack.quotient) * pixel_packs.value() + pack.remainder;
  return {int64_t{i} * kElems * scaling.factor * scaling.factor, first * kElems};
}

// The element of the large image at `place`, row-major, of those that belong to a small pixel.
__device__ int64_t LargeOffset(int place, const Scaling& scaling, int64_t channels) {
  const int down = place / scaling.factor, right = place - down * scaling.factor;
  return (int64_t{down} * scaling.large_width() + right) * channels;
}

template <typename T, int kElems>
__global__ void pixel_shuffle_forward_kernel(Scaling scaling, Divisor pixel_packs, int packs,
                                             const T* x, T* __restrict__ y) {
  WaitForEarlierKernels();
  const int64_t channels = int64_t{pixel_packs.value()} * kElems;
  for (int i = PackIndex(); i < packs; i += PackStride()) {
    const Offsets offsets = OffsetsOf<kElems>(i, scaling, pixel_packs);
    const T* source = x + offsets.small;
    T* target = y + offsets.large;
    if constexpr (kElems == 1) {
      for (int place = 0; place < scaling.factor * scaling.factor; ++place) {
        target[LargeOffset(place, scaling, channels)] = source[place];
      }
    } else {
      Pack<T, kElems> small[kArea];
      for (int k = 0; k < kArea; ++k) small[k] = LoadPack<T, kElems>(source + k * kElems);
      for (int place = 0; place < kArea; ++place) {
        Pack<T, kElems> large;
        for (int j = 0; j < kElems; ++j) {
          const int element = j * kArea + place;
          large.at[j] = small[element / kElems].at[element % kElems];
        }
        StorePack(target + LargeOffset(place, scaling, channels), large);
      }
    }
  }
}

template <typename T, int kElems>
__global__ void pixel_shuffle_backward_kernel(Scaling scaling, Divisor pixel_packs, int packs,
                                              const T* grad_y, T* __restrict__ grad_x,
                                              bool accumulate) {
  WaitForEarlierKernels();
  const int64_t channels = int64_t{pixel_packs.value()} * kElems;
  for (int i = PackIndex(); i < packs; i += PackStride()) {
    const Offsets offsets = OffsetsOf<kElems>(i, scaling, pixel_packs);
    const T* source = grad_y + offsets.large;
    T* target = grad_x + offsets.small;
    if constexpr (kElems == 1) {
      for (int place = 0; place < scaling.factor * scaling.factor; ++place) {
        float value[1];
        LoadFloats<1>(source + LargeOffset(place, scaling, channels), value);
        PutFloats(value, target + place, accumulate);
      }
    } else {
      float small[kArea][kElems];
      for (int place = 0; place < kArea; ++place) {
        float large[kElems];
        LoadFloats<kElems>(source + LargeOffset(place, scaling, channels), large);
        for (int j = 0; j < kElems; ++j) {
          const int element = j * kArea + place;
          small[element / kElems][element % kElems] = large[j];
        }
      }
      for (int k = 0; k < kArea; ++k) PutFloats(small[k], target + k * kElems, accumulate);
    }
  }
}

}  // namespace

template <typename T>
void LaunchPixelShuffleForward(const PixelShuffleForwardArgs<T>& args, cudaStream_t stream) {
  const int64_t elems = args.lines * args.w * args.channels;
  if (elems == 0) return;
  Require(elems > 0 && args.factor > 0, "pixel_shuffle: sizes");
  Require(args.x != nullptr && args.y != nullptr, "pixel_shuffle_forward: operands");
  const bool packed = args.factor == 2 && PacksFit<T>(args.channels, args.x, args.y);
  WithPacks<T>(packed, [&]<int kElems>() {
    Launch("pixel_shuffle_forward", pixel_shuffle_forward_kernel<T, kElems>,
           PackLoop(elems / kElems), stream, Scaling{Divisor(args.w), args.factor},
           Divisor(args.channels / kElems), elems / kElems, args.x, args.y);
  });
}

template <typename T>
void LaunchPixelShuffleBackward(const PixelShuffleBackwardArgs<T>& args, cudaStream_t stream) {
  const int64_t elems = args.lines * args.w * args.channels;
  if (elems == 0) return;
  Require(elems > 0 && args.factor > 0, "pixel_shuffle: sizes");
  Require(args.grad_y != nullptr && args.grad_x != nullptr, "pixel_shuffle_backward: operands");
  const bool packed = args.factor == 2 && PacksFit<T>(args.channels, args.grad_y, args.grad_x);
  WithPacks<T>(packed, [&]<int kElems>() {
    Launch("pixel_shuffle_backward", pixel_shuffle_backward_kernel<T, kElems>,
           PackLoop(elems / kElems), stream, Scaling{Divisor(args.w), args.factor},
           Divisor(args.channels / kElems), elems / kElems, args.grad_y, args.grad_x,
           args.mode == GradientMode::kAccumulate);
  });
}

template void LaunchPixelShuffleForward(const PixelShuffleForwardArgs<float>&, cudaStream_t);
template void LaunchPixelShuffleForward(const PixelShuffleForwardArgs<bf16>&, cudaStream_t);
template void LaunchPixelShuffleBackward(const PixelShuffleBackwardArgs<float>&, cudaStream_t);
template void LaunchPixelShuffleBackward(const PixelShuffleBackwardArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
