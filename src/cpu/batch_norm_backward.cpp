// Gradient of batch normalisation with its activation.
//
// With g = grad_y * act'(y) and n pixels per channel (Ioffe & Szegedy 2015, section 3):
//   grad_shift = sum g,  grad_scale = sum g * (x - mean) * inv_std,
//   grad_x = scale * inv_std * (g - grad_shift / n - (x - mean) * inv_std * grad_scale / n).
// Bandwidth-bound: reads x, y and grad_y twice, writes grad_x.
#include <cmath>
#include <vector>

#include "cpu/activation.h"
#include "cpu/column_tiles.h"
#include "cpu/elementwise.h"
#include "cpu/parallel.h"

namespace numeral::cpu {
namespace {

using Tile = ColumnTiles::Tile;

template <typename T, typename Act>
class BackwardKernel {
 public:
  BackwardKernel(const BatchNormBackward& op, const Binding& binding, Act act)
      : act_(act),
        mode_(op.mode),
        x_(binding.Activation<T>(op.x)),
        y_(binding.Activation<T>(op.y)),
        grad_y_(binding.Activation<T>(op.grad_y)),
        scale_(binding.F32(op.scale)),
        mean_(binding.F32(op.mean)),
        inv_std_(binding.F32(op.inv_std)),
        grad_x_(binding.Activation<T>(op.grad_x)),
        grad_scale_(binding.F32(op.grad_scale)),
        grad_shift_(binding.F32(op.grad_shift)),
        tiles_(binding.info(op.x).rows * binding.info(op.x).shape.Pixels(),
               binding.info(op.x).shape.c),
        sums_(tiles_),
        table_(static_cast<size_t>(kTables * tiles_.width())) {}

  void operator()() {
    // Not worth a barrier.
    for (int64_t c = 0; c < tiles_.channels(); ++c) tiles_.Spread(mean_[c], c, Table(kMean));
#pragma omp parallel if (PaysForThreads(tiles_.elems()))
    {
#pragma omp for schedule(static)
      for (int64_t i = 0; i < tiles_.count(); ++i) SumTile(tiles_.At(i));
#pragma omp for schedule(static)
      for (int64_t c = 0; c < tiles_.channels(); ++c) FinishChannel(c);
#pragma omp for schedule(static) nowait
      for (int64_t i = 0; i < tiles_.count(); ++i) RunTile(tiles_.At(i));
    }
  }

 private:
  // grad_x = slope * g + (x - mean) * curve + level, per column of a wide row.
  enum TableKind { kMean, kSlope, kCurve, kLevel, kTables };
  float* Table(TableKind kind) { return table_.data() + kind * tiles_.width(); }

  // Row pointers and the activation by value, so that no store in a loop can seem to change them.
  struct Row {
    const T* x;
    const T* y;
    const T* grad_y;
    Act act;

    // g of element j. y is not touched where the activation does not need it.
    [[gnu::always_inline]] float Upstream(int64_t j) const {
      if constexpr (Act::kReadsResult) return grad_y[j] * act.Derivative(y[j]);
      return grad_y[j];
    }
  };
  Row RowAt(int64_t offset) const {
    return {x_ + offset, Act::kReadsResult ? y_ + offset : nullptr, grad_y_ + offset, act_};
  }

  void SumTile(const Tile& tile) {
    ColumnSums<2> sums;
    SumRows(tiles_, tile, sums,
            [&](int64_t offset, int64_t first_column, int64_t columns, auto& recent) {
              const Row row = RowAt(offset);
              const float* mean = Table(kMean) + first_column;
#pragma omp simd
              for (int64_t j = 0; j < columns; ++j) {
                const float grad = row.Upstream(j);
                recent[0][j] += grad;
                recent[1][j] = std::fma(grad, row.x[j] - mean[j], recent[1][j]);
              }
            });
    sums_.Store(tile, sums);
  }

  void FinishChannel(int64_t c) {
    const double inv_std = inv_std_[c];
    const double shift = sums_.Total(0, c);
    const double scale = sums_.Total(1, c) * inv_std;
    const double slope = scale_[c] * inv_std;
    const double pixels = static_cast<double>(tiles_.pixels());
    tiles_.Spread(static_cast<float>(slope), c, Table(kSlope));
    tiles_.Spread(static_cast<float>(-slope * inv_std * scale / pixels), c, Table(kCurve));
    tiles_.Spread(static_cast<float>(-slope * shift / pixels), c, Table(kLevel));
    if (grad_scale_ != nullptr) Store(scale, grad_scale_[c]);
    if (grad_shift_ != nullptr) Store(shift, grad_shift_[c]);
  }

  void Store(double sum, float& target) const {
    const float value = static_cast<float>(sum);
    target = mode_ == GradientMode::kAccumulate ? target + value : value;
  }

  void RunTile(const Tile& tile) {
    ForEachRow(tiles_, tile, [&](int64_t offset, int64_t first_column, int64_t columns) {
      const Row row = RowAt(offset);
      T* grad_x = grad_x_ + offset;
      const float *mean = Table(kMean) + first_column, *slope = Table(kSlope) + first_column;
      const float *curve = Table(kCurve) + first_column, *level = Table(kLevel) + first_column;
#pragma omp simd
      for (int64_t j = 0; j < columns; ++j) {
        const float rest = std::fma(row.x[j] - mean[j], curve[j], level[j]);
        grad_x[j] = std::fma(row.Upstream(j), slope[j], rest);
      }
    });
  }

  Act act_;
  GradientMode mode_;
  const T* x_;
  const T* y_;
  const T* grad_y_;
  const float* scale_;
  const float* mean_;
  const float* inv_std_;
  T* grad_x_;
  float *grad_scale_, *grad_shift_;
  ColumnTiles tiles_;
  ChannelSums<2> sums_;
  std::vector<float> table_;
};

}  // namespace

Kernel MakeKernel(const BatchNormBackward& op, const Binding& binding) {
  return binding.WithElement(op.x, [&]<typename T>() -> Kernel {
    return WithActivation(op.activation, [&](auto act) -> Kernel {
      return BackwardKernel<T, decltype(act)>(op, binding, act);
    });
  });
}

}  // namespace numeral::cpu
