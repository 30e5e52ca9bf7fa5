// From one channel to many: every wide pixel is a sum of taps times pixels of the plane around it.
#include <algorithm>

#include "cuda/kernels/bias_act_element.h"
#include "cuda/kernels/thin_conv_parts.h"

namespace numeral::cuda::thin_conv {
namespace {

constexpr int kPixels = 8;

// Weights in shared memory are [tap][quarter][pack][4]: a pack of channels is read in quarters of
// 16 bytes, and threads that work on neighbouring packs read neighbouring ones.
template <typename T>
struct PackedWeights {
  static constexpr int kQuarters = kPackElems<T> / 4;
  float* data;
  int packs;

  __device__ void Load(const Shape& shape, const float* weight) const {
    ForEachWeight(shape, weight, shape.taps(), packs * kPackElems<T>,
                  [this](int tap, int channel, float value) {
                    const int pack = channel / kPackElems<T>, i = channel % kPackElems<T>;
                    data[((tap * kQuarters + i / 4) * packs + pack) * 4 + i % 4] = value;
                  });
  }
  __device__ void Read(int tap, int pack, float (&values)[kPackElems<T>]) const {
#pragma unroll
    for (int quarter = 0; quarter < kQuarters; ++quarter) {
      const Pack<float> part = LoadPack(data + ((tap * kQuarters + quarter) * packs + pack) * 4);
#pragma unroll
      for (int i = 0; i < 4; ++i) values[quarter * 4 + i] = part.at[i];
    }
  }
};

template <typename T, bool kWhole, typename Epilogue>
__global__ void __launch_bounds__(kThreads, 2)
    thin_conv_to_wide_kernel(Shape shape, int band_rows, const T* thin, const float* weight,
                             T* wide, Epilogue epilogue) {
  WaitForEarlierKernels();
  const int packs = CeilDivide(shape.channels, kPackElems<T>);
  const PackedWeights<T> weights = {DynamicShared<float>(), packs};
  float* plane = weights.data + shape.taps() * packs * kPackElems<T>;
  const Band band = BandOf(static_cast<int>(blockIdx.x), shape.wide_h, band_rows);
  weights.Load(shape, weight);
  LoadPlane(shape, thin + band.image * shape.thin_elems(), band.first, band.rows, plane);
  __syncthreads();

  const int columns = shape.plane_columns();
  const int pixels = band.rows * shape.wide_w;
  const int pixel_groups = CeilDivide(pixels, kPixels);
  const int64_t first_pixel = (int64_t{band.image} * shape.wide_h + band.first) * shape.wide_w;
  for (int i = static_cast<int>(threadIdx.x); i < packs * pixel_groups; i += kThreads) {
    const int pack = i % packs, first = i / packs;
    int corners[kPixels];  // of the pixels' windows in the plane
#pragma unroll
    for (int j = 0; j < kPixels; ++j) {
      const int pixel = min(first + j * pixel_groups, pixels - 1);
      corners[j] =
          pixel / shape.wide_w * shape.stride_h * columns + pixel % shape.wide_w * shape.stride_w;
    }
    float sums[kPixels][kPackElems<T>] = {};
    for (int r = 0; r < shape.r; ++r) {
      for (int s = 0; s < shape.s; ++s) {
        float factors[kPackElems<T>];
        weights.Read(r * shape.s + s, pack, factors);
#pragma unroll
        for (int j = 0; j < kPixels; ++j) {
          const float value = plane[corners[j] + r * columns + s];
#pragma unroll
          for (int c = 0; c < kPackElems<T>; ++c) sums[j][c] += value * factors[c];
        }
      }
    }
#pragma unroll
    for (int j = 0; j < kPixels; ++j) {
      const int pixel = first + j * pixel_groups;
      if (pixel >= pixels) break;
      StoreChannels<kWhole>(epilogue, sums[j], first_pixel + pixel, pack * kPackElems<T>,
                            shape.channels, wide);
    }
  }
}

}  // namespace

template <typename T>
void LaunchToWide(const Shape& shape, const T* thin, const float* weight, T* wide,
                  const BiasActEpilogue<T>& epilogue, cudaStream_t stream) {
  const int packs = CeilDivide(shape.channels, kPackElems<T>);
  // A block's threads have one group of pixels each, where that is possible.
  const int fitting = std::max(kThreads * kPixels / (packs * shape.wide_w), 1);
  const int band_rows = BandRows(shape.n, shape.wide_h, std::min(fitting, MaxPlaneBand(shape)), 2,
                                 2 * kMultiprocessors);
  const size_t shared_elems =
      static_cast<size_t>(shape.taps()) * static_cast<size_t>(packs * kPackElems<T>) +
      static_cast<size_t>(shape.PlaneRows(band_rows)) * static_cast<size_t>(shape.plane_columns());
  const LaunchShape launch = {static_cast<unsigned>(shape.n * CeilDivide(shape.wide_h, band_rows)),
                              kThreads, shared_elems * sizeof(float)};
  WithEpilogue(epilogue, shape.channels, [&](const auto& functor) {
    using Epilogue = std::decay_t<decltype(functor)>;
    Launch("thin_conv_to_wide",
           WholePacks(shape, wide) && functor.InPacks()
               ? thin_conv_to_wide_kernel<T, true, Epilogue>
               : thin_conv_to_wide_kernel<T, false, Epilogue>,
           launch, stream, shape, band_rows, thin, weight, wide, functor);
  });
}

template void LaunchToWide(const Shape&, const float*, const float*, float*,
                           const BiasActEpilogue<float>&, cudaStream_t);
template void LaunchToWide(const Shape&, const bf16*, const float*, bf16*,
                           const BiasActEpilogue<bf16>&, cudaStream_t);

}  // namespace numeral::cuda::thin_conv
