// Batch normalisation with its activation, NHWC, statistics per channel.
//
// Bandwidth-bound: forward reads x twice and writes y, backward reads x, y and grad_y twice and
// writes grad_x. Each op is one parallel region: statistics of tiles, then of channels, then the
// elements.
#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/activation.h"
#include "cpu/column_tiles.h"
#include "cpu/elementwise.h"
#include "cpu/moments.h"
#include "cpu/parallel.h"

namespace numeral::cpu {
namespace {

using Tile = ColumnTiles::Tile;

ColumnTiles TilesOf(const TensorInfo& info) {
  return ColumnTiles(info.rows * info.shape.Pixels(), info.shape.c);
}

// y = act((x - mean) * slope + shift). The mean is taken off first: where it is large against the
// deviation, slope * x + constant would lose the digits that matter.
template <typename Act>
class Normalizer {
 public:
  Normalizer(const ColumnTiles& tiles, Act act)
      : tiles_(tiles), act_(act), table_(static_cast<size_t>(3 * tiles.width())) {}

  void SetChannel(int64_t channel, float mean, float slope, float shift) {
    tiles_.Spread(mean, channel, Mean());
    tiles_.Spread(slope, channel, Mean() + tiles_.width());
    tiles_.Spread(shift, channel, Mean() + 2 * tiles_.width());
  }

  template <typename T>
  void RunTile(const Tile& tile, const T* x, T* y) {
    ForEachRow(tiles_, tile, [&](int64_t offset, int64_t first_column, int64_t columns) {
      const float* mean = Mean() + first_column;
      Row(x + offset, mean, mean + tiles_.width(), mean + 2 * tiles_.width(), columns, y + offset);
    });
  }

 private:
  float* Mean() { return table_.data(); }

  template <typename T>
  [[gnu::always_inline]] void Row(const T* x, const float* mean, const float* slope,
                                  const float* shift, int64_t columns, T* y) const {
    const Act act = act_;
#pragma omp simd
    for (int64_t j = 0; j < columns; ++j) {
      y[j] = act(std::fma(x[j] - mean[j], slope[j], shift[j]));
    }
  }

  ColumnTiles tiles_;
  Act act_;
  std::vector<float> table_;
};

// Moments of every chunk and channel of a tensor.
class ChannelMoments {
 public:
  explicit ChannelMoments(const ColumnTiles& tiles)
      : tiles_(tiles), values_(static_cast<size_t>(tiles.chunks() * tiles.channels())) {}

  // Sums of distances to a value near each column's mean: that of the tile's first rows.
  template <typename T>
  void AddTile(const Tile& tile, const T* x) {
    alignas(64) float near[ColumnTiles::kMaxColumns];
    FirstRowsMean(tile, x, near);
    ColumnSums<2> sums;
    SumRows(tiles_, tile, sums, [&](int64_t offset, int64_t, int64_t columns, auto& recent) {
      const T* row = x + offset;
#pragma omp simd
      for (int64_t j = 0; j < columns; ++j) {
        const float distance = row[j] - near[j];
        recent[0][j] += distance;
        recent[1][j] = std::fma(distance, distance, recent[1][j]);
      }
    });
    Moments* out = values_.data() + tile.chunk * tiles_.channels() + tile.first_column;
    const int64_t channels = std::min(tile.columns, tiles_.channels());
    std::fill_n(out, channels, Moments());
    for (int64_t j = 0; j < tile.columns; ++j) {
      const int64_t count = tile.rows + (j < tile.tail);
      if (count == 0) break;
      out[j % channels].Merge(Moments::Shifted(static_cast<double>(count), near[j],
                                               sums.total[0][j], sums.total[1][j]));
    }
  }

  Moments Total(int64_t channel) const {
    Moments total;
    for (int64_t chunk = 0; chunk < tiles_.chunks(); ++chunk) {
      total.Merge(values_[static_cast<size_t>(chunk * tiles_.channels() + channel)]);
    }
    return total;
  }

 private:
  template <typename T>
  void FirstRowsMean(Tile tile, const T* x, float* mean) const {
    std::fill_n(mean, tile.columns, 0.0f);
    tile.rows = std::min<int64_t>(tile.rows, ColumnTiles::kFlushRows);
    if (tile.rows > 0) tile.tail = 0;
    const float weight = 1.0f / static_cast<float>(std::max<int64_t>(tile.rows, 1));
    ForEachRow(tiles_, tile, [&](int64_t offset, int64_t, int64_t columns) {
      const T* row = x + offset;
#pragma omp simd
      for (int64_t j = 0; j < columns; ++j) mean[j] += row[j] * weight;
    });
  }

