#include <cmath>

#include "cuda/kernels/max_pool.h"
#include "cuda/support/divide.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/maximum.h"
#include "cuda/support/pack_loop.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

struct Range {
  int begin, end;
};

// The pixels, in one direction, of the window at `index`.
__device__ Range WindowPixels(int index, int stride, int pad, int size, int pixels) {
  const int first = index * stride - pad;
  return {max(first, 0), min(first + size, pixels)};
}

// The windows, in one direction, that cover `pixel`.
__device__ Range CoveringWindows(int pixel, const Divisor& stride, int pad, int size, int windows) {
  const int last = pixel + pad, before_first = last - size;
  return {before_first < 0 ? 0 : stride.Quotient(before_first) + 1,
          min(stride.Quotient(last) + 1, windows)};
}

// A place in images of height() x width() pixels, and packs of channels.
struct Place {
  int image, row, column, channel_pack;
};
struct Places {
  Divisor height, width, packs;
  __device__ Place At(int i) const {
    const Division pixel = packs.Divide(i), line = width.Divide(pixel.quotient),
                   image = height.Divide(line.quotient);
    return {image.quotient, image.remainder, line.remainder, pixel.remainder};
  }
};

// `windows` are the places of the result.
template <typename T, int kElems>
__global__ void max_pool_forward_kernel(PoolGeometry window, int h, int w, Places windows,
                                        int packs, const T* x, T* __restrict__ y,
                                        int32_t* __restrict__ argmax) {
  WaitForEarlierKernels();
  for (int i = PackIndex(); i < packs; i += PackStride()) {
    const Place place = windows.At(i);
    const int channels = windows.packs.value() * kElems;
    const T* image =
        x + int64_t{place.image} * h * w * channels + int64_t{place.channel_pack} * kElems;
    const Range rows = WindowPixels(place.row, window.stride_h, window.pad_top, window.r, h);
    const Range columns = WindowPixels(place.column, window.stride_w, window.pad_left, window.s, w);
    float best[kElems];
    Pack<int32_t, kElems> winner;
    for (int j = 0; j < kElems; ++j) {
      best[j] = -INFINITY;
      winner.at[j] = INT32_MAX;
    }
    for (int row = rows.begin; row < rows.end; ++row) {
      for (int column = columns.begin; column < columns.end; ++column) {
        const int pixel = row * w + column;
        float values[kElems];
        LoadFloats<kElems>(image + int64_t{pixel} * channels, values);
        for (int j = 0; j < kElems; ++j) {
          const bool wins = IsMaximum(values[j], pixel, best[j], winner.at[j]);
          best[j] = wins ? values[j] : best[j];
          winner.at[j] = wins ? pixel : winner.at[j];
        }
      }
    }
    StoreFloats<kElems>(best, y + int64_t{i} * kElems);
    if (argmax != nullptr) StorePack(argmax + int64_t{i} * kElems, winner);
  }
}

// `pixels` are the places of the image, p x q its windows.
template <typename T, int kElems>
__global__ void max_pool_backward_kernel(PoolGeometry window, Divisor stride_h, Divisor stride_w,
                                         int p, int q, Places pixels, int packs,
                                         const T* grad_y,
                                         const int32_t* argmax, T* __restrict__ grad_x,
                                         bool accumulate) {
  WaitForEarlierKernels();
  for (int i = PackIndex(); i < packs; i += PackStride()) {
    const Place place = pixels.At(i);
    const int channels = pixels.packs.value() * kElems;
    const int pixel = place.row * pixels.width.value() + place.column;
    const Range rows = CoveringWindows(place.row, stride_h, window.pad_top, window.r, p);
    const Range columns = CoveringWindows(place.column, stride_w, window.pad_left, window.s, q);
    float sums[kElems] = {};
    for (int row = rows.begin; row < rows.end; ++row) {
      for (int column = columns.begin; column < columns.end; ++column) {
        const int64_t from = (int64_t{place.image} * p * q + row * q + column) * channels +
                             place.channel_pack * kElems;
        const auto winners = LoadPack<int32_t, kElems>(argmax + from);
        float grads[kElems];
        LoadFloats<kElems>(grad_y + from, grads);
        for (int j = 0; j < kElems; ++j) {
          sums[j] += winners.at[j] == pixel ? grads[j] : 0.0f;
        }
      }
    }
    PutFloats(sums, grad_x + int64_t{i} * kElems, accumulate);
  }
}

