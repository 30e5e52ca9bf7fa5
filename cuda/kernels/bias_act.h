// Bias, activation and dropout in one pass over memory, and their gradients (BiasActForward and
// BiasActBackward of plan/ops.h).
//
// Bound by memory: forward reads and writes every element once, backward reads two and writes one.
// NaN goes through. Arithmetic in fp32, whatever T is.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <variant>

#include "cuda/kernels/column_grid.h"
#include "plan/ops.h"

namespace numeral::cuda {

// Real and fake batches have a range of rows each; the plans of today have two at most.
inline constexpr int kMaxDropoutRanges = 8;

// Neighbouring elements whose dropout mask comes from one stream, counted from the first of them.
struct DropoutRange {
  int64_t first_elem = 0, elems = 0;
  uint32_t stream = 0;
};

// y[i] = dropout(act(x[i] + bias[i % channels])). y may be x. A dropped element is -0.0, a kept
// zero is +0.0 even where rounding to T makes it one.
//
// grid = {shares of a range, ranges}, 256 threads. A thread takes 16 bytes at a time, in single
// elements where a range begins off a multiple of that; one Philox block serves four neighbours.
template <typename T>
struct BiasActForwardArgs {
  const T* x;
  const float* bias;  // [channels] or nullptr
  T* y;
  int channels;
  Activation activation;
  float dropout_rate;
  // Together all of x; without dropout there is one.
  DropoutRange ranges[kMaxDropoutRanges];
  int range_count;
  const int64_t* step;  // nullptr without dropout
  uint64_t seed;
};
template <typename T>
void LaunchBiasActForward(const BiasActForwardArgs<T>& args, cudaStream_t stream);

// grad_x = grad_y * act'(.) * mask / (1 - rate), read off y; grad_bias = its sums over the rows, or
// more by them. grad_x may be grad_y. y is nullptr for identity without dropout.
//
// One launch of blocks as in column_grid.h. Sums: fp32 within a slab, double over slabs.
template <typename T>
struct BiasActBackwardArgs {
  const T* y;
  const T* grad_y;
  T* grad_x;
  float* grad_bias;  // [channels] or nullptr
  int64_t rows;      // pixels of all samples
  int channels;
  Activation activation;
  float dropout_rate;
  GradientMode bias_mode;
  double* scratch;  // what ScratchOf says; the counters are 0 before and after
  unsigned* counters;
};
template <typename T>
SumScratch ScratchOf(const BiasActBackwardArgs<T>& args);
template <typename T>
void LaunchBiasActBackward(const BiasActBackwardArgs<T>& args, cudaStream_t stream);

// One of these ops, done by the kernel that makes its x or grad_y, to what it stores. The kernel's
// result is then y or grad_x; the args' own pointers to these four are not looked at. A
// backward op has a y and no grad_bias.
template <typename T>
using BiasActEpilogue = std::variant<std::monostate, BiasActForwardArgs<T>, BiasActBackwardArgs<T>>;

}  // namespace numeral::cuda