  ColumnTiles tiles_;
  std::vector<Moments> values_;
};

template <typename T, typename Act>
class ForwardKernel {
 public:
  ForwardKernel(const BatchNormForward& op, const Binding& binding, Act act)
      : op_(op),
        x_(binding.Activation<T>(op.x)),
        scale_(binding.F32(op.scale)),
        shift_(binding.F32(op.shift)),
        y_(binding.Activation<T>(op.y)),
        mean_(binding.F32(op.mean)),
        inv_std_(binding.F32(op.inv_std)),
        running_mean_(binding.F32(op.running_mean)),
        running_variance_(binding.F32(op.running_variance)),
        tiles_(TilesOf(binding.info(op.x))),
        moments_(tiles_),
        normalizer_(tiles_, act) {}

  void operator()() {
#pragma omp parallel if (PaysForThreads(tiles_.elems()))
    {
#pragma omp for schedule(static)
      for (int64_t i = 0; i < tiles_.count(); ++i) moments_.AddTile(tiles_.At(i), x_);
#pragma omp for schedule(static)
      for (int64_t c = 0; c < tiles_.channels(); ++c) FinishChannel(c);
#pragma omp for schedule(static) nowait
      for (int64_t i = 0; i < tiles_.count(); ++i) normalizer_.RunTile(tiles_.At(i), x_, y_);
    }
  }

 private:
  void FinishChannel(int64_t c) {
    const Moments total = moments_.Total(c);
    const double variance = total.squares / total.count;
    const double inv_std = 1 / std::sqrt(variance + op_.epsilon);
    mean_[c] = static_cast<float>(total.mean);
    inv_std_[c] = static_cast<float>(inv_std);
    // What rounding takes from the mean goes into the shift: where the deviation is small it
    // counts.
    const double slope = scale_[c] * inv_std;
    const double shift = shift_[c] - (total.mean - mean_[c]) * slope;
    normalizer_.SetChannel(c, mean_[c], static_cast<float>(slope), static_cast<float>(shift));
    const double kept_variance =
        op_.unbiased_running_variance ? total.squares / std::max(total.count - 1, 1.0) : variance;
    const double keep = op_.keep;
    running_mean_[c] = static_cast<float>(keep * running_mean_[c] + (1 - keep) * total.mean);
    running_variance_[c] =
        static_cast<float>(keep * running_variance_[c] + (1 - keep) * kept_variance);
  }

  BatchNormForward op_;
  const T* x_;
  const float* scale_;
  const float* shift_;
  T* y_;
  float *mean_, *inv_std_, *running_mean_, *running_variance_;
  ColumnTiles tiles_;
  ChannelMoments moments_;
  Normalizer<Act> normalizer_;
};

template <typename T, typename Act>
class InferenceKernel {
 public:
  InferenceKernel(const BatchNormInference& op, const Binding& binding, Act act)
      : epsilon_(op.epsilon),
        x_(binding.Activation<T>(op.x)),
        scale_(binding.F32(op.scale)),
        shift_(binding.F32(op.shift)),
        mean_(binding.F32(op.running_mean)),
        variance_(binding.F32(op.running_variance)),
        y_(binding.Activation<T>(op.y)),
        tiles_(TilesOf(binding.info(op.x))),
        normalizer_(tiles_, act) {}

  void operator()() {
#pragma omp parallel if (PaysForThreads(tiles_.elems()))
    {
#pragma omp for schedule(static)
      for (int64_t c = 0; c < tiles_.channels(); ++c) {
        const double inv_std = 1 / std::sqrt(static_cast<double>(variance_[c]) + epsilon_);
        normalizer_.SetChannel(c, mean_[c], static_cast<float>(scale_[c] * inv_std), shift_[c]);
      }
#pragma omp for schedule(static) nowait
      for (int64_t i = 0; i < tiles_.count(); ++i) normalizer_.RunTile(tiles_.At(i), x_, y_);
    }
  }

 private:
  double epsilon_;
  const T* x_;
  const float* scale_;
  const float* shift_;
  const float* mean_;
  const float* variance_;
  T* y_;
  ColumnTiles tiles_;
  Normalizer<Act> normalizer_;
};

}  // namespace

Kernel MakeKernel(const BatchNormForward& op, const Binding& binding) {
  return binding.WithElement(op.x, [&]<typename T>() -> Kernel {
    return WithActivation(op.activation, [&](auto act) -> Kernel {
      return ForwardKernel<T, decltype(act)>(op, binding, act);
    });
  });
}

Kernel MakeKernel(const BatchNormInference& op, const Binding& binding) {
  return binding.WithElement(op.x, [&]<typename T>() -> Kernel {
    return WithActivation(op.activation, [&](auto act) -> Kernel {
      return InferenceKernel<T, decltype(act)>(op, binding, act);
    });
  });
}

}  // namespace numeral::cpu
