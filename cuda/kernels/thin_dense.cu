#include "cuda/kernels/thin_dense.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/reduce.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kThinTile = 4;  // thin columns that a block or thread works on together

// weight(t, w) is at t * thin_stride + w * wide_stride.
struct ThinShape {
  int n, thin, wide;
  int thin_stride, wide_stride;
};

bool OutIsThin(const DenseShape& shape) { return shape.out <= kMaxThin; }

ThinShape MakeShape(const DenseShape& shape) {
  Require(IsThinDense(shape.in, shape.out), "thin dense: no side is narrow");
  if (OutIsThin(shape)) return {shape.n, shape.out, shape.in, shape.in, 1};
  return {shape.n, shape.in, shape.out, 1, shape.in};
}

// kWidth weights of thin column t from wide column w on.
template <int kWidth>
__device__ void LoadWeights(const ThinShape& shape, const float* weight, int t, int w,
                            float (&values)[kWidth]) {
  const float* address = weight + static_cast<int64_t>(t) * shape.thin_stride +
                         static_cast<int64_t>(w) * shape.wide_stride;
  if (shape.wide_stride == 1) {
    LoadFloats<kWidth>(address, values);
    return;
  }
#pragma unroll
  for (int i = 0; i < kWidth; ++i) values[i] = address[i * shape.wide_stride];
}

// ---- to thin

constexpr int kDotRows = 2;

