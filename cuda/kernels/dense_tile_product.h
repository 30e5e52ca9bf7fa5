// The product of a dense tile (dense_tile.h): operands through shared memory, sums of all rows by
// some columns into it.
#pragma once

#include <type_traits>

#include "cuda/support/async_copy.h"
#include "cuda/support/matrix_tile.h"
#include "cuda/support/simt.h"
#include "cuda/support/vector.h"

namespace numeral::cuda {

inline constexpr int kTileThreads = 256;
inline constexpr int kTileWarps = kTileThreads / kWarp;

// Sums over the depth in `kSlices` parts, in shared memory; of them the first becomes the sum.
template <int kAllRows, int kAllColumns, int kAllSlices>
struct TileSums {
  static constexpr int kRows = kAllRows, kColumns = kAllColumns, kSlices = kAllSlices;
  static constexpr int kStride = kColumns + 4;
  static constexpr int kElems = kRows * kStride;  // of a slice
  float* values;

  __device__ float& At(int row, int column) const { return values[row * kStride + column]; }
  __device__ float* Slice(int slice) const { return values + slice * kElems; }
  __device__ float Sum(int row, int column) const {
    float sum = At(row, column);
#pragma unroll
    for (int s = 1; s < kSlices; ++s) sum += Slice(s)[row * kStride + column];
    return sum;
  }
};

// Strides of a stage in elements. 16 bytes between rows keep neighbouring ones on different banks.
template <typename T, int kColumns, bool kByDepth>
struct TileStage {
  static constexpr int kGap = 16 / static_cast<int>(sizeof(T));
  static constexpr int kDepth = 128 / static_cast<int>(sizeof(T));
  static constexpr int kRowStride = kDepth + kGap;
  // The weight lies as [depth][columns] or as [columns][depth].
  static constexpr int kWeightRows = kByDepth ? kDepth : kColumns;
  static constexpr int kWeightWidth = kByDepth ? kColumns : kDepth;
  static constexpr int kWeightStride = kWeightWidth + kGap;
};

// fp32 multiply-adds: a thread has every 16th row and 4 columns, a warp 4 of a stage's 32 depths.
template <int kRowTiles, bool kForward>
class MultiplyAddTile {
 public:
  using Element = float;
  static constexpr int kColumns = 8;
  using Stage = TileStage<float, kColumns, !kForward>;
  using Sums = TileSums<16 * kRowTiles, kColumns, kTileWarps>;

  __device__ void Accumulate(const float* rows, const float* weight) {
    Pack<float> w[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      w[i] =
          LoadPack(kForward ? weight + (FirstColumn() + i) * Stage::kWeightStride + FirstDepth()
                            : weight + (FirstDepth() + i) * Stage::kWeightStride + FirstColumn());
    }
#pragma unroll
    for (int r = 0; r < kRowTiles; ++r) {
      const Pack<float> x = LoadPack(rows + Row(r) * Stage::kRowStride + FirstDepth());
#pragma unroll
      for (int d = 0; d < 4; ++d) {
#pragma unroll
        for (int c = 0; c < 4; ++c) {
          sums_[r].at[c] = fmaf(x.at[d], kForward ? w[c].at[d] : w[d].at[c], sums_[r].at[c]);
        }
      }
    }
  }

  __device__ void Store(const Sums& sums) const {
    float* slice = sums.Slice(Warp());
#pragma unroll
    for (int r = 0; r < kRowTiles; ++r) {
      StorePack(slice + Row(r) * Sums::kStride + FirstColumn(), sums_[r]);
    }
  }

 private:
  static_assert(Stage::kDepth == 4 * kTileWarps && kColumns * 4 == kWarp);
  __device__ static int Warp() { return static_cast<int>(threadIdx.x) / kWarp; }
  __device__ static int Lane() { return static_cast<int>(threadIdx.x) % kWarp; }
  __device__ static int Row(int r) { return Lane() % 16 + 16 * r; }
  __device__ static int FirstColumn() { return Lane() / 16 * 4; }
  __device__ static int FirstDepth() { return Warp() * 4; }

  Pack<float> sums_[kRowTiles] = {};
};

// Tensor cores: a warp has some tiles of 16 rows, all columns, and a slice of a stage's depth.
template <typename T, int kRowTiles, int kColumnTiles, bool kForward>
class TensorTile {
 public:
  using Element = T;
  static constexpr int kColumns = kMatrixTile * kColumnTiles;
  using Stage = TileStage<T, kColumns, !kForward>;
  // Tiles of a warp, or warps of a tile.
  static constexpr int kWarpTiles = kRowTiles >= kTileWarps ? kRowTiles / kTileWarps : 1;
  static constexpr int kSlices = kRowTiles >= kTileWarps ? 1 : kTileWarps / kRowTiles;
  using Sums = TileSums<kMatrixTile * kRowTiles, kColumns, kSlices>;

  __device__ void Accumulate(const T* rows, const T* weight) {
    constexpr int kStep = kMatrixTileDepth<T>;
#pragma unroll
    for (int first = 0; first < Stage::kDepth; first += kStep * kSlices) {
      const int depth = first + Slice() * kStep;
      MatrixRows<T> x[kWarpTiles];
#pragma unroll
      for (int r = 0; r < kWarpTiles; ++r) {
        x[r].Load(rows + FirstRow(r) * Stage::kRowStride + depth, Stage::kRowStride);
      }
#pragma unroll
      for (int c = 0; c < kColumnTiles; ++c) {
        const int column = c * kMatrixTile;
        MatrixColumns<T, !kForward> w;
        w.Load(weight + (kForward ? column * Stage::kWeightStride + depth
                                  : depth * Stage::kWeightStride + column),
               Stage::kWeightStride);
#pragma unroll
        for (int r = 0; r < kWarpTiles; ++r) sums_[r][c].MultiplyAdd(x[r], w);
      }
    }
  }

