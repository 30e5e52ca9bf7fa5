#include "cuda/kernels/bias_act_element.h"
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

template <typename T, int kWidth, typename Epilogue>
__global__ void __launch_bounds__(kThreads)
    thin_dense_to_thin_kernel(ThinShape shape, const T* wide, const float* weight, T* thin,
                              Epilogue epilogue) {
  WaitForEarlierKernels();
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
  const int64_t index = static_cast<int64_t>(row) * shape.thin + t;
  thin[index] = epilogue.Element(sum, index, t);
}

// ---- to wide

constexpr int kSpreadRows = 4;
constexpr int kSpreadThreads = 128;

// Wide columns w .. w + kWidth - 1 of kSpreadRows rows, as far as they exist.
template <int kWidth, typename T, typename Epilogue>
__device__ void SpreadRows(const ThinShape& shape, const T* thin, const float* weight,
                           int first_row, int w, T* wide, const Epilogue& epilogue) {
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
    const int64_t index = static_cast<int64_t>(first_row + r) * shape.wide + w;
    if constexpr (kWidth == 1) {
      wide[index] = epilogue.Element(sums[r][0], index, w);
    } else {
      StorePack(wide + index, epilogue.Elements(sums[r], index, w));
    }
  }
}

template <typename T, int kWidth, typename Epilogue>
__global__ void __launch_bounds__(kSpreadThreads)
    thin_dense_to_wide_kernel(ThinShape shape, const T* thin, const float* weight, T* wide,
                              Epilogue epilogue) {
  WaitForEarlierKernels();
  const int w =
      (static_cast<int>(blockIdx.y) * kSpreadThreads + static_cast<int>(threadIdx.x)) * kWidth;
  SpreadRows<kWidth>(shape, thin, weight, static_cast<int>(blockIdx.x) * kSpreadRows, w, wide,
                     epilogue);
}

// ---- weight

constexpr int kSlabRows = 64;

unsigned Blocks(int elems, int of_block) {
  return static_cast<unsigned>((elems + of_block - 1) / of_block);
}
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

// sums[t][i] = sum over every eighth row of the slab of thin[row][t] * wide[row][w + i], and
// thin_sums[t] = that of thin[row][t].
template <typename T, int kWidth>
__device__ void SumRows(const ThinShape& shape, const T* thin, const T* wide, int first_row,
                        int first_t, int w, float (&sums)[kThinTile][kWidth],
                        float (&thin_sums)[kThinTile]) {
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
      thin_sums[t] += value;
    }
  }
}

__device__ inline void Put(float sum, float* place, bool accumulate) {
  *place = accumulate ? *place + sum : sum;
}

// Blocks x < slabs of a tile are for the gradients of the parameters, those behind for the data's.
template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    thin_dense_weight_kernel(ThinShape shape, const T* thin, const T* wide,
                             ThinDenseBackwardWeightArgs<T> args, unsigned slabs) {
  WaitForEarlierKernels();
  constexpr int kColumns = kWarp * kWidth;
  using Tile = GradientTile<kColumns>;
  SIMT_SHARED(float, per_warp, [kWarps][Tile::kElems]);
  SIMT_SHARED(float, thin_per_warp, [kWarps][kThinTile]);
  const Tile tile = {static_cast<int>(blockIdx.z) * kThinTile,
                     static_cast<int>(blockIdx.y) * kColumns};
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int column = static_cast<int>(threadIdx.x) % kWarp * kWidth;
  if (blockIdx.x >= slabs) {
    const int first_row = (static_cast<int>(blockIdx.x - slabs) * kWarps + warp) * kSpreadRows;
    if (blockIdx.z == 0) {
      SpreadRows<kWidth>(shape, thin, args.weight, first_row, tile.first_w + column, args.grad_x,
                         RoundedElement<T>());
    }
    return;
  }

  float sums[kThinTile][kWidth] = {}, thin_sums[kThinTile] = {};
  if (tile.first_w + column < shape.wide) {
    SumRows<T, kWidth>(shape, thin, wide, static_cast<int>(blockIdx.x) * kSlabRows, tile.first_t,
                       tile.first_w + column, sums, thin_sums);
  }
#pragma unroll
  for (int t = 0; t < kThinTile; ++t) {
#pragma unroll
    for (int i = 0; i < kWidth; ++i) per_warp[warp][t * kColumns + column + i] = sums[t][i];
    if (column == 0) thin_per_warp[warp][t] = thin_sums[t];
  }
  __syncthreads();  // The warps' parts of the tile are there.

  // What this block has of the tile's elements goes to scratch, or to its place if that is all.
  const int64_t elems = static_cast<int64_t>(shape.thin) * shape.wide;
  const int64_t slab_elems = elems + shape.thin;
  const bool accumulate = args.mode == GradientMode::kAccumulate;
  const bool accumulate_bias = args.bias_mode == GradientMode::kAccumulate;
  const bool alone = slabs == 1;
  float* own = args.scratch + blockIdx.x * slab_elems;
  for (int i = static_cast<int>(threadIdx.x); i < Tile::kElems; i += kThreads) {
    if (!tile.Has(shape, i)) continue;
    float sum = 0;
    for (int j = 0; j < kWarps; ++j) sum += per_warp[j][i];
    const int64_t index = tile.Index(shape, i);
    Put(sum, alone ? args.grad_weight + index : own + index, alone && accumulate);
  }
  const int t = tile.first_t + static_cast<int>(threadIdx.x);
  const bool sums_bias =
      args.grad_bias != nullptr && blockIdx.y == 0 && threadIdx.x < kThinTile && t < shape.thin;
  if (sums_bias) {
    float sum = 0;
    for (int j = 0; j < kWarps; ++j) sum += thin_per_warp[j][threadIdx.x];
    Put(sum, alone ? args.grad_bias + t : own + elems + t, alone && accumulate_bias);
  }
  if (alone || !IsLastBlock(&args.counters[blockIdx.z * gridDim.y + blockIdx.y], slabs)) return;

  const auto sum_of_slabs = [&](int64_t index) {
    float sum = 0;
    for (unsigned slab = 0; slab < slabs; ++slab) sum += args.scratch[slab * slab_elems + index];
    return sum;
  };
  for (int i = static_cast<int>(threadIdx.x); i < Tile::kElems; i += kThreads) {
    if (!tile.Has(shape, i)) continue;
    const int64_t index = tile.Index(shape, i);
    Put(sum_of_slabs(index), args.grad_weight + index, accumulate);
  }
  if (sums_bias) Put(sum_of_slabs(elems + t), args.grad_bias + t, accumulate_bias);
}

