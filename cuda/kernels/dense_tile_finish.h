// What follows the product of a dense tile (dense_tile.h), done to its sums in shared memory.
//
// Element by element, neighbouring threads have neighbouring columns, as memory wants it. Column by
// column, the lanes of a group share the rows of one, and their sums need no other warp.
#pragma once

#include "cuda/kernels/activation.h"
#include "cuda/kernels/batch_norm_channel.h"
#include "cuda/kernels/bias_act_element.h"
#include "cuda/kernels/dense_tile.h"
#include "cuda/kernels/dense_tile_product.h"

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

// The calling thread's part of a column; columns and rows that do not exist are said to be none.
template <typename Sums>
struct TileLane {
  static constexpr int kLanes = kTileThreads / Sums::kColumns;
  static_assert(kLanes <= kWarp && Sums::kRows % kLanes == 0);

  int lane = static_cast<int>(threadIdx.x) % kLanes, c = static_cast<int>(threadIdx.x) / kLanes;
  int column;
  int end_row;

  __device__ explicit TileLane(const TilePlace& place)
      : column(place.first_column + c), end_row(column < place.columns ? place.rows : 0) {}

  __device__ bool answers() const { return lane == 0 && end_row > 0; }

  // use(row) for the thread's rows.
  template <typename Use>
  __device__ void ForEachRow(const Use& use) const {
    for (int row = lane; row < end_row; row += kLanes) use(row);
  }
  // Over the column's lanes, for all of them. All threads of the block call.
  __device__ static double Total(double value) {
#pragma unroll
    for (int offset = kLanes / 2; offset > 0; offset /= 2) {
      value += __shfl_xor_sync(kFullMask, value, offset);
    }
    return value;
  }
  // What the column's first lane has, for all of them. All threads of the block call.
  __device__ static float FromFirst(float value) {
    return __shfl_sync(kFullMask, value, 0, kLanes);
  }
};

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
    Normalize(sums, place);
    __syncthreads();  // It has y.
    ForEachElement<Sums>(place, [&](int row, int c, int, int64_t i) {
      args.norm.y[i] = FromFloat<T>(sums.At(row, c));
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

  template <typename Sums>
  __device__ void Normalize(const Sums& sums, const TilePlace& place) const {
    using Lane = TileLane<Sums>;
    const Lane lane(place);
    const float first = sums.At(0, lane.c);
    float distances = 0, squares = 0;
    lane.ForEachRow([&](int row) {
      const float distance = sums.At(row, lane.c) - first;
      distances += distance;
      squares = fmaf(distance, distance, squares);
    });
    const double totals[] = {Lane::Total(distances), Lane::Total(squares)};
    Norm norm = {};
    if (lane.answers()) norm = FinishChannel(args.norm, lane.column, first, totals);
    norm = {Lane::FromFirst(norm.mean), Lane::FromFirst(norm.slope), Lane::FromFirst(norm.shift)};
    const AnyActivation act{args.norm.activation};
    __syncwarp();  // All lanes have read the first row.
    lane.ForEachRow([&](int row) {
      float& value = sums.At(row, lane.c);
      value = act(norm(value));
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
      const float sum = sums.Sum(row, c);
      const float grad =
          epilogue.y == nullptr ? sum : epilogue.Gradient(sum, ToFloat(epilogue.y[i]));
      grad_x[i] = FromFloat<T>(grad);
      sums.At(row, c) = grad;
    });
    if (grad_bias == nullptr) return;
    __syncthreads();  // The first slice has the gradients.
    using Lane = TileLane<Sums>;
    const Lane lane(place);
    float grads = 0;
    lane.ForEachRow([&](int row) { grads += sums.At(row, lane.c); });
    const double total = Lane::Total(grads);
    if (lane.answers()) StoreSum(bias_mode, total, grad_bias[lane.column]);
  }
};

template <typename T>
struct NormGradientFinish {
  DenseTileNormBackward<T> args;

  template <typename Sums>
  __device__ void operator()(const Sums& sums, const TilePlace& place) const {
    LoadOperands(sums, place);
    __syncthreads();  // The first slice has g, the one behind the last has x.
    Differentiate(sums, place);
    __syncthreads();  // The first slice has grad_x.
    ForEachElement<Sums>(place, [&](int row, int c, int, int64_t i) {
      args.norm.grad_x[i] = FromFloat<T>(sums.At(row, c));
    });
  }

 private:
  template <typename Sums>
  __device__ static Sums Inputs(const Sums& sums) {
    return {sums.Slice(Sums::kSlices)};
  }

  template <typename Sums>
  __device__ void LoadOperands(const Sums& sums, const TilePlace& place) const {
    const AnyActivation act{args.norm.activation};
    ForEachElement<Sums>(place, [&](int row, int c, int, int64_t i) {
      float g = sums.Sum(row, c);
      if (args.norm.y != nullptr) g *= act.Derivative(ToFloat(args.norm.y[i]));
      sums.At(row, c) = g;
      Inputs(sums).At(row, c) = ToFloat(args.norm.x[i]);
    });
  }

  template <typename Sums>
  __device__ void Differentiate(const Sums& sums, const TilePlace& place) const {
    using Lane = TileLane<Sums>;
    const Lane lane(place);
    const Sums inputs = Inputs(sums);
    const float mean = lane.end_row > 0 ? args.norm.mean[lane.column] : 0;
    float grads = 0, products = 0;
    lane.ForEachRow([&](int row) {
      const float g = sums.At(row, lane.c);
      grads += g;
      products = fmaf(g, inputs.At(row, lane.c) - mean, products);
    });
    const double totals[] = {Lane::Total(grads), Lane::Total(products)};
    Slopes slopes = {};
    if (lane.answers()) slopes = FinishChannel(args.norm, lane.column, totals);
    slopes = {Lane::FromFirst(slopes.mean), Lane::FromFirst(slopes.slope),
              Lane::FromFirst(slopes.curve), Lane::FromFirst(slopes.level)};
    float rounded = 0;  // what memory has, which the bias's gradient sums
    lane.ForEachRow([&](int row) {
      float& value = sums.At(row, lane.c);
      value = slopes(value, inputs.At(row, lane.c));
      rounded += ToFloat(FromFloat<T>(value));
    });
    if (args.grad_bias == nullptr) return;
    const double total = Lane::Total(rounded);
    if (lane.answers()) StoreSum(args.bias_mode, total, args.grad_bias[lane.column]);
  }
};

}  // namespace numeral::cuda
