// Products of dense layers with a side of at most 16 columns: logits, one-hot digits.
//
// Owns the three products of plan/ops.h, where min(in, out) is at most kMaxThin; refuses all
// others, which lib/product.h does better. Bias and activation may follow as an epilogue of what is
// stored, and the gradients of a layer may be one launch. Called by the engine's dense ops.
//
// The narrow side is called thin, the other one wide; out is the thin side where both are narrow.
// With weight(t, w) = weight[t][w] (out is thin) or weight[w][t] (in is thin), the products are
//   to thin:  thin[n][t]   = sum over w of wide[n][w] * weight(t, w)
//   to wide:  wide[n][w]   = sum over t of thin[n][t] * weight(t, w)
//   weight:   grad(t, w) (+)= sum over n of thin[n][t] * wide[n][w]
// All three read the wide matrix once, or write it once, and do so little with it that memory is
// the bound: n * wide * sizeof(T) bytes. A tensor core has nothing to gain here, and a library's
// tiles of 64 columns and more waste their width.
//
// Geometry. To thin: a block of 256 threads per 2 rows and 4 thin columns, sums over the block. To
// wide: a thread per 4 rows and one pack of wide columns. Weight: a block per 64 rows, 4 thin
// columns and 32 packs of wide columns, one warp per every eighth row; over 64 rows, the blocks'
// sums go to scratch and the last block of each tile adds them. Those of the first wide columns sum
// the thin ones as well, and more blocks, of 32 rows each, make the data's gradient (to wide).
// Packs are 16 bytes where every row begins at a multiple of 16, single elements otherwise.
//
// Numerics: products and sums in fp32, one rounding to T, behind the epilogue; weights are the fp32
// ones in every mode. Deterministic: the order of every sum depends on the sizes and alignment
// alone.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "cuda/kernels/bias_act.h"
#include "plan/ops.h"

namespace numeral::cuda {

inline constexpr int kMaxThin = 16;

// As in DenseForward.
struct DenseShape {
  int n, in, out;
};

inline bool IsThinDense(int in, int out) { return in <= kMaxThin || out <= kMaxThin; }

// y[n][out] = epilogue(x[n][in] * weight[out][in]^T). T is the storage of activations: float or
// bf16.
template <typename T>
struct ThinDenseForwardArgs {
  DenseShape shape;
  const T* x;
  const float* weight;
  T* y;
  BiasActEpilogue<T> epilogue = {};
};
template <typename T>
void LaunchThinDenseForward(const ThinDenseForwardArgs<T>& args, cudaStream_t stream);

// grad_x[n][in] = epilogue(grad_y[n][out] * weight[out][in]).
template <typename T>
struct ThinDenseBackwardDataArgs {
  DenseShape shape;
  const T* grad_y;
  const float* weight;
  T* grad_x;
  BiasActEpilogue<T> epilogue = {};
};
template <typename T>
void LaunchThinDenseBackwardData(const ThinDenseBackwardDataArgs<T>& args, cudaStream_t stream);

// grad_weight[out][in] (+)= grad_y[n][out]^T * x[n][in]. Of at least one row. Where out is thin, as
// wanted also grad_bias[out] (+)= column sums of grad_y, and grad_x as above, which must not lie on
// x or grad_y.
template <typename T>
struct ThinDenseBackwardWeightArgs {
  DenseShape shape;
  const T* x;
  const T* grad_y;
  float* grad_weight;
  GradientMode mode;
  float* scratch;      // ThinDenseScratchBytes, valid during the launch
  unsigned* counters;  // ThinDenseCounters, 0 before and after
  float* grad_bias = nullptr;
  GradientMode bias_mode = GradientMode::kOverwrite;
  const float* weight = nullptr;
  T* grad_x = nullptr;
};
template <typename T>
void LaunchThinDenseBackwardWeight(const ThinDenseBackwardWeightArgs<T>& args, cudaStream_t stream);
size_t ThinDenseScratchBytes(const DenseShape& shape);
int ThinDenseCounters(const DenseShape& shape);

}  // namespace numeral::cuda
