// Wide products of dense layers for small batches, with what follows them, in one launch: bias,
// activation and dropout, or bias, batch normalisation and activation; on the way back the gradient
// of an activation or of batch normalisation, and the bias's gradient.
//
// Owns DenseForward and DenseBackwardData of plan/ops.h and the ops behind them, where
// SupportsDenseTile; refuses all others. Called by the engine (engine/dense_tile.h).
//
// A block makes some columns of the result, for all rows of the batch. All rows are at hand in the
// block, so sums over the batch need no other block, and what would be two or three launches that
// each wait for the one before is one. The price is that every block reads all of x.
// * Narrow tiles, of up to 128 rows: 16 columns on tensor cores, 8 with fp32 multiply-adds, so that
//   the columns of a layer are spread over the machine. For layers of up to 2048 columns.
// * Wide tiles, of up to 256 rows: 96 columns on tensor cores. For wider layers of little depth,
//   such as the first one of a generator, whose time is that of writing the result.
//
// Cost: rows * depth * sizeof(T) bytes a block from the second level cache, weights and results
// once. Geometry: 256 threads. Operands come through four stages of shared memory, 128 bytes of
// depth each, by asynchronous copies. On tensor cores a warp has one tile of 16 rows or two; fewer
// tiles than warps share them by the halves of each stage. With multiply-adds a thread has 4
// columns of every 16th row, and a warp an eighth of each stage. Sums of parts are added in shared
// memory.
//
// Numerics: products in T (TF32 where asked for), sums in fp32, statistics as in batch_norm.h. The
// linear result is rounded to T in front of batch normalisation, which reads it again on the way
// back; else a result is rounded once. Deterministic: the order of every sum depends on the sizes
// alone.
#pragma once

#include <cuda_runtime_api.h>

#include <variant>

#include "cuda/kernels/batch_norm.h"
#include "cuda/kernels/batch_norm_backward.h"
#include "cuda/kernels/bias_act.h"
#include "cuda/kernels/thin_dense.h"

namespace numeral::cuda {

// A product [rows][depth] * [depth][columns].
struct TileShape {
  int rows, depth, columns;
};

// Whether the sizes are such that a tile is the better way, and copies of 4 bytes find their
// alignment in the rows of both operands.
bool SupportsDenseTileForward(const TileShape& shape, Precision precision);
bool SupportsDenseTileBackward(const TileShape& shape, Precision precision);

// Batch normalisation of x * weight^T + bias, which is stored too: at norm.x.
template <typename T>
struct DenseTileNorm {
  const float* bias;  // [out] or nullptr
  T* linear;          // norm.x
  BatchNormForwardArgs<T> norm;
};

// y[n][out] = what follows, of x[n][in] * weight[out][in]^T. T is bf16 in that precision, else
// float. x and weight are aligned to 4 bytes. The pointer x of BiasActForwardArgs is not looked at.
template <typename T>
struct DenseTileForwardArgs {
  DenseShape shape;
  Precision precision;
  const T* x;
  const T* weight;
  std::variant<BiasActForwardArgs<T>, DenseTileNorm<T>> behind;
};
template <typename T>
void LaunchDenseTileForward(const DenseTileForwardArgs<T>& args, cudaStream_t stream);

// Gradient of batch normalisation, and the sums of what it gives, for the bias in front of it.
template <typename T>
struct DenseTileNormBackward {
  BatchNormBackwardArgs<T> norm;
  float* grad_bias;  // [in] or nullptr
  GradientMode bias_mode;
};

// grad_x[n][in] = what follows, of grad_y[n][out] * weight[out][in]. The pointers grad_y of
// BiasActBackwardArgs and BatchNormBackwardArgs are not looked at; rows and channels are n and in.
// Neither is scratch.
template <typename T>
struct DenseTileBackwardArgs {
  DenseShape shape;
  Precision precision;
  const T* grad_y;
  const T* weight;
  std::variant<BiasActBackwardArgs<T>, DenseTileNormBackward<T>> behind;
};
template <typename T>
void LaunchDenseTileBackward(const DenseTileBackwardArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
