// cuBLASLt is column-major: it reads a row-major matrix [rows][columns] as its transpose, columns x
// rows with leading dimension `columns`. Every product is therefore asked for as out^T = op(A) *
// op(B), with the factors in the other order.
#include "cuda/lib/product.h"

#include <cublasLt.h>

#include <algorithm>
#include <utility>

#include "util/error.h"

namespace numeral::cuda {
namespace {

// What NVIDIA's manual advises for Hopper. Only what the chosen algorithm needs is ever allocated.
constexpr size_t kMaxWorkspaceBytes = size_t{32} << 20;
constexpr size_t kMaxAlignmentBytes = 256;

void Check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  Fail("{}: {} ({})", call, cublasLtGetStatusString(status), static_cast<int>(status));
}

template <auto kDestroy>
struct Destroy {
  template <typename T>
  void operator()(T* object) const {
    kDestroy(object);
  }
};
using Operation = std::unique_ptr<cublasLtMatmulDescOpaque_t, Destroy<cublasLtMatmulDescDestroy>>;
using Layout = std::unique_ptr<cublasLtMatrixLayoutOpaque_t, Destroy<cublasLtMatrixLayoutDestroy>>;
using Preference =
    std::unique_ptr<cublasLtMatmulPreferenceOpaque_t, Destroy<cublasLtMatmulPreferenceDestroy>>;

Layout MakeLayout(cudaDataType type, int row_major_rows, int row_major_columns) {
  cublasLtMatrixLayout_t layout = nullptr;
  Check(cublasLtMatrixLayoutCreate(&layout, type, static_cast<uint64_t>(row_major_columns),
                                   static_cast<uint64_t>(row_major_rows), row_major_columns),
        "cublasLtMatrixLayoutCreate");
  return Layout(layout);
}

Operation MakeOperation(cublasComputeType_t compute, cublasOperation_t a, cublasOperation_t b) {
  cublasLtMatmulDesc_t description = nullptr;
  Check(cublasLtMatmulDescCreate(&description, compute, CUDA_R_32F), "cublasLtMatmulDescCreate");
  Operation operation(description);
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, cublasOperation_t value) {
    const auto stored = static_cast<int32_t>(value);
    Check(cublasLtMatmulDescSetAttribute(description, attribute, &stored, sizeof stored),
          "cublasLtMatmulDescSetAttribute");
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, a);
  set(CUBLASLT_MATMUL_DESC_TRANSB, b);
  return operation;
}

template <typename Value>
void Prefer(const Preference& preference, cublasLtMatmulPreferenceAttributes_t attribute,
            Value value) {
  Check(cublasLtMatmulPreferenceSetAttribute(preference.get(), attribute, &value, sizeof value),
        "cublasLtMatmulPreferenceSetAttribute");
}

// Alignments in cuBLASLt's order of the factors.
Preference MakePreference(size_t a_bytes, size_t b_bytes, size_t out_bytes) {
  cublasLtMatmulPreference_t description = nullptr;
  Check(cublasLtMatmulPreferenceCreate(&description), "cublasLtMatmulPreferenceCreate");
  Preference preference(description);
  Prefer<uint64_t>(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kMaxWorkspaceBytes);
  Prefer<uint32_t>(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                   CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
  const auto alignment = [&](cublasLtMatmulPreferenceAttributes_t attribute, size_t bytes) {
    Prefer<uint32_t>(preference, attribute, static_cast<uint32_t>(bytes));
  };
  alignment(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, a_bytes);
  alignment(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, b_bytes);
  alignment(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, out_bytes);
  alignment(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, out_bytes);
  return preference;
}

}  // namespace

class ProductContext {
 public:
  ProductContext() { Check(cublasLtCreate(&handle_), "cublasLtCreate"); }
  ~ProductContext() { cublasLtDestroy(handle_); }
  ProductContext(const ProductContext&) = delete;
  ProductContext& operator=(const ProductContext&) = delete;
  cublasLtHandle_t handle() const { return handle_; }

 private:
  cublasLtHandle_t handle_ = nullptr;
};