void Check(const PoolSizes& sizes) {
  const PoolGeometry& window = sizes.window;
  Require(sizes.h > 0 && sizes.w > 0 && sizes.p > 0 && sizes.q > 0, "max_pool: sizes");
  Require(sizes.h * sizes.w <= INT32_MAX && sizes.c <= INT32_MAX, "max_pool: too large");
  Require(window.pad_top < window.r && window.pad_left < window.s &&
              (sizes.p - 1) * window.stride_h - window.pad_top < sizes.h &&
              (sizes.q - 1) * window.stride_w - window.pad_left < sizes.w,
          "max_pool: a window of padding alone");
}

// Indices are read and written as packs of as many elements.
template <typename T>
bool IndicesFit(const int32_t* argmax) {
  return Aligned(kPackElems<T> * sizeof(int32_t), argmax);
}

}  // namespace

template <typename T>
void LaunchMaxPoolForward(const MaxPoolForwardArgs<T>& args, cudaStream_t stream) {
  const PoolSizes& sizes = args.sizes;
  if (sizes.n * sizes.c == 0) return;
  Check(sizes);
  Require(args.x != nullptr && args.y != nullptr, "max_pool_forward: operands");
  const bool packed = PacksFit<T>(sizes.c, args.x, args.y) && IndicesFit<T>(args.argmax);
  WithPacks<T>(packed, [&]<int kElems>() {
    const int64_t packs = sizes.n * sizes.p * sizes.q * (sizes.c / kElems);
    const Places windows{Divisor(sizes.p), Divisor(sizes.q), Divisor(sizes.c / kElems)};
    Launch("max_pool_forward", max_pool_forward_kernel<T, kElems>, PackLoop(packs), stream,
           sizes.window, sizes.h, sizes.w, windows, packs, args.x, args.y, args.argmax);
  });
}

template <typename T>
void LaunchMaxPoolBackward(const MaxPoolBackwardArgs<T>& args, cudaStream_t stream) {
  const PoolSizes& sizes = args.sizes;
  if (sizes.n * sizes.c == 0) return;
  Check(sizes);
  Require(args.grad_y != nullptr && args.argmax != nullptr && args.grad_x != nullptr,
          "max_pool_backward: operands");
  const bool packed = PacksFit<T>(sizes.c, args.grad_y, args.grad_x) && IndicesFit<T>(args.argmax);
  WithPacks<T>(packed, [&]<int kElems>() {
    const int64_t packs = sizes.n * sizes.h * sizes.w * (sizes.c / kElems);
    const Places pixels{Divisor(sizes.h), Divisor(sizes.w), Divisor(sizes.c / kElems)};
    Launch("max_pool_backward", max_pool_backward_kernel<T, kElems>, PackLoop(packs), stream,
           sizes.window, Divisor(sizes.window.stride_h), Divisor(sizes.window.stride_w), sizes.p,
           sizes.q, pixels, packs, args.grad_y, args.argmax, args.grad_x,
           args.mode == GradientMode::kAccumulate);
  });
}

template void LaunchMaxPoolForward(const MaxPoolForwardArgs<float>&, cudaStream_t);
template void LaunchMaxPoolForward(const MaxPoolForwardArgs<bf16>&, cudaStream_t);
template void LaunchMaxPoolBackward(const MaxPoolBackwardArgs<float>&, cudaStream_t);
template void LaunchMaxPoolBackward(const MaxPoolBackwardArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
