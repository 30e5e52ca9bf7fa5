// A product of the fake cuBLASLt, checked and ready to run. Private to fake_cublaslt*.cpp.
//
// Numerics: sums are fp32 and in the order of k within a part, results are rounded once to the
// output's type, and TF32 keeps 10 bits of the operands' mantissas. The parts of a split sum pass
// through the workspace between two operations of the stream, so that a workspace that is shared by
// mistake shows. In-place reduction adds its parts in another order at every run, as nothing
// promises one.
#pragma once

#include <cublasLt.h>

#include <cstdint>

namespace numeral::emulator::cublaslt {

struct Layout {
  cudaDataType type;
  int64_t rows, columns, ld;
};
struct Operation {
  cublasComputeType_t compute;
  cudaDataType scale;
  int32_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
};

// Everything that an algorithm is chosen for, and that has to be the same when it runs.
struct Problem {
  Operation operation;
  Layout a, b, c, d;
};
struct Algorithm {
  uint64_t problem_hash;
  uint64_t workspace_bytes;
  uint32_t a_alignment, b_alignment, c_alignment, d_alignment;
  int32_t parts;
  uint32_t reduction;
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));

inline int64_t ElementBytes(cudaDataType type) { return type == CUDA_R_16BF ? 2 : 4; }

struct Sizes {
  int64_t m, n, k;
};
inline Sizes SizesOf(const Problem& problem) {
  const bool transposed = problem.operation.transpose_a == CUBLAS_OP_T;
  return {problem.d.rows, problem.d.columns, transposed ? problem.a.rows : problem.a.columns};
}

struct Call {
  Problem problem;
  Algorithm algorithm;
  float alpha, beta;
  const void *a, *b, *c;
  void* d;
  float* workspace;
};

// Enqueues the operations of the product on the stream.
cudaError_t EnqueueProduct(const Call& call, cudaStream_t stream);

}  // namespace numeral::emulator::cublaslt
