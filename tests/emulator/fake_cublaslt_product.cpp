#include "tests/emulator/fake_cublaslt_product.h"

#include <cuda_bf16.h>

#include <algorithm>
#include <vector>

#include "tests/emulator/stream.h"
#include "tests/emulator/tf32.h"

namespace numeral::emulator::cublaslt {
namespace {

float Load(const void* data, cudaDataType type, int64_t index) {
  if (type == CUDA_R_16BF) {
    return __bfloat162float(static_cast<const __nv_bfloat16*>(data)[index]);
  }
  return static_cast<const float*>(data)[index];
}

void Store(float value, cudaDataType type, int64_t index, void* data) {
  if (type == CUDA_R_16BF) {
    static_cast<__nv_bfloat16*>(data)[index] = __float2bfloat16_rn(value);
  } else {
    static_cast<float*>(data)[index] = value;
  }
}

// As `outer` lines of `inner` numbers: element (i, o) of the matrix, or of its transpose.
std::vector<float> Unpack(const void* data, const Layout& layout, bool transpose, bool tf32,
                          int64_t inner, int64_t outer) {
  std::vector<float> values(static_cast<size_t>(inner * outer));
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const float value =
          Load(data, layout.type, transpose ? i * layout.ld + o : o * layout.ld + i);
      values[static_cast<size_t>(o * inner + i)] = tf32 ? RoundToTf32(value) : value;
    }
  }
  return values;
}

// sums[n][m] = op(A) * op(B) over the k of one part.
void SumPart(const Call& call, int32_t part, float* sums) {
  const auto [m, n, k] = SizesOf(call.problem);
  const Operation& operation = call.problem.operation;
  const bool tf32 = operation.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  const std::vector<float> a =
      Unpack(call.a, call.problem.a, operation.transpose_a == CUBLAS_OP_T, tf32, m, k);
  const std::vector<float> b =
      Unpack(call.b, call.problem.b, operation.transpose_b == CUBLAS_OP_T, tf32, k, n);
  const int64_t begin = k * part / call.algorithm.parts;
  const int64_t end = k * (part + 1) / call.algorithm.parts;
  std::fill_n(sums, m * n, 0.0f);
  for (int64_t column = 0; column < n; ++column) {
    for (int64_t i = begin; i < end; ++i) {
      const float factor = b[static_cast<size_t>(column * k + i)];
      for (int64_t row = 0; row < m; ++row) {
        sums[column * m + row] += a[static_cast<size_t>(i * m + row)] * factor;
      }
    }
  }
}

// D = alpha * sum of the parts + beta * C, beginning with part `first`. C is not read for beta 0.
void Finish(const Call& call, const float* sums, int32_t first) {
  const auto [m, n, k] = SizesOf(call.problem);
  const Layout &c = call.problem.c, &d = call.problem.d;
  for (int64_t column = 0; column < n; ++column) {
    for (int64_t row = 0; row < m; ++row) {
      float sum = 0;
      for (int32_t i = 0; i < call.algorithm.parts; ++i) {
        sum += sums[((first + i) % call.algorithm.parts) * m * n + column * m + row];
      }
      float value = call.alpha * sum;
      if (call.beta != 0) value += call.beta * Load(call.c, c.type, column * c.ld + row);
      Store(value, d.type, column * d.ld + row, call.d);
    }
  }
}

}  // namespace

cudaError_t EnqueueProduct(const Call& call, cudaStream_t stream) {
  if (call.algorithm.parts == 1) {
    return Enqueue(stream, "cublasLtMatmul", [call] {
      const Sizes sizes = SizesOf(call.problem);
      std::vector<float> sums(static_cast<size_t>(sizes.m * sizes.n));
      SumPart(call, 0, sums.data());
      Finish(call, sums.data(), 0);
    });
  }
  const cudaError_t status = Enqueue(stream, "cublasLtMatmul (parts)", [call] {
    const Sizes sizes = SizesOf(call.problem);
    for (int32_t part = 0; part < call.algorithm.parts; ++part) {
      SumPart(call, part, call.workspace + part * sizes.m * sizes.n);
    }
  });
  if (status != cudaSuccess) return status;
  return Enqueue(stream, "cublasLtMatmul (sum of parts)", [call] {
    static int32_t runs = 0;
    const bool ordered = call.algorithm.reduction == CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    Finish(call, call.workspace, ordered ? 0 : ++runs % call.algorithm.parts);
  });
}

}  // namespace numeral::emulator::cublaslt