// ---- launchers

// Whether rows of the wide matrix, and those of a weight stored alike, can be read in packs.
template <typename T>
bool InPacks(const ThinShape& shape, const T* wide, const float* weight) {
  return shape.wide % kPackElems<T> == 0 && Aligned(16, wide) &&
         (shape.wide_stride != 1 || Aligned(16, weight));
}

template <typename T>
void LaunchToThin(const ThinShape& shape, const T* wide, const float* weight, T* thin,
                  const BiasActEpilogue<T>& epilogue, cudaStream_t stream) {
  if (shape.n == 0) return;
  const dim3 grid(Blocks(shape.n, kDotRows), static_cast<unsigned>(ThinTiles(shape.thin)));
  WithEpilogue(epilogue, shape.thin, [&](const auto& functor) {
    using Epilogue = std::decay_t<decltype(functor)>;
    Launch("thin_dense_to_thin",
           InPacks(shape, wide, weight) ? thin_dense_to_thin_kernel<T, kPackElems<T>, Epilogue>
                                        : thin_dense_to_thin_kernel<T, 1, Epilogue>,
           {grid, kThreads}, stream, shape, wide, weight, thin, functor);
  });
}

template <typename T>
void LaunchToWide(const ThinShape& shape, const T* thin, const float* weight, T* wide,
                  const BiasActEpilogue<T>& epilogue, cudaStream_t stream) {
  if (shape.n == 0) return;
  WithEpilogue(epilogue, shape.wide, [&](const auto& functor) {
    using Epilogue = std::decay_t<decltype(functor)>;
    const bool packed = InPacks(shape, wide, weight) && functor.InPacks();
    const dim3 grid(Blocks(shape.n, kSpreadRows),
                    Blocks(shape.wide, kSpreadThreads * (packed ? kPackElems<T> : 1)));
    Launch("thin_dense_to_wide",
           packed ? thin_dense_to_wide_kernel<T, kPackElems<T>, Epilogue>
                  : thin_dense_to_wide_kernel<T, 1, Epilogue>,
           {grid, kSpreadThreads}, stream, shape, thin, weight, wide, functor);
  });
}

template <typename T>
using WeightArgs = ThinDenseBackwardWeightArgs<T>;

template <typename T, int kWidth>
void Weight(const ThinShape& shape, const T* thin, const T* wide, const WeightArgs<T>& args,
            cudaStream_t stream) {
  const auto slabs = static_cast<unsigned>(Slabs(shape.n));
  const unsigned data_blocks = args.grad_x == nullptr ? 0 : Blocks(shape.n, kWarps * kSpreadRows);
  const dim3 grid(slabs + data_blocks, static_cast<unsigned>(WideTiles(shape.wide, kWidth)),
                  static_cast<unsigned>(ThinTiles(shape.thin)));
  Launch("thin_dense_weight", thin_dense_weight_kernel<T, kWidth>, {grid, kThreads}, stream, shape,
         thin, wide, args, slabs);
}

}  // namespace

template <typename T>
void LaunchThinDenseForward(const ThinDenseForwardArgs<T>& args, cudaStream_t stream) {
  const ThinShape shape = MakeShape(args.shape);
  if (OutIsThin(args.shape)) {
    LaunchToThin(shape, args.x, args.weight, args.y, args.epilogue, stream);
  } else {
    LaunchToWide(shape, args.x, args.weight, args.y, args.epilogue, stream);
  }
}

template <typename T>
void LaunchThinDenseBackwardData(const ThinDenseBackwardDataArgs<T>& args, cudaStream_t stream) {
  const ThinShape shape = MakeShape(args.shape);
  if (OutIsThin(args.shape)) {
    LaunchToWide(shape, args.grad_y, args.weight, args.grad_x, args.epilogue, stream);
  } else {
    LaunchToThin(shape, args.grad_y, args.weight, args.grad_x, args.epilogue, stream);
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
  Require(out_is_thin || (args.grad_bias == nullptr && args.grad_x == nullptr),
          "thin dense: more gradients of a wide output");
  Require((args.grad_x == nullptr) == (args.weight == nullptr), "thin dense: operands of grad_x");
  const T* thin = out_is_thin ? args.grad_y : args.x;
  const T* wide = out_is_thin ? args.x : args.grad_y;
  const bool packed = InPacks(shape, wide, args.weight) && Aligned(16, args.grad_x);
  const auto launch = packed ? Weight<T, kPackElems<T>> : Weight<T, 1>;
  launch(shape, thin, wide, args, stream);
}

size_t ThinDenseScratchBytes(const DenseShape& shape) {
  const int slabs = Slabs(shape.n);
  if (slabs == 1) return 0;
  const ThinShape thin = MakeShape(shape);
  return sizeof(float) * static_cast<size_t>(slabs) * static_cast<size_t>(thin.thin) *
         (static_cast<size_t>(thin.wide) + 1);
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
