// From many channels to one: the adjoint. Every wide pixel is multiplied with the weights of all
// taps, and every thin pixel gathers the products that are meant for it.
#include <algorithm>

#include "cuda/kernels/bias_act_element.h"
#include "cuda/kernels/thin_conv_parts.h"

namespace numeral::cuda::thin_conv {
namespace {

constexpr int kPixels = 4;
constexpr int kTaps = 5;
constexpr int kMaxPixelGroups = 64;
constexpr int kTileRowBytes = 128;  // of a pixel's channels at a time
constexpr int kMaxBandPixels = 4096;

// Where a block keeps what, and who works on what. Thread i multiplies pixel group i % pixel_groups
// (its pixels are pixel_groups apart) with tap group i / pixel_groups.
struct Layout {
  int band_rows;  // thin rows of a block
  int tap_groups, pixel_groups;
  int channels;       // padded to whole packs
  int tile_channels;  // of a pixel in the tile, in whole packs
  int tile_row_elems;
  int product_row_elems;

  __host__ __device__ int pixels() const { return pixel_groups * kPixels; }
  __host__ __device__ int padded_taps() const { return tap_groups * kTaps; }
};

template <typename T>
Layout MakeLayout(const Shape& shape) {
  Layout layout = {};
  // A band needs the wide rows around it too: narrow ones would do the work twice.
  layout.band_rows = BandRows(shape.n, shape.thin_h, std::max(kMaxBandPixels / shape.thin_w, 1),
                              2 * shape.r, kMultiprocessors);
  layout.tap_groups = CeilDivide(shape.taps(), kTaps);
  layout.pixel_groups = std::min(kThreads / layout.tap_groups, kMaxPixelGroups);
  layout.channels = RoundUp(shape.channels, kPackElems<T>);
  layout.tile_channels = std::min(layout.channels, kTileRowBytes / static_cast<int>(sizeof(T)));
  // Odd numbers of packs, and of products, keep neighbouring pixels in different banks.
  layout.tile_row_elems = (layout.tile_channels / kPackElems<T> | 1) * kPackElems<T>;
  layout.product_row_elems = shape.taps() | 1;
  return layout;
}

template <typename T>
struct SharedMemory {
  T* tile;          // [pixels][tile_row_elems]
  float* weights;   // [padded_taps][channels]
  float* products;  // [pixels][product_row_elems]
  float* sums;      // [band_rows][thin_w]