// The sum over the warp of values[lane / (32 / kCount)]: halves change hands until each lane is
// left with one value, which takes kCount - 1 shuffles where sums of their own would take 5 each.
template <int kCount>
__device__ float SumOfOneEach(float (&values)[kCount]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  int offset = kWarp / 2;
#pragma unroll
  for (int half = kCount / 2; half > 0; half /= 2, offset /= 2) {
    const bool upper = (lane & offset) != 0;
#pragma unroll
    for (int i = 0; i < half; ++i) {
      const float given = upper ? values[i] : values[i + half];
      const float kept = upper ? values[i + half] : values[i];
      values[i] = kept + __shfl_xor_sync(kFullMask, given, offset);
    }
  }
  for (; offset > 0; offset /= 2) values[0] += __shfl_xor_sync(kFullMask, values[0], offset);
  return values[0];
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    thin_dense_to_thin_kernel(ThinShape shape, const T* wide, const float* weight, T* thin) {
  SIMT_SHARED(float, per_warp, [kWarps][kDotRows * kThinTile]);
  const int first_row = static_cast<int>(blockIdx.x) * kDotRows;
  const int first_t = static_cast<int>(blockIdx.y) * kThinTile;
  float sums[kDotRows * kThinTile] = {};
  for (int w = static_cast<int>(threadIdx.x) * kWidth; w < shape.wide; w += kThreads * kWidth) {
    float x[kDotRows][kWidth] = {};
#pragma unroll
    for (int r = 0; r < kDotRows; ++r) {
      const int row = first_row + r;
      if (row < shape.n)
        LoadFloats<kWidth>(wide + static_cast<int64_t>(row) * shape.wide + w, x[r]);
    }
#pragma unroll
    for (int t = 0; t < kThinTile; ++t) {
      if (first_t + t >= shape.thin) break;
      float factors[kWidth];
      LoadWeights<kWidth>(shape, weight, first_t + t, w, factors);
#pragma unroll
      for (int r = 0; r < kDotRows; ++r) {
#pragma unroll
        for (int i = 0; i < kWidth; ++i) sums[r * kThinTile + t] += x[r][i] * factors[i];
      }
    }
  }

  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  constexpr int kLanesPerSum = kWarp / (kDotRows * kThinTile);
  const float warp_sum = SumOfOneEach(sums);
  if (lane % kLanesPerSum == 0) per_warp[warp][lane / kLanesPerSum] = warp_sum;
  __syncthreads();  // The warps' parts of the dot products are there.
  if (threadIdx.x >= kDotRows * kThinTile) return;
  const int row = first_row + static_cast<int>(threadIdx.x) / kThinTile;
  const int t = first_t + static_cast<int>(threadIdx.x) % kThinTile;
  if (row >= shape.n || t >= shape.thin) return;
  float sum = 0;
  for (int i = 0; i < kWarps; ++i) sum += per_warp[i][threadIdx.x];
  thin[static_cast<int64_t>(row) * shape.thin + t] = FromFloat<T>(sum);
}

// ---- to wide

constexpr int kSpreadRows = 4;
constexpr int kSpreadThreads = 128;

template <typename T, int kWidth>
__global__ void __launch_bounds__(kSpreadThreads)
    thin_dense_to_wide_kernel(ThinShape shape, const T* thin, const float* weight, T* wide) {
  const int w =
      (static_cast<int>(blockIdx.y) * kSpreadThreads + static_cast<int>(threadIdx.x)) * kWidth;
  const int first_row = static_cast<int>(blockIdx.x) * kSpreadRows;
  if (w >= shape.wide) return;
  float sums[kSpreadRows][kWidth] = {};
  for (int t = 0; t < shape.thin; ++t) {
    float factors[kWidth];
    LoadWeights<kWidth>(shape, weight, t, w, factors);
#pragma unroll
    for (int r = 0; r < kSpreadRows; ++r) {
      if (first_row + r >= shape.n) break;
      const float value = ToFloat(thin[static_cast<int64_t>(first_row + r) * shape.thin + t]);
#pragma unroll
      for (int i = 0; i < kWidth; ++i) sums[r][i] += value * factors[i];
    }
  }
#pragma unroll
  for (int r = 0; r < kSpreadRows; ++r) {
    if (first_row + r >= shape.n) break;
    StoreFloats<kWidth>(sums[r], wide + static_cast<int64_t>(first_row + r) * shape.wide + w);
  }
}

// ---- weight

constexpr int kSlabRows = 64;

int Slabs(int n) { return (n + kSlabRows - 1) / kSlabRows; }
int ThinTiles(int thin) { return (thin + kThinTile - 1) / kThinTile; }
int WideTiles(int wide, int width) { return (wide + kWarp * width - 1) / (kWarp * width); }

// The elements of grad_weight that a block works on, as kThinTile rows of kColumns.
template <int kColumns>
struct GradientTile {
  static constexpr int kElems = kThinTile * kColumns;
  int first_t, first_w;

  __device__ bool Has(const ThinShape& shape, int i) const {
    return first_t + i / kColumns < shape.thin && first_w + i % kColumns < shape.wide;
  }
  __device__ int64_t Index(const ThinShape& shape, int i) const {
    return static_cast<int64_t>(first_t + i / kColumns) * shape.thin_stride +
           static_cast<int64_t>(first_w + i % kColumns) * shape.wide_stride;
  }
};

// sums[t][i] = sum over every eighth row of the slab of thin[row][t] * wide[row][w + i].
template <typename T, int kWidth>
__device__ void SumRows(const ThinShape& shape, const T* thin, const T* wide, int first_row,
                        int first_t, int w, float (&sums)[kThinTile][kWidth]) {
  const int end = min(first_row + kSlabRows, shape.n);
#pragma unroll 2
  for (int row = first_row + static_cast<int>(threadIdx.x) / kWarp; row < end; row += kWarps) {
    float x[kWidth];
    LoadFloats<kWidth>(wide + static_cast<int64_t>(row) * shape.wide + w, x);
#pragma unroll
    for (int t = 0; t < kThinTile; ++t) {
      if (first_t + t >= shape.thin) break;
      const float value = ToFloat(thin[static_cast<int64_t>(row) * shape.thin + first_t + t]);
#pragma unroll
      for (int i = 0; i < kWidth; ++i) sums[t][i] += value * x[i];
    }
  }
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    thin_dense_weight_kernel(ThinShape shape, const T* thin, const T* wide, float* grad_weight,
                             bool accumulate, float* scratch, unsigned* counters) {
  constexpr int kColumns = kWarp * kWidth;
  using Tile = GradientTile<kColumns>;
  SIMT_SHARED(float, per_warp, [kWarps][Tile::kElems]);
  const Tile tile = {static_cast<int>(blockIdx.z) * kThinTile,
                     static_cast<int>(blockIdx.y) * kColumns};
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int column = static_cast<int>(threadIdx.x) % kWarp * kWidth;

  float sums[kThinTile][kWidth] = {};
  if (tile.first_w + column < shape.wide) {
    SumRows<T, kWidth>(shape, thin, wide, static_cast<int>(blockIdx.x) * kSlabRows, tile.first_t,
                       tile.first_w + column, sums);
  }
#pragma unroll
  for (int t = 0; t < kThinTile; ++t) {
#pragma unroll
    for (int i = 0; i < kWidth; ++i) per_warp[warp][t * kColumns + column + i] = sums[t][i];
  }
  __syncthreads();  // The warps' parts of the tile are there.

  const int64_t elems = static_cast<int64_t>(shape.thin) * shape.wide;
  const bool alone = gridDim.x == 1;
  for (int i = static_cast<int>(threadIdx.x); i < Tile::kElems; i += kThreads) {
    if (!tile.Has(shape, i)) continue;
    float sum = 0;
    for (int j = 0; j < kWarps; ++j) sum += per_warp[j][i];
    const int64_t index = tile.Index(shape, i);
    if (!alone) {
      scratch[blockIdx.x * elems + index] = sum;
    } else {
      grad_weight[index] = accumulate ? grad_weight[index] + sum : sum;
    }
  }
  if (alone || !IsLastBlock(&counters[blockIdx.z * gridDim.y + blockIdx.y], gridDim.x)) return;

  for (int i = static_cast<int>(threadIdx.x); i < Tile::kElems; i += kThreads) {
    if (!tile.Has(shape, i)) continue;
    const int64_t index = tile.Index(shape, i);
    float sum = 0;
    for (unsigned slab = 0; slab < gridDim.x; ++slab) sum += scratch[slab * elems + index];
    grad_weight[index] = accumulate ? grad_weight[index] + sum : sum;
  }
}

// ---- launchers

// Whether rows of the wide matrix, and those of a weight stored alike, can be read in packs.
template <typename T>
bool InPacks(const ThinShape& shape, const T* wide, const float* weight) {
  return shape.wide % kPackElems<T> == 0 && Aligned(16, wide) &&
         (shape.wide_stride != 1 || Aligned(16, weight));
}

template <typename T, int kWidth>
void ToThin(const ThinShape& shape, const T* wide, const float* weight, T* thin,
            cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>((shape.n + kDotRows - 1) / kDotRows),
                  static_cast<unsigned>(ThinTiles(shape.thin)));
  Launch("thin_dense_to_thin", thin_dense_to_thin_kernel<T, kWidth>, {grid, kThreads}, stream,
         shape, wide, weight, thin);
}

template <typename T>
void LaunchToThin(const ThinShape& shape, const T* wide, const float* weight, T* thin,
                  cudaStream_t stream) {
  if (shape.n == 0) return;
  const auto launch = InPacks(shape, wide, weight) ? ToThin<T, kPackElems<T>> : ToThin<T, 1>;
  launch(shape, wide, weight, thin, stream);
}

template <typename T, int kWidth>
void ToWide(const ThinShape& shape, const T* thin, const float* weight, T* wide,
            cudaStream_t stream) {
  constexpr int kColumns = kSpreadThreads * kWidth;
  const dim3 grid(static_cast<unsigned>((shape.n + kSpreadRows - 1) / kSpreadRows),
                  static_cast<unsigned>((shape.wide + kColumns - 1) / kColumns));
  Launch("thin_dense_to_wide", thin_dense_to_wide_kernel<T, kWidth>, {grid, kSpreadThreads}, stream,
         shape, thin, weight, wide);
}

template <typename T>
void LaunchToWide(const ThinShape& shape, const T* thin, const float* weight, T* wide,
                  cudaStream_t stream) {
  if (shape.n == 0) return;
  const auto launch = InPacks(shape, wide, weight) ? ToWide<T, kPackElems<T>> : ToWide<T, 1>;
  launch(shape, thin, weight, wide, stream);
}

template <typename T>
using WeightArgs = ThinDenseBackwardWeightArgs<T>;

template <typename T, int kWidth>
void Weight(const ThinShape& shape, const T* thin, const T* wide, const WeightArgs<T>& args,
            cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(Slabs(shape.n)),
                  static_cast<unsigned>(WideTiles(shape.wide, kWidth)),
                  static_cast<unsigned>(ThinTiles(shape.thin)));
  Launch("thin_dense_weight", thin_dense_weight_kernel<T, kWidth>, {grid, kThreads}, stream, shape,
         thin, wide, args.grad_weight, args.mode == GradientMode::kAccumulate, args.scratch,
         args.counters);
}

}  // namespace

