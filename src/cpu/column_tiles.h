// Per-channel work on NHWC activations, cut into tiles that suit any channel count.
//
// A tensor of `pixels` x `channels` is seen as a matrix of wide rows: with few channels, `group`
// pixels side by side make one row, so that inner loops are long enough for vectors even where c
// == 1. The matrix is cut into chunks of rows and, where rows are long, into blocks of columns. The
// cut depends on the sizes only, never on the thread count, so sums over tiles always round the
// same way.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace numeral::cpu {

class ColumnTiles {
 public:
  // Columns of a tile, and how many rows a float sums up before it is added to a double.
  static constexpr int kMaxColumns = 256;
  static constexpr int kFlushRows = 32;

  struct Tile {
    int64_t chunk;
    int64_t first_row, rows;
    int64_t first_column, columns;
    int64_t tail;  // columns of the incomplete row that follows the tile's rows; mostly 0
  };

  ColumnTiles(int64_t pixels, int64_t channels);

  int64_t pixels() const { return pixels_; }
  int64_t channels() const { return channels_; }
  int64_t group() const { return group_; }
  int64_t width() const { return channels_ * group_; }
  int64_t chunks() const { return chunks_; }
  int64_t count() const { return chunks_ * blocks_; }
  int64_t elems() const { return pixels_ * channels_; }
  Tile At(int64_t index) const;

  // Writes a channel's value into each of its columns of a table of width() floats.
  void Spread(float value, int64_t channel, float* table) const {
    for (int64_t i = channel; i < width(); i += channels_) table[i] = value;
  }

 private:
  int64_t pixels_, channels_, group_;
  int64_t rows_, tail_;
  int64_t chunks_, blocks_, chunk_rows_, block_columns_;
};

// row(offset, first_column, columns) for each row of the tile, the incomplete one last; `offset` is
// the element where the row begins.
template <typename Row>
void ForEachRow(const ColumnTiles& tiles, const ColumnTiles::Tile& tile, const Row& row) {
  const int64_t begin = tile.first_row * tiles.width() + tile.first_column;
  for (int64_t r = 0; r < tile.rows; ++r) {
    row(begin + r * tiles.width(), tile.first_column, tile.columns);
  }
  if (tile.tail > 0) row(begin + tile.rows * tiles.width(), tile.first_column, tile.tail);
}

// kSums sums for each column of a tile, in float over few rows and in double over all.
template <int kSums>
struct ColumnSums {
  alignas(64) double total[kSums][ColumnTiles::kMaxColumns];
  alignas(64) float recent[kSums][ColumnTiles::kMaxColumns];

  void Clear(int64_t columns) {
    for (int s = 0; s < kSums; ++s) {
      std::fill_n(total[s], columns, 0.0);
      std::fill_n(recent[s], columns, 0.0f);
    }
  }
  void Flush(int64_t columns) {
    for (int s = 0; s < kSums; ++s) {
#pragma omp simd
      for (int64_t j = 0; j < columns; ++j) {
        total[s][j] += static_cast<double>(recent[s][j]);
        recent[s][j] = 0;
      }
    }
  }
};

// As ForEachRow, with row(offset, first_column, columns, recent) adding to recent[sum][0 ..
// columns-1].
template <int kSums, typename Row>
void SumRows(const ColumnTiles& tiles, const ColumnTiles::Tile& tile, ColumnSums<kSums>& sums,
             const Row& row) {
  sums.Clear(tile.columns);
  int64_t done = 0;
  ForEachRow(tiles, tile, [&](int64_t offset, int64_t first_column, int64_t columns) {
    row(offset, first_column, columns, sums.recent);
    if (++done % ColumnTiles::kFlushRows == 0) sums.Flush(tile.columns);
  });
  sums.Flush(tile.columns);
}

// Per-channel sums of every chunk, added up in the order of the chunks.
template <int kSums>
class ChannelSums {
 public:
  explicit ChannelSums(const ColumnTiles& tiles)
      : tiles_(tiles), values_(static_cast<size_t>(tiles.chunks() * kSums * tiles.channels())) {}

  // A tile holds whole channels: a block of them, or all of them `group` times.
  void Store(const ColumnTiles::Tile& tile, const ColumnSums<kSums>& sums) {
    const int64_t channels = std::min(tile.columns, tiles_.channels());
    for (int s = 0; s < kSums; ++s) {
      double* out =
          values_.data() + (tile.chunk * kSums + s) * tiles_.channels() + tile.first_column;
      std::copy_n(sums.total[s], channels, out);
      for (int64_t j = channels; j < tile.columns; j += channels) {
        for (int64_t c = 0; c < channels; ++c) out[c] += sums.total[s][j + c];
      }
    }
  }
  double Total(int sum, int64_t channel) const {
    double total = 0;
    for (int64_t chunk = 0; chunk < tiles_.chunks(); ++chunk) {
      total += values_[static_cast<size_t>((chunk * kSums + sum) * tiles_.channels() + channel)];
    }
    return total;
  }

 private:
  ColumnTiles tiles_;
  std::vector<double> values_;
};

}  // namespace numeral::cpu
