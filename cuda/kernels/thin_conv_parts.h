// What the kernels of thin_conv_*.cu share. Private to them; terms as in thin_conv.h.
#pragma once

#include "cuda/kernels/thin_conv.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/simt.h"

namespace numeral::cuda::thin_conv {

inline constexpr int kThreads = 256;
inline constexpr int kMultiprocessors = 132;  // of an H200; others are as correct

struct Shape {
  int n, thin_h, thin_w, wide_h, wide_w, channels, r, s;
  int stride_h, stride_w, pad_top, pad_left;
  bool
      reversed;  // k == 1: weights are [tap][channel] with the taps in reverse, else [channel][tap]

  __host__ __device__ int taps() const { return r * s; }
  __host__ __device__ int64_t thin_elems() const { return int64_t{thin_h} * thin_w; }
  __host__ __device__ int64_t wide_elems() const { return int64_t{wide_h} * wide_w * channels; }
  __host__ __device__ int WeightIndex(int tap, int channel) const {
    return reversed ? (taps() - 1 - tap) * channels + channel : channel * taps() + tap;
  }
  // Of the padded plane that a band of wide rows reads.
  __host__ __device__ int PlaneRows(int wide_rows) const { return (wide_rows - 1) * stride_h + r; }
  __host__ __device__ int plane_columns() const { return (wide_w - 1) * stride_w + s; }
};
Shape MakeShape(const ConvGeometry& geometry);

// The three products, by file.
template <typename T>
void LaunchToWide(const Shape& shape, const T* thin, const float* weight, T* wide,
                  const BiasActEpilogue<T>& epilogue, cudaStream_t stream);
template <typename T>
void LaunchToThin(const Shape& shape, const T* wide, const float* weight, T* thin,
                  const BiasActEpilogue<T>& epilogue, cudaStream_t stream);
template <typename T>
void LaunchWeight(const Shape& shape, const T* thin, const T* wide, float* grad_weight,
                  GradientMode mode, float* scratch, cudaStream_t stream);
size_t WeightScratchBytes(const Shape& shape);

__host__ __device__ inline int CeilDivide(int a, int b) { return (a + b - 1) / b; }
__host__ __device__ inline int RoundUp(int a, int unit) { return CeilDivide(a, unit) * unit; }

// Wide rows whose padded plane takes at most 64 KiB of shared memory, which one row does.
inline constexpr int kMaxWindow = 16, kMaxPlaneColumns = 1024;
inline int MaxPlaneBand(const Shape& shape) {
  constexpr int kMaxElems = kMaxWindow * kMaxPlaneColumns;
  return (kMaxElems / shape.plane_columns() - shape.r) / shape.stride_h + 1;
}

// Rows of a band: `most` at first, then fewer until there are `bands_wanted` of all images, but not
// below `least`; bands of one image are about equal.
inline int BandRows(int images, int rows, int most, int least, int bands_wanted) {
  int bands = CeilDivide(rows, most < rows ? most : rows);
  while (int64_t{images} * bands < bands_wanted && CeilDivide(rows, 2 * bands) >= least) bands *= 2;
  return CeilDivide(rows, bands);
}

// Rows [first, first + rows) of one image: what a block works on.
struct Band {
  int image, first, rows;
};
__device__ inline Band BandOf(int index, int image_rows, int band_rows) {
  const int bands = CeilDivide(image_rows, band_rows);
  const int first = index % bands * band_rows;
  return {index / bands, first, min(band_rows, image_rows - first)};
}

// The thin pixels under wide rows [first_p, first_p + wide_rows), with zeros for the padding.
template <typename T>
__device__ void LoadPlane(const Shape& shape, const T* image, int first_p, int wide_rows,
                          float* plane) {
  const int columns = shape.plane_columns();
  const int elems = shape.PlaneRows(wide_rows) * columns;
  for (int i = static_cast<int>(threadIdx.x); i < elems; i += kThreads) {
    const int y = first_p * shape.stride_h - shape.pad_top + i / columns;
    const int x = i % columns - shape.pad_left;
    const bool inside = y >= 0 && y < shape.thin_h && x >= 0 && x < shape.thin_w;
    plane[i] = inside ? ToFloat(image[y * shape.thin_w + x]) : 0.0f;
  }
}

// use(tap, channel, weight) for each, 0 beyond the last tap and channel, over the block's threads
// and in the order of memory.
template <typename Use>
__device__ void ForEachWeight(const Shape& shape, const float* weight, int taps, int channels,
                              const Use& use) {
  for (int i = static_cast<int>(threadIdx.x); i < taps * channels; i += kThreads) {
    const int tap = shape.reversed ? i / channels : i % taps;
    const int channel = shape.reversed ? i % channels : i / taps;
    const bool inside = tap < shape.taps() && channel < shape.channels;
    use(tap, channel, inside ? weight[shape.WeightIndex(tap, channel)] : 0.0f);
  }
}

// A pack of a pixel's channels as floats, from `channel` on. kWhole: all channels are in whole,
// aligned packs; otherwise those beyond the last are 0 and not stored.
template <bool kWhole, typename T>
__device__ void LoadChannels(const T* pixel, int channel, int channels,
                             float (&values)[kPackElems<T>]) {
  if constexpr (kWhole) {
    LoadFloats<kPackElems<T>>(pixel + channel, values);
  } else {
#pragma unroll
    for (int i = 0; i < kPackElems<T>; ++i) {
      values[i] = channel + i < channels ? ToFloat(pixel[channel + i]) : 0.0f;
    }
  }
}

// What the epilogue makes of the sums of a pixel of the wide tensor.
template <bool kWhole, typename T, typename Epilogue>
__device__ void StoreChannels(const Epilogue& epilogue, const float (&sums)[kPackElems<T>],
                              int64_t pixel, int channel, int channels, T* wide) {
  const int64_t first = pixel * channels + channel;
  if constexpr (kWhole) {
    StorePack(wide + first, epilogue.Elements(sums, first, channel));
  } else {
#pragma unroll
    for (int i = 0; i < kPackElems<T>; ++i) {
      if (channel + i < channels) {
        wide[first + i] = epilogue.Element(sums[i], first + i, channel + i);
      }
    }
  }
}

template <typename T>
bool WholePacks(const Shape& shape, const T* wide) {
  return shape.channels % kPackElems<T> == 0 && Aligned(16, wide);
}

}  // namespace numeral::cuda::thin_conv