template <typename T>
void LaunchThinDenseForward(const ThinDenseForwardArgs<T>& args, cudaStream_t stream) {
  const ThinShape shape = MakeShape(args.shape);
  if (OutIsThin(args.shape)) {
    LaunchToThin(shape, args.x, args.weight, args.y, stream);
  } else {
    LaunchToWide(shape, args.x, args.weight, args.y, stream);
  }
}

template <typename T>
void LaunchThinDenseBackwardData(const ThinDenseBackwardDataArgs<T>& args, cudaStream_t stream) {
  const ThinShape shape = MakeShape(args.shape);
  if (OutIsThin(args.shape)) {
    LaunchToWide(shape, args.grad_y, args.weight, args.grad_x, stream);
  } else {
    LaunchToThin(shape, args.grad_y, args.weight, args.grad_x, stream);
  }
}

template <typename T>
void LaunchThinDenseBackwardWeight(const ThinDenseBackwardWeightArgs<T>& args,
                                   cudaStream_t stream) {
  const ThinShape shape = MakeShape(args.shape);
  Require(shape.n > 0, "thin dense: a weight gradient of no rows");
  Require(Slabs(shape.n) == 1 || (args.scratch != nullptr && args.counters != nullptr),
          "thin dense: no scratch");
  const bool out_is_thin = OutIsThin(args.shape);
  const T* thin = out_is_thin ? args.grad_y : args.x;
  const T* wide = out_is_thin ? args.x : args.grad_y;
  const auto launch = InPacks(shape, wide, nullptr) ? Weight<T, kPackElems<T>> : Weight<T, 1>;
  launch(shape, thin, wide, args, stream);
}

size_t ThinDenseScratchBytes(const DenseShape& shape) {
  const int slabs = Slabs(shape.n);
  if (slabs == 1) return 0;
  return sizeof(float) * static_cast<size_t>(slabs) * static_cast<size_t>(shape.in) *
         static_cast<size_t>(shape.out);
}

int ThinDenseCounters(const DenseShape& dense) {
  const ThinShape shape = MakeShape(dense);
  return Slabs(shape.n) == 1 ? 0 : ThinTiles(shape.thin) * WideTiles(shape.wide, 1);
}

template void LaunchThinDenseForward(const ThinDenseForwardArgs<float>&, cudaStream_t);
template void LaunchThinDenseForward(const ThinDenseForwardArgs<bf16>&, cudaStream_t);
template void LaunchThinDenseBackwardData(const ThinDenseBackwardDataArgs<float>&, cudaStream_t);
template void LaunchThinDenseBackwardData(const ThinDenseBackwardDataArgs<bf16>&, cudaStream_t);
template void LaunchThinDenseBackwardWeight(const WeightArgs<float>&, cudaStream_t);
template void LaunchThinDenseBackwardWeight(const WeightArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