  __device__ void Store(const Sums& sums) const {
#pragma unroll
    for (int r = 0; r < kWarpTiles; ++r) {
#pragma unroll
      for (int c = 0; c < kColumnTiles; ++c) {
        sums_[r][c].Store(sums.Slice(Slice()) + FirstRow(r) * Sums::kStride + c * kMatrixTile,
                          Sums::kStride);
      }
    }
  }

 private:
  static_assert(kTileWarps % kRowTiles == 0 || kRowTiles % kTileWarps == 0);
  __device__ static int Warp() { return static_cast<int>(threadIdx.x) / kWarp; }
  __device__ static int FirstRow(int r) {
    return (Warp() % kRowTiles + r * kTileWarps) * kMatrixTile;
  }
  __device__ static int Slice() { return Warp() / kRowTiles; }

  MatrixSums<T> sums_[kWarpTiles][kColumnTiles];
};

// The operands in global memory. weight is [columns][depth] or [depth][columns].
template <typename T>
struct TileOperands {
  const T *x, *weight;
  int rows, depth, columns;
  int copy_bytes;  // 4, 8 or 16, which all rows of both begin at a multiple of
};

// Copies [valid_rows][valid_width] of a matrix into a stage and fills that up with zeros. All
// threads of the block call.
template <int kRows, int kWidth, int kStride, int kBytes, typename T>
__device__ void CopyIntoStage(const T* from, int from_stride, int valid_rows, int valid_width,
                              T* stage, AsyncCopies& copies) {
  constexpr int kElems = kBytes / static_cast<int>(sizeof(T)), kUnits = kWidth / kElems;
  for (int i = static_cast<int>(threadIdx.x); i < kRows * kUnits; i += kTileThreads) {
    const int row = i / kUnits, first = i % kUnits * kElems;
    T* to = stage + row * kStride + first;
    if (row < valid_rows && first < valid_width) {
      copies.Copy<kBytes>(to, from + int64_t{row} * from_stride + first);
    } else {
      StorePack(to, Pack<T, kElems>{});
    }
  }
}

// The block's columns begin at `first_column`.
template <typename Product, bool kForward>
class TilePipeline {
 public:
  using T = typename Product::Element;
  using Stage = typename Product::Stage;
  using Sums = typename Product::Sums;
  static constexpr int kStages = 4;
  static constexpr int kRowElems = Sums::kRows * Stage::kRowStride;
  static constexpr int kStageElems = kRowElems + Stage::kWeightRows * Stage::kWeightStride;
  // A slice more than the sums need is the caller's, on the way back.
  static constexpr size_t kSharedBytes = [] {
    const size_t stages = sizeof(T) * kStages * kStageElems;
    const size_t sums = sizeof(float) * (Sums::kSlices + (kForward ? 0 : 1)) * Sums::kElems;
    return stages > sums ? stages : sums;
  }();
  static_assert(sizeof(T) * kRowElems % 32 == 0 && sizeof(T) * kStageElems % 32 == 0);

  // The sums take the place of the stages and are there for all threads.
  __device__ static Sums Run(const TileOperands<T>& operands, int first_column) {
    T* stages = DynamicShared<T>();
    const int chunks = (operands.depth + Stage::kDepth - 1) / Stage::kDepth;
    AsyncCopies copies;
    const auto load = [&](int chunk) {
      if (chunk < chunks) {
        Load(operands, first_column, chunk, stages + chunk % kStages * kStageElems, copies);
      }
      copies.Commit();
    };
    for (int chunk = 0; chunk < kStages - 1; ++chunk) load(chunk);
    Product product;
    for (int chunk = 0; chunk < chunks; ++chunk) {
      copies.Wait<kStages - 2>();
      __syncthreads();  // This chunk is there, and nobody reads the stage of the last one.
      load(chunk + kStages - 1);
      const T* stage = stages + chunk % kStages * kStageElems;
      product.Accumulate(stage, stage + kRowElems);
    }
    __syncthreads();  // Nobody reads the stages.
    const Sums sums{DynamicShared<float>()};
    product.Store(sums);
    __syncthreads();  // The sums are there.
    return sums;
  }

 private:
  __device__ static void Load(const TileOperands<T>& operands, int first_column, int chunk,
                              T* stage, AsyncCopies& copies) {
    switch (operands.copy_bytes) {
      case 16:
        return LoadBy<16>(operands, first_column, chunk, stage, copies);
      case 8:
        return LoadBy<8>(operands, first_column, chunk, stage, copies);
      default:
        return LoadBy<4>(operands, first_column, chunk, stage, copies);
    }
  }

  template <int kBytes>
  __device__ static void LoadBy(const TileOperands<T>& operands, int first_column, int chunk,
                                T* stage, AsyncCopies& copies) {
    const int first_depth = chunk * Stage::kDepth;
    const int depth = operands.depth - first_depth, columns = operands.columns - first_column;
    CopyIntoStage<Sums::kRows, Stage::kDepth, Stage::kRowStride, kBytes>(
        operands.x + first_depth, operands.depth, operands.rows, depth, stage, copies);
    const T* weight =
        kForward ? operands.weight + int64_t{first_column} * operands.depth + first_depth
                 : operands.weight + int64_t{first_depth} * operands.columns + first_column;
    CopyIntoStage<Stage::kWeightRows, Stage::kWeightWidth, Stage::kWeightStride, kBytes>(
        weight, kForward ? operands.depth : operands.columns, kForward ? columns : depth,
        kForward ? depth : columns, stage + kRowElems, copies);
  }
};

}  // namespace numeral::cuda
