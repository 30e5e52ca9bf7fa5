// How a matrix [rows][columns] is divided among blocks that treat its columns alike: channels with
// a bias or a norm, and sums over everything but the channel.
//
// A block has a tile of columns, 128 bytes wide at most, and a slab of neighbouring rows; grid =
// {tiles, slabs}. Of its threads, `width` stand next to each other along a row, with one pack of
// elements each, and `lanes` rows of them below each other; a thread keeps its columns from row to
// row, and what belongs to a column in registers. Sums are taken over a thread's rows, over the
// lanes as a tree and over the slabs by the last block of a tile: an order that sizes and the
// alignment of addresses decide, so that a run repeats to the bit. Kernels do so with columns.h.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "cuda/support/launch.h"
#include "cuda/support/vector.h"

namespace numeral::cuda {

inline constexpr int kColumnThreads = 512;  // of a block at most
// Columns of a thread, 16 bytes of fp32 and 8 of bf16: with more, what belongs to them does not fit
// the registers that a thread may have with two blocks on a processor.
inline constexpr int kColumnPack = 4;
inline constexpr int kTileBytes = 128;  // of a row
inline constexpr int kThreadRows = 4;   // at least, before rows go to another block
// Up to here one block sums all rows of a tile: more blocks would cost more than they gain.
inline constexpr int64_t kOneSlabRows = 1024;
// What an H200 (132 processors) holds at once.
inline constexpr int kColumnBlocks = 2 * 132;

template <typename T>
inline constexpr int kTileColumns = kTileBytes / static_cast<int>(sizeof(T));  // at most

struct ColumnGrid {
  int64_t rows = 0;
  int columns = 0;
  int width = 0, lanes = 0;
  int tiles = 0, slabs = 0;
  int64_t slab_rows = 0;  // the last slab may have fewer, but not none
  int threads = 0;

  LaunchShape Shape() const {
    return {dim3(static_cast<unsigned>(tiles), static_cast<unsigned>(slabs)),
            static_cast<unsigned>(threads)};
  }
};

// `pack` elements of `elem_bytes` are one access; `columns` is a multiple of it. All rows are in
// one slab up to `one_slab_rows`.
inline ColumnGrid DivideColumns(int64_t rows, int columns, int pack, int elem_bytes,
                                int64_t one_slab_rows) {
  const auto over = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  const int packs = columns / pack, widest = kTileBytes / (pack * elem_bytes);
  ColumnGrid grid{.rows = rows, .columns = columns};
  grid.tiles = static_cast<int>(over(packs, widest));
  grid.width = static_cast<int>(over(packs, grid.tiles));
  const int64_t lanes = kColumnThreads / grid.width;
  grid.lanes = static_cast<int>(lanes < rows ? lanes : rows);
  const int64_t wanted = rows <= one_slab_rows ? 1 : over(rows, int64_t{kThreadRows} * grid.lanes);
  const int64_t slabs = wanted * grid.tiles < kColumnBlocks ? wanted : kColumnBlocks / grid.tiles;
  grid.slab_rows = over(rows, slabs > 0 ? slabs : 1);
  grid.slabs = static_cast<int>(over(rows, grid.slab_rows));
  // A thread for every pack of a lane, and one for every column of the tile.
  const int needed = grid.width * (grid.lanes > pack ? grid.lanes : pack);
  grid.threads = static_cast<int>(over(needed, 32)) * 32;
  return grid;
}

// For kernels that sum columns, and for those that do not.
template <typename T>
ColumnGrid GridForSums(int64_t rows, int columns, int pack) {
  return DivideColumns(rows, columns, pack, sizeof(T), kOneSlabRows);
}
template <typename T>
ColumnGrid GridForRows(int64_t rows, int columns, int pack) {
  return DivideColumns(rows, columns, pack, sizeof(T), 0);
}

// Elements of an access: kColumnPack where rows and addresses allow it, else one.
template <typename T, typename... Pointers>
int PackFor(int columns, const Pointers*... pointers) {
  const bool packed = columns % kColumnPack == 0 && Aligned(kColumnPack * sizeof(T), pointers...);
  return packed ? kColumnPack : 1;
}

// What a node has to reserve for the sums of a grid: SumSlabs.
struct SumScratch {
  size_t bytes = 0;
  int counters = 0;
};
inline SumScratch ScratchFor(const ColumnGrid& grid, int sums) {
  if (grid.slabs == 1) return {};
  return {sizeof(double) * static_cast<size_t>(grid.slabs) * static_cast<size_t>(sums) *
              static_cast<size_t>(grid.columns),
          grid.tiles};
}

}  // namespace numeral::cuda
