// The functions of cuBLASLt that cuda/lib/product.cpp uses, carried out on the host in stream
// order.
//
// Linked in place of the library. Descriptors are kept and checked as the real one does; what this
// file does not know is refused. Where the caller allows a workspace, longer sums are split.
#include "tests/emulator/fake_cublaslt.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <memory>

#include "tests/emulator/fake_cublaslt_product.h"

namespace numeral::emulator::cublaslt {
namespace {

constexpr int64_t kPartLength = 48;
constexpr int kMaxParts = 4;

struct Preference {
  uint64_t workspace_bytes = 0;
  uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_MASK;
  uint32_t a_alignment = 256, b_alignment = 256, c_alignment = 256, d_alignment = 256;
};

// Objects by the address that the caller holds: one that was destroyed is not found.
template <typename Opaque, typename State>
class Registry {
 public:
  cublasStatus_t Create(Opaque** object, const State& state) {
    if (object == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    auto memory = std::make_unique<Opaque>();
    *object = memory.get();
    live_[*object] = {std::move(memory), state};
    return CUBLAS_STATUS_SUCCESS;
  }
  cublasStatus_t Destroy(Opaque* object) {
    return live_.erase(object) == 1 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
  }
  State* Find(Opaque* object) {
    const auto found = live_.find(object);
    return found == live_.end() ? nullptr : &found->second.state;
  }
  int size() const { return static_cast<int>(live_.size()); }

 private:
  struct Entry {
    std::unique_ptr<Opaque> memory;
    State state;
  };
  std::map<Opaque*, Entry> live_;
};

struct Handle {};

// Function statics, as descriptors may be made before this file's globals are.
auto& Handles() {
  static Registry<char, Handle> registry;
  return registry;
}
auto& Layouts() {
  static Registry<cublasLtMatrixLayoutOpaque_t, Layout> registry;
  return registry;
}
auto& Operations() {
  static Registry<cublasLtMatmulDescOpaque_t, Operation> registry;
  return registry;
}
auto& Preferences() {
  static Registry<cublasLtMatmulPreferenceOpaque_t, Preference> registry;
  return registry;
}

bool IsHandle(cublasLtHandle_t handle) {
  return Handles().Find(reinterpret_cast<char*>(handle)) != nullptr;
}

template <typename Value>
cublasStatus_t Set(const void* buffer, size_t bytes, Value* value) {
  if (buffer == nullptr || bytes != sizeof *value) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(value, buffer, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

// ---- the problem

bool Shaped(const Layout& layout, int64_t rows, int64_t columns, int32_t transpose) {
  if (transpose == CUBLAS_OP_T) std::swap(rows, columns);
  return layout.rows == rows && layout.columns == columns;
}

cublasStatus_t CheckTypes(const Problem& problem) {
  const Operation& operation = problem.operation;
  if (operation.scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (problem.a.type != problem.b.type || problem.c.type != problem.d.type) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const bool fp32 = problem.a.type == CUDA_R_32F && problem.d.type == CUDA_R_32F;
  const bool bf16 = problem.a.type == CUDA_R_16BF &&
                    (problem.d.type == CUDA_R_16BF || problem.d.type == CUDA_R_32F);
  const bool known = operation.compute == CUBLAS_COMPUTE_32F
                         ? fp32 || bf16
                         : operation.compute == CUBLAS_COMPUTE_32F_FAST_TF32 && fp32;
  return known ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t CheckProblem(const Problem& problem) {
  for (const Layout* layout : {&problem.a, &problem.b, &problem.c, &problem.d}) {
    if (layout->rows < 1 || layout->columns < 1) return CUBLAS_STATUS_INVALID_VALUE;
    if (layout->ld < layout->rows) return CUBLAS_STATUS_INVALID_VALUE;
  }
  const Sizes sizes = SizesOf(problem);
  const bool fits = Shaped(problem.a, sizes.m, sizes.k, problem.operation.transpose_a) &&
                    Shaped(problem.b, sizes.k, sizes.n, problem.operation.transpose_b) &&
                    Shaped(problem.c, sizes.m, sizes.n, CUBLAS_OP_N);
  return fits ? CheckTypes(problem) : CUBLAS_STATUS_INVALID_VALUE;
}

// False for an object that is not alive.
bool MakeProblem(cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                 cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, Problem* problem) {
  const Operation* found = Operations().Find(operation);
  const Layout* layouts[] = {Layouts().Find(a), Layouts().Find(b), Layouts().Find(c),
                             Layouts().Find(d)};
  if (found == nullptr) return false;
  for (const Layout* layout : layouts) {
    if (layout == nullptr) return false;
  }
  *problem = {*found, *layouts[0], *layouts[1], *layouts[2], *layouts[3]};
  return true;
}

uint64_t Hash(const Problem& problem) {
  uint64_t hash = 0xCBF29CE484222325u;
  const auto mix = [&](int64_t value) {
    hash = (hash ^ static_cast<uint64_t>(value)) * 0x100000001B3u;
  };
  mix(problem.operation.compute);
  mix(problem.operation.transpose_a);
  mix(problem.operation.transpose_b);
  for (const Layout* layout : {&problem.a, &problem.b, &problem.c, &problem.d}) {
    mix(layout->type);
    mix(layout->rows);
    mix(layout->columns);
    mix(layout->ld);
  }
  return hash;
}

// ---- the choice of an algorithm

// The widest accesses that the promised address and the distance of columns allow.
uint32_t AccessBytes(const Layout& layout, uint32_t promised) {
  uint32_t bytes = std::min<uint32_t>(promised, 16);
  while (layout.columns > 1 && layout.ld * ElementBytes(layout.type) % bytes != 0) bytes /= 2;
  return bytes;
}

bool Promises(const Layout& layout, uint32_t alignment) {
  return std::has_single_bit(alignment) && alignment >= ElementBytes(layout.type);
}

Algorithm Choose(const Problem& problem, const Preference& preference) {
  const Sizes sizes = SizesOf(problem);
  Algorithm algorithm = {.problem_hash = Hash(problem),
                         .workspace_bytes = 0,
                         .a_alignment = AccessBytes(problem.a, preference.a_alignment),
                         .b_alignment = AccessBytes(problem.b, preference.b_alignment),
                         .c_alignment = AccessBytes(problem.c, preference.c_alignment),
                         .d_alignment = AccessBytes(problem.d, preference.d_alignment),
                         .parts = 1,
                         .reduction = CUBLASLT_REDUCTION_SCHEME_NONE};
  const auto parts =
      static_cast<int32_t>(std::min<int64_t>(kMaxParts, (sizes.k + kPartLength - 1) / kPartLength));
  const auto bytes = static_cast<uint64_t>(parts * sizes.m * sizes.n) * sizeof(float);
  const uint32_t usable = preference.reductions & (CUBLASLT_REDUCTION_SCHEME_INPLACE |
                                                   CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
  if (parts > 1 && usable != 0 && bytes <= preference.workspace_bytes) {
    algorithm.parts = parts;
    algorithm.workspace_bytes = bytes;
    algorithm.reduction = (usable & CUBLASLT_REDUCTION_SCHEME_INPLACE) != 0
                              ? CUBLASLT_REDUCTION_SCHEME_INPLACE
                              : CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
  }
  return algorithm;
}

bool IsAligned(const void* address, uint64_t bytes) {
  return reinterpret_cast<uintptr_t>(address) % bytes == 0;
}

}  // namespace

int LiveObjects() {
  return Handles().size() + Layouts().size() + Operations().size() + Preferences().size();
}

}  // namespace numeral::emulator::cublaslt

int numeral::emulator::LiveCublasLtObjects() { return cublaslt::LiveObjects(); }

// ---- the library's functions

using namespace numeral::emulator::cublaslt;

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  return Handles().Create(reinterpret_cast<char**>(handle), {});
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  return Handles().Destroy(reinterpret_cast<char*>(handle));
}

const char* cublasLtGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the requested functionality is not supported";
    default:
      return "unknown error";
  }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t ld) {
  if (type != CUDA_R_32F && type != CUDA_R_16BF) return CUBLAS_STATUS_NOT_SUPPORTED;
  return Layouts().Create(layout,
                          {type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), ld});
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return Layouts().Destroy(layout);
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* operation,
                                        cublasComputeType_t compute, cudaDataType_t scale) {
  return Operations().Create(operation, {compute, scale});
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
  return Operations().Destroy(operation);
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* buffer, size_t bytes) {
  Operation* state = Operations().Find(operation);
  if (state == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  int32_t transpose = -1;
  const cublasStatus_t status = Set(buffer, bytes, &transpose);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (transpose != CUBLAS_OP_N && transpose != CUBLAS_OP_T) return CUBLAS_STATUS_NOT_SUPPORTED;
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      state->transpose_a = transpose;
      return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_DESC_TRANSB:
      state->transpose_b = transpose;
      return CUBLAS_STATUS_SUCCESS;
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return Preferences().Create(preference, {});
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return Preferences().Destroy(preference);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* buffer, size_t bytes) {
  Preference* state = Preferences().Find(preference);
  if (state == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return Set(buffer, bytes, &state->workspace_bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return Set(buffer, bytes, &state->reductions);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return Set(buffer, bytes, &state->a_alignment);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return Set(buffer, bytes, &state->b_alignment);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return Set(buffer, bytes, &state->c_alignment);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return Set(buffer, bytes, &state->d_alignment);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle,
                                              cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* returned) {
  if (!IsHandle(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  const Preference* preferred = Preferences().Find(preference);
  Problem problem;
  if (requested < 1 || results == nullptr || returned == nullptr || preferred == nullptr ||
      !MakeProblem(operation, a, b, c, d, &problem)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  *returned = 0;
  const cublasStatus_t status = CheckProblem(problem);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (!Promises(problem.a, preferred->a_alignment) ||
      !Promises(problem.b, preferred->b_alignment) ||
      !Promises(problem.c, preferred->c_alignment) ||
      !Promises(problem.d, preferred->d_alignment)) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const Algorithm algorithm = Choose(problem, *preferred);
  results[0] = {};
  std::memcpy(results[0].algo.data, &algorithm, sizeof algorithm);
  results[0].workspaceSize = algorithm.workspace_bytes;
  results[0].state = CUBLAS_STATUS_SUCCESS;
  results[0].wavesCount = 1;
  *returned = 1;
  return CUBLAS_STATUS_SUCCESS;
}

// The pointer mode is the default: alpha and beta are read on the host, before the call returns.
cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                              const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout,
                              const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                              const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo,
                              void* workspace, size_t workspace_bytes, cudaStream_t stream) {
  if (!IsHandle(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  Call call = {};
  if (!MakeProblem(operation, a_layout, b_layout, c_layout, d_layout, &call.problem)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const cublasStatus_t status = CheckProblem(call.problem);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (algo == nullptr) return CUBLAS_STATUS_NOT_SUPPORTED;
  std::memcpy(&call.algorithm, algo->data, sizeof call.algorithm);
  const Algorithm& chosen = call.algorithm;
  if (alpha == nullptr || beta == nullptr || a == nullptr || b == nullptr || d == nullptr ||
      chosen.problem_hash != Hash(call.problem)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  call.alpha = *static_cast<const float*>(alpha);
  call.beta = *static_cast<const float*>(beta);
  if (c == nullptr && call.beta != 0) return CUBLAS_STATUS_INVALID_VALUE;
  const bool same = c != d || call.problem.c.ld == call.problem.d.ld;
  const bool aligned = IsAligned(a, chosen.a_alignment) && IsAligned(b, chosen.b_alignment) &&
                       IsAligned(c, chosen.c_alignment) && IsAligned(d, chosen.d_alignment);
  const bool has_workspace = chosen.workspace_bytes == 0 ||
                             (workspace != nullptr && workspace_bytes >= chosen.workspace_bytes);
  if (!same || !aligned || !has_workspace || !IsAligned(workspace, 16)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  call.a = a;
  call.b = b;
  call.c = c;
  call.d = d;
  call.workspace = static_cast<float*>(workspace);
  return EnqueueProduct(call, stream) == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                                     : CUBLAS_STATUS_EXECUTION_FAILED;
}
