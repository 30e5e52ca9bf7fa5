// What follows the product of a dense tile (dense_tile.h), done to its sums in shared memory.
//
// Element by element, neighbouring threads have neighbouring columns, as memory wants it. Sums over
// a column are a warp's.
#pragma once

#include "cuda/kernels/activation.h"
#include "cuda/kernels/batch_norm_channel.h"
#include "cuda/kernels/bias_act_element.h"
#include "cuda/kernels/dense_tile.h"
#include "cuda/kernels/dense_tile_product.h"
#include "cuda/support/reduce.h"

namespace numeral::cuda {

// Where the block's sums lie in the result.
struct TilePlace {
  int rows, columns;  // of the result
  int first_column;
};

// use(row, column in the tile, column, offset in the result) for every element that exists.
template <typename Sums, typename Use>
__device__ void ForEachElement(const TilePlace& place, const Use& use) {
  for (int i = static_cast<int>(threadIdx.x); i < place.rows * Sums::kColumns; i += kTileThreads) {
    const int row = i / Sums::kColumns, c = i % Sums::kColumns;
    const int column = place.first_column + c;
    if (column < place.columns) use(row, c, column, int64_t{row} * place.columns + column);
  }
}

// use(column in the tile, column) by all lanes of a warp for every column that exists, whose rows
// they share.
template <typename Sums, typename Use>
__device__ void ForEachColumn(const TilePlace& place, const Use& use) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  for (int c = warp; c < Sums::kColumns; c += kTileWarps) {
    if (place.first_column + c < place.columns) use(c, place.first_column + c);
  }
}

__device__ inline int TileLane() { return static_cast<int>(threadIdx.x) % kWarp; }

// use(column in the tile, column) by one thread each.
template <typename Sums, typename Use>
__device__ void ForOwnColumn(const TilePlace& place, const Use& use) {
  const int c = static_cast<int>(threadIdx.x);
  if (c < Sums::kColumns && place.first_column + c < place.columns) use(c, place.first_column + c);
}

// Stores the sums over the rows of the first slice as the gradient of a bias.
template <typename Sums>
__device__ void StoreColumnSums(const Sums& sums, const TilePlace& place, GradientMode mode,
                                float* grad_bias) {
  ForEachColumn<Sums>(place, [&](int c, int column) {
    float sum = 0;
    for (int row = TileLane(); row < place.rows; row += kWarp) sum += sums.At(row, c);
    const double total = WarpSum<double>(sum);
    if (TileLane() == 0) StoreSum(mode, total, grad_bias[column]);
  });
}

template <typename T>
struct BiasActFinish {
  ForwardEpilogue<T, AnyActivation> epilogue;
  T* y;

  template <typename Sums>
  __device__ void operator()(const Sums& sums, const TilePlace& place) const {
    ForEachElement<Sums>(place, [&](int row, int c, int column, int64_t i) {
      y[i] = epilogue.Element(sums.Sum(row, c), i, column);
    });
  }
};

template <typename T>
struct NormFinish {
  DenseTileNorm<T> args;

  template <typename Sums>
  __device__ void operator()(const Sums& sums, const TilePlace& place) const {
    StoreLinear(sums, place);
    __syncthreads();  // The first slice has the linear result.
    SIMT_SHARED(double, totals, [Sums::kColumns][2]);
    SumDistances(sums, place, totals);
    __syncthreads();  // The totals are there.
    SIMT_SHARED(Norm, norms, [Sums::kColumns]);
    ForOwnColumn<Sums>(place, [&](int c, int column) {
      norms[c] = FinishChannel(args.norm, column, sums.At(0, c), totals[c]);
    });
    __syncthreads();  // The norms are there.
    const AnyActivation act{args.norm.activation};
    ForEachElement<Sums>(place, [&](int row, int c, int, int64_t i) {
      args.norm.y[i] = FromFloat<T>(act(norms[c](sums.At(row, c))));
    });
  }

 private:
  template <typename Sums>
  __device__ void StoreLinear(const Sums& sums, const TilePlace& place) const {
    ForEachElement<Sums>(place, [&](int row, int c, int column, int64_t i) {
      const float sum = sums.Sum(row, c);
      const T linear = FromFloat<T>(args.bias == nullptr ? sum : sum + args.bias[column]);
      args.linear[i] = linear;
      sums.At(row, c) = ToFloat(linear);
    });
  }

