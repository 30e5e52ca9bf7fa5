// The end of a discriminator with one output, forward and backward in one launch: the activation in
// front of its last layer, that dense layer, the losses and accuracies of its logits, and the way
// back to the gradient in front of the activation.
//
//   x = forward(linear)                     BiasActForward of plan/ops.h, where wanted
//   logits[n] = x[n] . weight + bias
//   losses, accuracies, and their gradients as in loss.h, of ranges of rows
//   grad_x[n] = backward(grad[n] * weight)  BiasActBackward with its grad_bias, where wanted
//
// where grad[n] is the gradient of the one loss of row n that feeds back, as it is stored. Owns all
// of a row between `linear` and grad_x; the gradients of weight and bias are left to thin_dense.h,
// which reads x again: their sums over the blocks here, 4 * in bytes of each, would have to be read
// by the last block alone, and nobody waits for them. Called by the engine's head of ops.
//
// Shapes: any rows and `in`, a multiple of the channels of forward and backward; one output.
//
// Geometry. A block of 512 threads has 1 to 4 neighbouring rows, so few that there are at most as
// many blocks as an H200 has processors, beyond 528 rows more. Its threads are `width` packs of
// channels next to each other and `lanes` pixels below each other, so that a thread keeps its
// channels and reads each weight once for all rows. Packs are 16 bytes where channels, addresses
// and ranges of dropout allow it, single elements otherwise. Bound by memory: x, `linear` and
// grad_x are moved once and x is read back from the cache; the rows' losses run side by side.
//
// Numerics. x, logits and gradients of losses are rounded to T once, as by kernels of their own;
// what grad_x is made of is not rounded in between. Products and their sums over a row in fp32;
// losses in double; grad_bias in fp32 within a block and double over blocks. Deterministic: sums of
// a block go over threads, warps and rows, those of the blocks are added by the last one, all in an
// order that sizes and alignment decide.
#pragma once

#include <cuda_runtime_api.h>

#include <optional>
#include <vector>

#include "cuda/kernels/bias_act.h"
#include "cuda/kernels/loss.h"

namespace numeral::cuda {

// A loss or accuracy of rows first_row .. first_row + loss.rows - 1; its logits and gradient are
// those of the first of them. With `feeds_back` its gradient is that of grad_x.
template <typename T>
struct HeadLoss {
  LossArgs<T> loss;
  int first_row;
  bool feeds_back;
};

// T is the storage of activations: float or bf16.
template <typename T>
struct HeadArgs {
  int rows, in;
  // x and `linear` may be the same memory. Of forward and backward the pointers to activations are
  // not looked at; where there are both, activation and channels are the same.
  std::optional<BiasActForwardArgs<T>> forward;
  const T* linear;  // [rows][in]; of forward
  T* x;             // [rows][in]; not written without forward
  const float* weight;
  const float* bias;                // [1] or nullptr
  T* logits;                        // [rows]
  std::vector<HeadLoss<T>> losses;  // of one output; at most kMaxLosses, each row feeds back once
  std::optional<BiasActBackwardArgs<T>> backward;  // with grad_bias or without
  T* grad_x;                                       // [rows][in]
  std::byte* scratch;                              // HeadScratchBytes, valid during the launch
  unsigned* counter;                               // 0 before and after
};
template <typename T>
void LaunchHead(const HeadArgs<T>& args, cudaStream_t stream);
// `channels` of grad_bias, 0 without.
size_t HeadScratchBytes(int rows, int channels);

}  // namespace numeral::cuda
