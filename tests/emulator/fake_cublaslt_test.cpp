// What the fake cuBLASLt refuses, as the real one does: a test that passes with it means something.
#include <cublasLt.h>

#include <algorithm>

#include "tests/emulator/device_tensor.h"

namespace numeral::cuda {
namespace {

// out[m][n] = a[m][k] * b[k][n], all column-major, by hand through the C functions.
class RawProduct {
 public:
  RawProduct(int m, int n, int k, uint32_t reductions, uint32_t alignment = 16) {
    REQUIRE(cublasLtCreate(&handle_) == CUBLAS_STATUS_SUCCESS);
    cublasLtMatmulDescCreate(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    cublasLtMatrixLayoutCreate(&a_, CUDA_R_32F, Elems(m), Elems(k), m);
    cublasLtMatrixLayoutCreate(&b_, CUDA_R_32F, Elems(k), Elems(n), k);
    cublasLtMatrixLayoutCreate(&out_, CUDA_R_32F, Elems(m), Elems(n), m);
    cublasLtMatmulPreference_t preference = nullptr;
    cublasLtMatmulPreferenceCreate(&preference);
    const uint64_t workspace_bytes = 1 << 20;
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                         &workspace_bytes, sizeof workspace_bytes);
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                         &reductions, sizeof reductions);
    for (const auto attribute :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
      cublasLtMatmulPreferenceSetAttribute(preference, attribute, &alignment, sizeof alignment);
    }
    int found = 0;
    planned_ = cublasLtMatmulAlgoGetHeuristic(handle_, operation_, a_, b_, out_, out_, preference,
                                              1, &choice_, &found);
    cublasLtMatmulPreferenceDestroy(preference);
  }
  RawProduct(const RawProduct&) = delete;
  RawProduct& operator=(const RawProduct&) = delete;
  ~RawProduct() {
    for (cublasLtMatrixLayout_t layout : {a_, b_, out_}) cublasLtMatrixLayoutDestroy(layout);
    cublasLtMatmulDescDestroy(operation_);
    cublasLtDestroy(handle_);
  }

  cublasStatus_t planned() const { return planned_; }
  size_t workspace_bytes() const { return choice_.workspaceSize; }
  const cublasLtMatmulAlgo_t& algorithm() const { return choice_.algo; }

  cublasStatus_t Run(const float* a, const float* b, float* out, void* workspace,
                     size_t workspace_bytes, const cublasLtMatmulAlgo_t& algorithm) const {
    const float alpha = 1, beta = 0;
    return cublasLtMatmul(handle_, operation_, &alpha, a, a_, b, b_, &beta, out, out_, out, out_,
                          &algorithm, workspace, workspace_bytes, nullptr);
  }

 private:
  static uint64_t Elems(int value) { return static_cast<uint64_t>(value); }

  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, out_ = nullptr;
  cublasStatus_t planned_ = CUBLAS_STATUS_NOT_INITIALIZED;
  cublasLtMatmulHeuristicResult_t choice_ = {};
};

constexpr uint32_t kOrdered = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;

}  // namespace

TEST_CASE("The fake cuBLASLt refuses what would go wrong on a GPU", "[emulator][fake_cublaslt]") {
  const DeviceTensor<float> a(RandomValues<float>(8 * 200, 1)), b(RandomValues<float>(200 * 8, 2)),
      out(64);
  const RawProduct product(8, 8, 200, kOrdered);
  REQUIRE(product.planned() == CUBLAS_STATUS_SUCCESS);
  const size_t bytes = product.workspace_bytes();
  REQUIRE(bytes > 0);
  const DeviceMemory workspace(bytes + 16);
  const auto run = [&](const float* first, size_t given, std::byte* place,
                       const cublasLtMatmulAlgo_t& algorithm) {
    return product.Run(first, b.data(), out.data(), place, given, algorithm);
  };
  const cublasLtMatmulAlgo_t& own = product.algorithm();
  CHECK(run(a.data(), bytes, workspace.data(), own) == CUBLAS_STATUS_SUCCESS);
  CHECK(run(a.data(), bytes - 1, workspace.data(), own) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(run(a.data(), bytes, nullptr, own) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(run(a.data(), bytes, workspace.data() + 4, own) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(run(a.data() + 1, bytes, workspace.data(), own) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(run(nullptr, bytes, workspace.data(), own) == CUBLAS_STATUS_INVALID_VALUE);
  const RawProduct other(8, 16, 200, kOrdered);
  CHECK(run(a.data(), bytes, workspace.data(), other.algorithm()) == CUBLAS_STATUS_INVALID_VALUE);
  NUMERAL_CUDA(cudaDeviceSynchronize());
}

TEST_CASE("The fake cuBLASLt refuses descriptors that contradict each other",
          "[emulator][fake_cublaslt]") {
  CHECK(RawProduct(4, 4, 0, kOrdered).planned() == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(RawProduct(4, 4, 4, kOrdered, 12).planned() == CUBLAS_STATUS_NOT_SUPPORTED);
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  const int64_t wide = CUBLAS_OP_T;
  CHECK(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSA, &wide,
                                       sizeof wide) == CUBLAS_STATUS_INVALID_VALUE);
  const int32_t epilogue = CUBLASLT_EPILOGUE_BIAS;
  CHECK(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                       sizeof epilogue) == CUBLAS_STATUS_NOT_SUPPORTED);
  CHECK(cublasLtMatmulDescDestroy(operation) == CUBLAS_STATUS_SUCCESS);
}

TEST_CASE("In-place reduction in the fake cuBLASLt changes bits between runs",
          "[emulator][fake_cublaslt]") {
  const DeviceTensor<float> a(RandomValues<float>(32 * 200, 1)),
      b(RandomValues<float>(200 * 32, 2)), out(32 * 32);
  const auto distinct = [&](uint32_t reductions) {
    const RawProduct product(32, 32, 200, reductions);
    const DeviceMemory workspace(product.workspace_bytes());
    std::vector<std::vector<double>> results;
    for (int i = 0; i < 6; ++i) {
      REQUIRE(product.Run(a.data(), b.data(), out.data(), workspace.data(),
                          product.workspace_bytes(), product.algorithm()) == CUBLAS_STATUS_SUCCESS);
      results.push_back(out.Read());
    }
    std::sort(results.begin(), results.end());
    return std::unique(results.begin(), results.end()) - results.begin();
  };
  CHECK(distinct(kOrdered) == 1);
  CHECK(distinct(CUBLASLT_REDUCTION_SCHEME_MASK) > 1);
}

}  // namespace numeral::cuda
