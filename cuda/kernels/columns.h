// What kernels on a ColumnGrid are written with: a thread's rows, and sums of columns.
#pragma once

#include "cuda/kernels/column_grid.h"
#include "cuda/support/reduce.h"
#include "plan/ops.h"

namespace numeral::cuda {

// The rows and the pack of columns of the calling thread; no rows for a thread without a column.
template <int kPack>
struct ColumnThread {
  int column;
  int64_t first_row, end_row;

  __device__ explicit ColumnThread(const ColumnGrid& grid) {
    const int thread = static_cast<int>(threadIdx.x);
    const int lane = thread / grid.width;
    column = (static_cast<int>(blockIdx.x) * grid.width + thread % grid.width) * kPack;
    const int64_t slab = blockIdx.y * grid.slab_rows, end = slab + grid.slab_rows;
    end_row = end < grid.rows ? end : grid.rows;
    const bool works = lane < grid.lanes && column < grid.columns;
    first_row = works ? slab + lane : end_row;
  }
  __device__ bool works() const { return first_row < end_row; }
};

// Rows that a thread loads before it works on the first, to have them under way together: as many
// of so many operands as its registers hold.
template <int kOperands>
inline constexpr int kRowBatch = kOperands <= 2 ? 4 : 2;

// load(k, i) for the thread's next kBatch rows, then use(k, i) for the same, until all are done:
// k counts within the batch, i is the offset of the pack's first element.
template <int kBatch, int kPack, typename LoadRow, typename UseRow>
__device__ inline void ForEachRow(const ColumnGrid& grid, const ColumnThread<kPack>& thread,
                                  const LoadRow& load, const UseRow& use) {
  const int64_t stride = int64_t{grid.lanes} * grid.columns;
  int64_t offset = thread.first_row * grid.columns + thread.column;
  for (int64_t row = thread.first_row; row < thread.end_row;
       row += int64_t{kBatch} * grid.lanes, offset += kBatch * stride) {
    const int64_t left = thread.end_row - row;
    for (int k = 0; k < kBatch; ++k) {
      if (k * grid.lanes < left) load(k, offset + k * stride);
    }
    for (int k = 0; k < kBatch; ++k) {
      if (k * grid.lanes < left) use(k, offset + k * stride);
    }
  }
}

// Threads t, t + width, t + 2 * width ... below width * lanes bring numbers; t < width gets their
// sums, in `values` and in shared[.][t] alike. All threads of the block call.
template <int kValues, typename Value>
__device__ inline void SumLanes(int lanes, int width, Value (&values)[kValues],
                                Value (*shared)[kColumnThreads]) {
  const int thread = static_cast<int>(threadIdx.x);
  for (int v = 0; v < kValues; ++v) shared[v][thread] = values[v];
  for (int count = lanes; count > 1; count = (count + 1) / 2) {
    const int half = (count + 1) / 2;
    __syncthreads();  // What the next lanes have is there.
    if (thread < (count - half) * width) {
      for (int v = 0; v < kValues; ++v) {
        values[v] += shared[v][thread + half * width];
        shared[v][thread] = values[v];
      }
    }
  }
  __syncthreads();  // The sums are there, for all threads.
}

// Whether the thread answers for a column of the tile, and which: the thread's number in the block
// is the column's in the tile.
template <int kPack>
struct TileColumn {
  int column;
  bool exists;

  __device__ explicit TileColumn(const ColumnGrid& grid) {
    const int thread = static_cast<int>(threadIdx.x), columns = grid.width * kPack;
    column = static_cast<int>(blockIdx.x) * columns + thread;
    exists = thread < columns && column < grid.columns;
  }
};

// Sums of `values` over the lanes of the block: threads with a TileColumn get its sums in `totals`.
// All threads call, once in a kernel.
template <int kSums, int kPack>
__device__ inline void SumTile(const ColumnGrid& grid, float (&values)[kSums * kPack],
                               double (&totals)[kSums]) {
  SIMT_SHARED(float, shared, [kSums * kPack][kColumnThreads]);
  SumLanes(grid.lanes, grid.width, values, shared);
  const int thread = static_cast<int>(threadIdx.x);
  if (thread >= grid.width * kPack) return;
  for (int s = 0; s < kSums; ++s) totals[s] = shared[s * kPack + thread % kPack][thread / kPack];
}

// Sums of `totals` over the slabs of a tile: true in the block that comes last, whose threads with
// a TileColumn then have its sums in `totals`. All threads call, once in a kernel. `partials` has
// room for [slabs][kSums][columns].
template <int kSums, int kPack>
__device__ inline bool SumSlabs(const ColumnGrid& grid, double (&totals)[kSums], double* partials,
                                unsigned* counters) {
  if (grid.slabs == 1) return true;
  const TileColumn<kPack> own(grid);
  if (own.exists) {
    for (int s = 0; s < kSums; ++s) {
      partials[(int64_t{blockIdx.y} * kSums + s) * grid.columns + own.column] = totals[s];
    }
  }
  if (!IsLastBlock(counters + blockIdx.x, static_cast<unsigned>(grid.slabs))) return false;

  SIMT_SHARED(double, shared, [kSums][kColumnThreads]);
  const int width = grid.width * kPack, lanes = static_cast<int>(blockDim.x) / width;
  const int lane = static_cast<int>(threadIdx.x) / width;
  const int column = static_cast<int>(blockIdx.x) * width + static_cast<int>(threadIdx.x) % width;
  for (int s = 0; s < kSums; ++s) totals[s] = 0;
  if (lane < lanes && column < grid.columns) {
    for (int slab = lane; slab < grid.slabs; slab += lanes) {
      for (int s = 0; s < kSums; ++s) {
        totals[s] += partials[(int64_t{slab} * kSums + s) * grid.columns + column];
      }
    }
  }
  SumLanes(lanes, width, totals, shared);
  return true;
}

// The sum over a column, as the gradient of its parameter.
__device__ inline void StoreSum(GradientMode mode, double sum, float& target) {
  const float value = static_cast<float>(sum);
  target = mode == GradientMode::kAccumulate ? target + value : value;
}

}  // namespace numeral::cuda
