// The gradient of the weights: a sum over all wide pixels, of the batch too, of their channels
// times the thin pixels under each tap.
#include <algorithm>

#include "cuda/kernels/thin_conv_parts.h"

namespace numeral::cuda::thin_conv {
namespace {

constexpr int kTaps = 5;
constexpr int kSumColumns = 32, kSumLanes = kThreads / kSumColumns;

// Units are bands of images: block x sums every gridDim.x-th of them. An item is one group of taps
// with one pack of channels; block y has `items` of them, each with `lanes` threads, which share
// the pixels: thread i has item i % items and pixels i / items, i / items + lanes, ...
struct Layout {
  int band_rows, units;
  int blocks;  // x
  int packs, tap_groups;
  int items, lanes;
};

Layout MakeLayout(const Shape& shape, int pack_elems) {
  Layout layout = {};
  layout.band_rows = BandRows(shape.n, shape.wide_h, MaxPlaneBand(shape), 2, 2 * kMultiprocessors);
  layout.units = shape.n * CeilDivide(shape.wide_h, layout.band_rows);
  layout.blocks = std::min(layout.units, 2 * kMultiprocessors);
  layout.packs = CeilDivide(shape.channels, pack_elems);
  layout.tap_groups = CeilDivide(shape.taps(), kTaps);
  layout.items = std::min(layout.packs * layout.tap_groups, kThreads);
  layout.lanes = kThreads / layout.items;
  return layout;
}

// sums[t][c] += thin pixel under tap t times channel c, over the lane's pixels of the band.
template <bool kWhole, typename T>
__device__ void SumBand(const Shape& shape, const T* pixels, int count, int lane, int lanes,
                        int channel, const float* plane, const int (&taps)[kTaps],
                        float (&sums)[kTaps][kPackElems<T>]) {
  const int columns = shape.plane_columns();
#pragma unroll 2
  for (int pixel = lane; pixel < count; pixel += lanes) {
    float x[kPackElems<T>];
    LoadChannels<kWhole>(pixels + int64_t{pixel} * shape.channels, channel, shape.channels, x);
    const float* corner = plane + pixel / shape.wide_w * shape.stride_h * columns +
                          pixel % shape.wide_w * shape.stride_w;
#pragma unroll
    for (int t = 0; t < kTaps; ++t) {
      const float value = corner[taps[t]];
#pragma unroll
      for (int c = 0; c < kPackElems<T>; ++c) sums[t][c] += value * x[c];
    }
  }
}

// partial[weight] = sum over the lanes of the block's items. `sums` is shared memory,
// [sum][thread].
template <typename T>
__device__ void WritePartial(const Shape& shape, const Layout& layout, int first_item,
                             const float* sums, float* partial) {
  const int elems = kTaps * kPackElems<T> * layout.items;
  for (int i = static_cast<int>(threadIdx.x); i < elems; i += kThreads) {
    const int local = i % layout.items, item = first_item + local, sum = i / layout.items;
    const int tap = item / layout.packs * kTaps + sum / kPackElems<T>;
    const int channel = item % layout.packs * kPackElems<T> + sum % kPackElems<T>;
    if (tap >= shape.taps() || channel >= shape.channels) continue;
    float total = 0;
    for (int lane = 0; lane < layout.lanes; ++lane) {
      total += sums[sum * kThreads + lane * layout.items + local];
    }
    partial[shape.WeightIndex(tap, channel)] = total;
  }
}

template <typename T, bool kWhole>
__global__ void __launch_bounds__(kThreads, 2)
    thin_conv_weight_kernel(Shape shape, Layout layout, const T* thin, const T* wide,
                            float* partials) {
  WaitForEarlierKernels();
  auto* block_sums = DynamicShared<float>();  // [kTaps * pack][kThreads]
  float* plane = block_sums + kTaps * kPackElems<T> * kThreads;
  const int first_item = static_cast<int>(blockIdx.y) * layout.items;
  const int item = first_item + static_cast<int>(threadIdx.x) % layout.items;
  const int lane = static_cast<int>(threadIdx.x) / layout.items;
  const bool active = lane < layout.lanes && item < layout.packs * layout.tap_groups;
  const int channel = item % layout.packs * kPackElems<T>;
  int taps[kTaps];  // in the plane; beyond the last one, any: those sums are dropped
#pragma unroll
  for (int t = 0; t < kTaps; ++t) {
    const int tap = min(item / layout.packs * kTaps + t, shape.taps() - 1);
    taps[t] = tap / shape.s * shape.plane_columns() + tap % shape.s;
  }

  float sums[kTaps][kPackElems<T>] = {};
  for (int unit = static_cast<int>(blockIdx.x); unit < layout.units; unit += layout.blocks) {
    const Band band = BandOf(unit, shape.wide_h, layout.band_rows);
    __syncthreads();  // The plane of the unit before is done with.
    LoadPlane(shape, thin + band.image * shape.thin_elems(), band.first, band.rows, plane);
    __syncthreads();  // The plane is there.
    if (!active) continue;
    const T* pixels = wide + band.image * shape.wide_elems() +
                      int64_t{band.first} * shape.wide_w * shape.channels;
    SumBand<kWhole>(shape, pixels, band.rows * shape.wide_w, lane, layout.lanes, channel, plane,
                    taps, sums);
  }
#pragma unroll
  for (int t = 0; t < kTaps; ++t) {
#pragma unroll
    for (int c = 0; c < kPackElems<T>; ++c) {
      block_sums[(t * kPackElems<T> + c) * kThreads + static_cast<int>(threadIdx.x)] = sums[t][c];
    }
  }
  __syncthreads();  // The threads' sums are there.
  const int64_t elems = int64_t{shape.taps()} * shape.channels;
  WritePartial<T>(shape, layout, first_item, block_sums, partials + blockIdx.x * elems);
}

// grad_weight (+)= sum over the partial gradients. A block has 32 weights, with 8 threads each.
__global__ void __launch_bounds__(kThreads)
    thin_conv_weight_sum_kernel(const float* partials, int count, int elems, float* grad_weight,
                                bool accumulate) {
  WaitForEarlierKernels();
  SIMT_SHARED(float, sums, [kSumLanes][kSumColumns]);
  const int column = static_cast<int>(threadIdx.x) % kSumColumns;
  const int lane = static_cast<int>(threadIdx.x) / kSumColumns;
  const int i = static_cast<int>(blockIdx.x) * kSumColumns + column;
  float sum = 0;
  if (i < elems) {
#pragma unroll 4
    for (int j = lane; j < count; j += kSumLanes) sum += partials[int64_t{j} * elems + i];
  }
  sums[lane][column] = sum;
  __syncthreads();  // The lanes' sums are there.
  if (lane != 0 || i >= elems) return;
  for (int j = 1; j < kSumLanes; ++j) sum += sums[j][column];
  grad_weight[i] = accumulate ? grad_weight[i] + sum : sum;
}

}  // namespace

size_t WeightScratchBytes(const Shape& shape) {
  const Layout layout = MakeLayout(shape, kPackElems<float>);
  return sizeof(float) * static_cast<size_t>(layout.blocks) *
         static_cast<size_t>(shape.taps() * shape.channels);
}

template <typename T>
void LaunchWeight(const Shape& shape, const T* thin, const T* wide, float* grad_weight,
                  GradientMode mode, float* scratch, cudaStream_t stream) {
  const Layout layout = MakeLayout(shape, kPackElems<T>);
  const int planes = shape.PlaneRows(layout.band_rows) * shape.plane_columns();
  const int sums = kTaps * kPackElems<T> * kThreads;
  const dim3 grid(
      static_cast<unsigned>(layout.blocks),
      static_cast<unsigned>(CeilDivide(layout.packs * layout.tap_groups, layout.items)));
  Launch("thin_conv_weight",
         WholePacks(shape, wide) ? thin_conv_weight_kernel<T, true>
                                 : thin_conv_weight_kernel<T, false>,
         {grid, kThreads, static_cast<size_t>(sums + planes) * sizeof(float)}, stream, shape,
         layout, thin, wide, scratch);
  const int elems = shape.taps() * shape.channels;
  Launch("thin_conv_weight_sum", thin_conv_weight_sum_kernel,
         {static_cast<unsigned>(CeilDivide(elems, kSumColumns)), kThreads}, stream, scratch,
         layout.blocks, elems, grad_weight, mode == GradientMode::kAccumulate);
}

template void LaunchWeight(const Shape&, const float*, const float*, float*, GradientMode, float*,
                           cudaStream_t);
template void LaunchWeight(const Shape&, const bf16*, const bf16*, float*, GradientMode, float*,
                           cudaStream_t);

}  // namespace numeral::cuda::thin_conv