  // To the first row, and their squares.
  template <typename Sums>
  __device__ void SumDistances(const Sums& sums, const TilePlace& place,
                               double (*totals)[2]) const {
    ForEachColumn<Sums>(place, [&](int c, int) {
      const float first = sums.At(0, c);
      float distances = 0, squares = 0;
      for (int row = TileLane(); row < place.rows; row += kWarp) {
        const float distance = sums.At(row, c) - first;
        distances += distance;
        squares = fmaf(distance, distance, squares);
      }
      const double all[] = {WarpSum<double>(distances), WarpSum<double>(squares)};
      if (TileLane() == 0) {
        totals[c][0] = all[0];
        totals[c][1] = all[1];
      }
    });
  }
};

template <typename T>
struct BiasActGradientFinish {
  BackwardEpilogue<T, AnyActivation> epilogue;  // whose y is nullptr where it changes nothing
  T* grad_x;
  float* grad_bias;  // or nullptr
  GradientMode bias_mode;

  template <typename Sums>
  __device__ void operator()(const Sums& sums, const TilePlace& place) const {
    ForEachElement<Sums>(place, [&](int row, int c, int, int64_t i) {
      float grad = sums.Sum(row, c);
      if (epilogue.y != nullptr) grad = epilogue.Gradient(grad, ToFloat(epilogue.y[i]));
      grad_x[i] = FromFloat<T>(grad);
      sums.At(row, c) = grad;
    });
    if (grad_bias == nullptr) return;
    __syncthreads();  // The first slice has the gradients.
    StoreColumnSums(sums, place, bias_mode, grad_bias);
  }
};

template <typename T>
struct NormGradientFinish {
  DenseTileNormBackward<T> args;

  template <typename Sums>
  __device__ void operator()(const Sums& sums, const TilePlace& place) const {
    const Sums inputs{sums.Slice(Sums::kSlices)};
    LoadOperands(sums, inputs, place);
    __syncthreads();  // The first slice has g, the one behind the last has x.
    SIMT_SHARED(double, totals, [Sums::kColumns][2]);
    SumGradients(sums, inputs, place, totals);
    __syncthreads();  // The totals are there.
    SIMT_SHARED(Slopes, slopes, [Sums::kColumns]);
    ForOwnColumn<Sums>(
        place, [&](int c, int column) { slopes[c] = FinishChannel(args.norm, column, totals[c]); });
    __syncthreads();  // The slopes are there.
    ForEachElement<Sums>(place, [&](int row, int c, int, int64_t i) {
      const T grad_x = FromFloat<T>(slopes[c](sums.At(row, c), inputs.At(row, c)));
      args.norm.grad_x[i] = grad_x;
      sums.At(row, c) = ToFloat(grad_x);  // what memory has, which the bias's gradient sums
    });
    if (args.grad_bias == nullptr) return;
    __syncthreads();  // The first slice has the gradients.
    StoreColumnSums(sums, place, args.bias_mode, args.grad_bias);
  }

 private:
  template <typename Sums>
  __device__ void LoadOperands(const Sums& sums, const Sums& inputs, const TilePlace& place) const {
    const AnyActivation act{args.norm.activation};
    ForEachElement<Sums>(place, [&](int row, int c, int, int64_t i) {
      float g = sums.Sum(row, c);
      if (args.norm.y != nullptr) g *= act.Derivative(ToFloat(args.norm.y[i]));
      sums.At(row, c) = g;
      inputs.At(row, c) = ToFloat(args.norm.x[i]);
    });
  }

  template <typename Sums>
  __device__ void SumGradients(const Sums& sums, const Sums& inputs, const TilePlace& place,
                               double (*totals)[2]) const {
    ForEachColumn<Sums>(place, [&](int c, int column) {
      const float mean = args.norm.mean[column];
      float grads = 0, products = 0;
      for (int row = TileLane(); row < place.rows; row += kWarp) {
        const float g = sums.At(row, c);
        grads += g;
        products = fmaf(g, inputs.At(row, c) - mean, products);
      }
      const double all[] = {WarpSum<double>(grads), WarpSum<double>(products)};
      if (TileLane() == 0) {
        totals[c][0] = all[0];
        totals[c][1] = all[1];
      }
    });
  }
};

}  // namespace numeral::cuda
