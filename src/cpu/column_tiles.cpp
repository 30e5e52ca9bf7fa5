#include "cpu/column_tiles.h"

namespace numeral::cpu {
namespace {

// Enough tiles to keep the cores of one machine busy, few enough that adding them up costs nothing.
constexpr int64_t kTargetTiles = 64;
// A wide row of grouped pixels has at most this many columns, and more than half as many.
constexpr int64_t kGroupedColumns = 128;

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

ColumnTiles::ColumnTiles(int64_t pixels, int64_t channels) : pixels_(pixels), channels_(channels) {
  group_ = 1;
  while (2 * group_ * channels_ <= kGroupedColumns) group_ *= 2;
  rows_ = pixels_ / group_;
  tail_ = (pixels_ % group_) * channels_;
  blocks_ = DivideUp(width(), kMaxColumns);
  // Blocks of about equal width that begin at whole vectors.
  block_columns_ = blocks_ == 1 ? width() : DivideUp(DivideUp(width(), blocks_), 16) * 16;
  blocks_ = DivideUp(width(), block_columns_);
  const int64_t most = std::max<int64_t>(1, kTargetTiles / blocks_);
  chunks_ = std::clamp<int64_t>(rows_ / kFlushRows, 1, most);
  chunk_rows_ = std::max<int64_t>(1, DivideUp(rows_, chunks_));
  chunks_ = std::max<int64_t>(1, DivideUp(rows_, chunk_rows_));
}

ColumnTiles::Tile ColumnTiles::At(int64_t index) const {
  Tile tile;
  tile.chunk = index / blocks_;
  tile.first_row = tile.chunk * chunk_rows_;
  tile.rows = std::min(chunk_rows_, rows_ - tile.first_row);
  tile.first_column = index % blocks_ * block_columns_;
  tile.columns = std::min(block_columns_, width() - tile.first_column);
  tile.tail = tile.chunk == chunks_ - 1 ? tail_ : 0;
  return tile;
}

}  // namespace numeral::cpu