namespace {

class LtProduct : public Product {
 public:
  LtProduct(std::shared_ptr<ProductContext> context, const ProductProblem& problem)
      : context_(std::move(context)), problem_(problem) {
    const int n = problem.n, in = problem.in, out = problem.out;
    const cudaDataType operand = problem.mode == MatrixMode::kBf16 ? CUDA_R_16BF : CUDA_R_32F;
    const cublasComputeType_t compute =
        problem.mode == MatrixMode::kTf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    switch (problem.pass) {
      case ProductPass::kForward:  // y^T = weight * x^T
        swapped_ = true;
        operation_ = MakeOperation(compute, CUBLAS_OP_T, CUBLAS_OP_N);
        a_ = MakeLayout(operand, out, in);
        b_ = MakeLayout(operand, n, in);
        out_ = MakeLayout(operand, n, out);
        break;
      case ProductPass::kBackwardData:  // grad_x^T = weight^T * grad_y^T
        swapped_ = true;
        operation_ = MakeOperation(compute, CUBLAS_OP_N, CUBLAS_OP_N);
        a_ = MakeLayout(operand, out, in);
        b_ = MakeLayout(operand, n, out);
        out_ = MakeLayout(operand, n, in);
        break;
      case ProductPass::kBackwardWeight:  // grad_weight^T = x^T * grad_y
        operation_ = MakeOperation(compute, CUBLAS_OP_N, CUBLAS_OP_T);
        a_ = MakeLayout(operand, n, in);
        b_ = MakeLayout(operand, n, out);
        out_ = MakeLayout(CUDA_R_32F, out, in);
        break;
    }
    ChooseAlgorithm();
  }

  size_t workspace_bytes() const override { return choice_.workspaceSize; }

  void Run(const void* a, const void* b, void* out, void* workspace,
           cudaStream_t stream) const override {
    NUMERAL_CHECK(AlignmentBytes(a) >= problem_.a_alignment_bytes);
    NUMERAL_CHECK(AlignmentBytes(b) >= problem_.b_alignment_bytes);
    NUMERAL_CHECK(AlignmentBytes(out) >= problem_.out_alignment_bytes);
    if (swapped_) std::swap(a, b);
    const float alpha = 1, beta = problem_.accumulate ? 1.0f : 0.0f;
    Check(cublasLtMatmul(context_->handle(), operation_.get(), &alpha, a, a_.get(), b, b_.get(),
                         &beta, out, out_.get(), out, out_.get(), &choice_.algo, workspace,
                         choice_.workspaceSize, stream),
          "cublasLtMatmul");
  }

 private:
  void ChooseAlgorithm() {
    size_t a_bytes = problem_.a_alignment_bytes, b_bytes = problem_.b_alignment_bytes;
    if (swapped_) std::swap(a_bytes, b_bytes);
    const Preference preference = MakePreference(a_bytes, b_bytes, problem_.out_alignment_bytes);
    int found = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        context_->handle(), operation_.get(), a_.get(), b_.get(), out_.get(), out_.get(),
        preference.get(), 1, &choice_, &found);
    if (status == CUBLAS_STATUS_SUCCESS && found == 1) {
      Check(choice_.state, "cublasLtMatmulAlgoGetHeuristic");
      return;
    }
    Fail("cublasLtMatmulAlgoGetHeuristic: no algorithm for pass {} of {} rows, {} -> {} ({})",
         static_cast<int>(problem_.pass), problem_.n, problem_.in, problem_.out,
         cublasLtGetStatusString(status));
  }

  std::shared_ptr<ProductContext> context_;
  ProductProblem problem_;
  bool swapped_ = false;  // cuBLASLt's A is `b`
  Operation operation_;
  Layout a_, b_, out_;
  cublasLtMatmulHeuristicResult_t choice_ = {};
};

}  // namespace

size_t AlignmentBytes(const void* address) {
  const auto value = reinterpret_cast<uintptr_t>(address) | kMaxAlignmentBytes;
  return value & (~value + 1);
}

ProductLibrary::ProductLibrary() : context_(std::make_shared<ProductContext>()) {}

std::unique_ptr<Product> ProductLibrary::Plan(const ProductProblem& problem) const {
  NUMERAL_CHECK(std::min({problem.n, problem.in, problem.out}) >= 1);
  NUMERAL_CHECK(!problem.accumulate || problem.pass == ProductPass::kBackwardWeight);
  return std::make_unique<LtProduct>(context_, problem);
}

}  // namespace numeral::cuda
