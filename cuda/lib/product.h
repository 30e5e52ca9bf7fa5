// The matrix products of dense layers, by cuBLASLt.
//
// Owns the three products of plan/ops.h on row-major matrices, without bias and activation:
//   kForward         y[n][out]            =  x[n][in] * weight[out][in]^T
//   kBackwardData    grad_x[n][in]        =  grad_y[n][out] * weight[out][in]
//   kBackwardWeight  grad_weight[out][in] (+)= grad_y[n][out]^T * x[n][in]
// Operands are bf16 under MatrixMode::kBf16 and fp32 otherwise; y and grad_x are stored as the
// operands are, grad_weight always as fp32. Sums are fp32. Refuses sizes below 1. Products with a
// side of a few columns are better served by kernels/thin_dense.h.
//
// Determinism. cuBLAS promises the same bits at every run of one version of the library on GPUs of
// one architecture with one number of multiprocessors; with several streams at work, only where
// cublasLtMatmul is given a workspace of its own (cuBLAS manual, "Results Reproducibility"). The
// algorithm is the first that the heuristic names, which depends on the problem, the alignments and
// the device alone; nothing is timed. A sum that is split among blocks is allowed only where its
// parts go to the workspace in fp32 and are added in a second pass: the in-place scheme takes turns
// by counters at adding to the output, in an order that is documented nowhere, and it rounds
// partial sums to the output's type.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>

#include "cuda/lib/matrix_mode.h"

namespace numeral::cuda {

enum class ProductPass { kForward, kBackwardData, kBackwardWeight };

struct ProductProblem {
  ProductPass pass;
  int n, in, out;
  MatrixMode mode;
  bool accumulate = false;  // kBackwardWeight alone: add to what grad_weight holds
  // Powers of two that the addresses are multiples of. Fewer than 16 bytes exclude algorithms.
  size_t a_alignment_bytes = 16, b_alignment_bytes = 16, out_alignment_bytes = 16;
};

// The largest power of two, up to 256, that divides the address.
size_t AlignmentBytes(const void* address);

// One product, its algorithm chosen. Immutable.
class Product {
 public:
  virtual ~Product() = default;
  // Of device memory, at a multiple of 256. Runs that may overlap in time need one each.
  virtual size_t workspace_bytes() const = 0;
  // Enqueues the product; capturable. `a` and `b` are x and weight (kForward), grad_y and weight
  // (kBackwardData), x and grad_y (kBackwardWeight). `out` overlaps neither.
  virtual void Run(const void* a, const void* b, void* out, void* workspace,
                   cudaStream_t stream) const = 0;
};

class ProductContext;

// cuBLASLt on the device that is current when it is made.
class ProductLibrary {
 public:
  ProductLibrary();
  // Products may outlive the ProductLibrary. Throws Error(kFailure) where cuBLASLt has no
  // algorithm.
  std::unique_ptr<Product> Plan(const ProductProblem& problem) const;

 private:
  std::shared_ptr<ProductContext> context_;
};

}  // namespace numeral::cuda