  __device__ explicit SharedMemory(const Layout& layout)
      : tile(DynamicShared<T>()),
        weights(reinterpret_cast<float*>(tile + layout.pixels() * layout.tile_row_elems)),
        products(weights + layout.padded_taps() * layout.channels),
        sums(products + layout.pixels() * layout.product_row_elems) {}
};

template <typename T>
size_t SharedBytes(const Shape& shape, const Layout& layout) {
  const int floats = layout.padded_taps() * layout.channels +
                     layout.pixels() * layout.product_row_elems + layout.band_rows * shape.thin_w;
  return static_cast<size_t>(layout.pixels() * layout.tile_row_elems) * sizeof(T) +
         static_cast<size_t>(floats) * sizeof(float);
}

// Wide pixels [first, end) of an image, of all rows that reach into the band.
struct PixelRange {
  int first, end;
};
__device__ PixelRange PixelsOf(const Shape& shape, const Band& band) {
  const int top = band.first + shape.pad_top - (shape.r - 1);   // p * stride_h is not below it
  const int last = band.first + band.rows - 1 + shape.pad_top;  // and not beyond this
  const int first_p = top > 0 ? CeilDivide(top, shape.stride_h) : 0;
  const int end_p = last < 0 ? 0 : min(last / shape.stride_h + 1, shape.wide_h);
  return {first_p * shape.wide_w, end_p * shape.wide_w};
}

// Packs of channels from `channel` on of `count` pixels.
template <bool kWhole, typename T>
__device__ void LoadTile(const Shape& shape, const Layout& layout, const T* pixels, int count,
                         int channel, int packs, T* tile) {
  for (int i = static_cast<int>(threadIdx.x); i < count * packs; i += kThreads) {
    const int pixel = i / packs, pack = i % packs;
    float values[kPackElems<T>];
    LoadChannels<kWhole>(pixels + int64_t{pixel} * shape.channels, channel + pack * kPackElems<T>,
                         shape.channels, values);
    StoreFloats<kPackElems<T>>(values, tile + pixel * layout.tile_row_elems + pack * kPackElems<T>);
  }
}

// products[j][t] += the tile's channels of pixel j times the weights of tap t.
template <typename T>
__device__ void MultiplyTile(const Layout& layout, const T* tile, const float* weights, int packs,
                             const int (&rows)[kPixels], float (&products)[kPixels][kTaps]) {
  for (int pack = 0; pack < packs; ++pack) {
    float x[kPixels][kPackElems<T>];
#pragma unroll
    for (int j = 0; j < kPixels; ++j) {
      LoadFloats<kPackElems<T>>(tile + rows[j] + pack * kPackElems<T>, x[j]);
    }
#pragma unroll
    for (int t = 0; t < kTaps; ++t) {
      float factors[kPackElems<T>];
      LoadFloats<kPackElems<T>>(weights + t * layout.channels + pack * kPackElems<T>, factors);
#pragma unroll
      for (int j = 0; j < kPixels; ++j) {
#pragma unroll
        for (int c = 0; c < kPackElems<T>; ++c) products[j][t] += x[j][c] * factors[c];
      }
    }
  }
}

// Adds the products of wide pixels [first, first + count) to the band's thin pixels. Each is one
// thread's alone.
__device__ void Gather(const Shape& shape, const Layout& layout, const Band& band, int first,
                       int count, const float* products, float* sums) {
  for (int i = static_cast<int>(threadIdx.x); i < band.rows * shape.thin_w; i += kThreads) {
    const int top = band.first + i / shape.thin_w + shape.pad_top;
    const int left = i % shape.thin_w + shape.pad_left;
    float sum = sums[i];
    for (int r = top % shape.stride_h; r < shape.r && r <= top; r += shape.stride_h) {
      const int p = (top - r) / shape.stride_h;
      for (int s = left % shape.stride_w; s < shape.s && s <= left; s += shape.stride_w) {
        const int q = (left - s) / shape.stride_w;
        const int pixel = p * shape.wide_w + q - first;
        if (q < shape.wide_w && pixel >= 0 && pixel < count) {
          sum += products[pixel * layout.product_row_elems + r * shape.s + s];
        }
      }
    }
    sums[i] = sum;
  }
}

template <typename T, bool kWhole, typename Epilogue>
__global__ void __launch_bounds__(kThreads, 2)
    thin_conv_to_thin_kernel(Shape shape, Layout layout, const T* wide, const float* weight,
                             T* thin, Epilogue epilogue) {
  WaitForEarlierKernels();
  const SharedMemory<T> shared(layout);
  const Band band = BandOf(static_cast<int>(blockIdx.x), shape.thin_h, layout.band_rows);
  ForEachWeight(shape, weight, layout.padded_taps(), layout.channels,
                [&](int tap, int channel, float value) {
                  shared.weights[tap * layout.channels + channel] = value;
                });
  for (int i = static_cast<int>(threadIdx.x); i < band.rows * shape.thin_w; i += kThreads) {
    shared.sums[i] = 0;
  }

  const int pixel_group = static_cast<int>(threadIdx.x) % layout.pixel_groups;
  const int tap_group = static_cast<int>(threadIdx.x) / layout.pixel_groups;
  const PixelRange range = PixelsOf(shape, band);
  for (int first = range.first; first < range.end; first += layout.pixels()) {
    const int count = min(layout.pixels(), range.end - first);
    const T* pixels = wide + band.image * shape.wide_elems() + int64_t{first} * shape.channels;
    int rows[kPixels];  // of the tile
#pragma unroll
    for (int j = 0; j < kPixels; ++j) {
      rows[j] = min(pixel_group + j * layout.pixel_groups, count - 1) * layout.tile_row_elems;
    }
    float products[kPixels][kTaps] = {};
    for (int channel = 0; channel < layout.channels; channel += layout.tile_channels) {
      const int packs = min(layout.tile_channels, layout.channels - channel) / kPackElems<T>;
      __syncthreads();  // The tile and the products of the chunk before are done with.
      LoadTile<kWhole>(shape, layout, pixels, count, channel, packs, shared.tile);
      __syncthreads();  // The tile is there, and the weights.
      if (tap_group < layout.tap_groups) {
        MultiplyTile(layout, shared.tile,
                     shared.weights + tap_group * kTaps * layout.channels + channel, packs, rows,
                     products);
      }
    }
    const int taps = shape.taps() - tap_group * kTaps;  // fewer than kTaps in the last group
#pragma unroll
    for (int j = 0; j < kPixels; ++j) {
      const int pixel = pixel_group + j * layout.pixel_groups;
#pragma unroll
      for (int t = 0; t < kTaps; ++t) {
        if (t < taps) {
          shared.products[pixel * layout.product_row_elems + tap_group * kTaps + t] =
              products[j][t];
        }
      }
    }
    __syncthreads();  // The products are there.
    Gather(shape, layout, band, first, count, shared.products, shared.sums);
  }
  const int64_t first = band.image * shape.thin_elems() + int64_t{band.first} * shape.thin_w;
  for (int i = static_cast<int>(threadIdx.x); i < band.rows * shape.thin_w; i += kThreads) {
    thin[first + i] = epilogue.Element(shared.sums[i], first + i, 0);
  }
}

}  // namespace

template <typename T>
void LaunchToThin(const Shape& shape, const T* wide, const float* weight, T* thin,
                  const BiasActEpilogue<T>& epilogue, cudaStream_t stream) {
  const Layout layout = MakeLayout<T>(shape);
  const LaunchShape launch = {
      static_cast<unsigned>(shape.n * CeilDivide(shape.thin_h, layout.band_rows)), kThreads,
      SharedBytes<T>(shape, layout)};
  WithEpilogue(epilogue, 1, [&](const auto& functor) {
    using Epilogue = std::decay_t<decltype(functor)>;
    Launch("thin_conv_to_thin",
           WholePacks(shape, wide) ? thin_conv_to_thin_kernel<T, true, Epilogue>
                                   : thin_conv_to_thin_kernel<T, false, Epilogue>,
           launch, stream, shape, layout, wide, weight, thin, functor);
  });
}

template void LaunchToThin(const Shape&, const float*, const float*, float*,
                           const BiasActEpilogue<float>&, cudaStream_t);
template void LaunchToThin(const Shape&, const bf16*, const float*, bf16*,
                           const BiasActEpilogue<bf16>&, cudaStream_t);

}  // namespace numeral::cuda::thin_conv
