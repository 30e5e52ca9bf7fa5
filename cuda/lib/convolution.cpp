#include "cuda/lib/convolution.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "cuda/lib/convolution_graph.h"
#include "cuda/lib/cudnn_descriptor.h"
#include "cuda/lib/plan_cache.h"
#include "cuda/support/check.h"
#include "cuda/support/runtime.h"
#include "util/error.h"

namespace numeral::cuda {
namespace {

constexpr int kMaxAlignmentBytes = 16;
constexpr int kTimedRuns = 3;
constexpr float kTooSlow = 2;  // times the fastest: not worth more runs

// The largest power of two up to kMaxAlignmentBytes that divides all three addresses.
int AlignmentOf(const ConvPointers& pointers) {
  const uintptr_t bits = reinterpret_cast<uintptr_t>(pointers.image) |
                         reinterpret_cast<uintptr_t>(pointers.weight) |
                         reinterpret_cast<uintptr_t>(pointers.features);
  int alignment = kMaxAlignmentBytes;
  while (bits % static_cast<uintptr_t>(alignment) != 0) alignment /= 2;
  return alignment;
}

// cuDNN on the current device.
class Context {
 public:
  Context() : handle_(MakeHandle()), target_(handle_.get()) {}
  const Target& target() const { return target_; }

  // Enqueues the plan; a refusal of cuDNN's is returned.
  cudnnStatus_t Execute(const ExecutionPlan& plan, const ConvPointers& pointers, void* workspace,
                        cudaStream_t stream) const {
    Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.Set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS,
             std::vector<int64_t>{kImageId, kWeightId, kFeaturesId});
    pack.Set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
             std::vector<void*>{pointers.image, pointers.weight, pointers.features});
    pack.Set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace);
    pack.Finalize();
    CheckCudnn(cudnnSetStream(handle_.get(), stream), "cudnnSetStream");
    return cudnnBackendExecute(handle_.get(), plan.plan.get(), pack.get());
  }

 private:
  struct Destroy {
    void operator()(cudnnHandle_t handle) const { cudnnDestroy(handle); }
  };
  using Handle = std::unique_ptr<std::remove_pointer_t<cudnnHandle_t>, Destroy>;
  static Handle MakeHandle() {
    cudnnHandle_t handle = nullptr;
    CheckCudnn(cudnnCreate(&handle), "cudnnCreate");
    return Handle(handle);
  }

  Handle handle_;
  Target target_;
};

// Memory of its own for the tensors and the workspace of a problem, to run plans on.
class Rehearsal {
 public:
  Rehearsal(const Context& context, const ConvProblem& problem, size_t workspace_bytes,
            cudaStream_t stream)
      : context_(context), stream_(stream), begin_(MakeTimingEvent()), end_(MakeTimingEvent()) {
    const ConvGeometry& g = problem.geometry;
    const size_t element_bytes = problem.mode == MatrixMode::kBf16 ? 2 : 4;
    const auto tensor_bytes = [&](size_t a, size_t b, size_t c, size_t d) {
      return (a * b * c * d * element_bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
    };
    const size_t image_bytes = tensor_bytes(g.n, g.h, g.w, g.c);
    const size_t weight_bytes = tensor_bytes(g.k, g.r, g.s, g.c);
    const size_t features_bytes = tensor_bytes(g.n, g.p, g.q, g.k);
    const size_t tensors_bytes = image_bytes + weight_bytes + features_bytes;
    memory_ = DeviceMemory(tensors_bytes + workspace_bytes);
    pointers_ = {memory_.data(), memory_.data() + image_bytes,
                 memory_.data() + image_bytes + weight_bytes};
    workspace_ = memory_.data() + tensors_bytes;
    NUMERAL_CUDA(cudaMemsetAsync(memory_.data(), kFillByte, tensors_bytes, stream));
  }

  // One run, which also loads the plan's kernels. Whether cuDNN took it.
  bool WarmUp(const ExecutionPlan& plan) const {
    const bool taken =
        context_.Execute(plan, pointers_, workspace_, stream_) == CUDNN_STATUS_SUCCESS;
    NUMERAL_CUDA(cudaStreamSynchronize(stream_));
    return taken;
  }
  // The fastest of a few runs, in milliseconds; fewer runs where they take long beside `best_ms`.
  float Measure(const ExecutionPlan& plan, float best_ms) const {
    float fastest_ms = std::numeric_limits<float>::infinity();
    for (int run = 0; run < kTimedRuns; ++run) {
      NUMERAL_CUDA(cudaEventRecord(begin_.get(), stream_));
      CheckCudnn(context_.Execute(plan, pointers_, workspace_, stream_), "cudnnBackendExecute");
      NUMERAL_CUDA(cudaEventRecord(end_.get(), stream_));
      NUMERAL_CUDA(cudaEventSynchronize(end_.get()));
      float ms = 0;
      NUMERAL_CUDA(cudaEventElapsedTime(&ms, begin_.get(), end_.get()));
      fastest_ms = std::min(fastest_ms, ms);
      if (fastest_ms > kTooSlow * best_ms) break;
    }
    return fastest_ms;
  }

 private:
  static constexpr size_t kBlockBytes = 256;
  static constexpr int kFillByte = 0x3C;  // 0.011 as fp32 and as bf16

  const Context& context_;
  cudaStream_t stream_;
  Event begin_, end_;
  DeviceMemory memory_;
  ConvPointers pointers_{};
  void* workspace_ = nullptr;
};

// Of the plans that cuDNN carries out.
ExecutionPlan Fastest(std::vector<ExecutionPlan> plans, const Context& context,
                      const ConvProblem& problem, cudaStream_t stream) {
  size_t workspace_bytes = 0;
  for (const ExecutionPlan& plan : plans) {
    workspace_bytes = std::max(workspace_bytes, plan.workspace_bytes);
  }
  const Rehearsal rehearsal(context, problem, workspace_bytes, stream);
  std::erase_if(plans, [&](const ExecutionPlan& plan) { return !rehearsal.WarmUp(plan); });
  if (plans.empty()) Fail("cuDNN carries out none of its plans");
  if (plans.size() == 1) return std::move(plans[0]);
  float best_ms = std::numeric_limits<float>::infinity();
  ExecutionPlan* best = &plans[0];
  for (ExecutionPlan& plan : plans) {
    const float ms = rehearsal.Measure(plan, best_ms);
    if (ms >= best_ms) continue;
    best_ms = ms;
    best = &plan;
  }
  return std::move(*best);
}

std::string MachineName() {
  int device = 0;
  NUMERAL_CUDA(cudaGetDevice(&device));
  cudaDeviceProp properties{};
  NUMERAL_CUDA(cudaGetDeviceProperties(&properties, device));
  return fmt::format("cuDNN {} on {}", cudnnGetVersion(), properties.name);
}

}  // namespace

struct Convolution::State {
  std::shared_ptr<const Context> context;
  std::string problem;
  int alignment_bytes;
  ConvolutionGraph graph;  // cuDNN's plan refers to it
  std::optional<ExecutionPlan> plan;
};

Convolution::Convolution(std::unique_ptr<State> state) : state_(std::move(state)) {}
Convolution::~Convolution() = default;

size_t Convolution::workspace_bytes() const { return state_->plan->workspace_bytes; }

void Convolution::Run(const ConvPointers& pointers, void* workspace, cudaStream_t stream) const {
  if (AlignmentOf(pointers) < state_->alignment_bytes) {
    Fail("{}: planned for tensors aligned to {} bytes, run on less", state_->problem,
         state_->alignment_bytes);
  }
  CheckCudnn(state_->context->Execute(*state_->plan, pointers, workspace, stream),
             fmt::format("cudnnBackendExecute of {}", description()));
}

std::string Convolution::description() const {
  return fmt::format("{}: {}, workspace {} bytes", state_->problem, Describe(state_->plan->choice),
                     workspace_bytes());
}

struct ConvolutionLibrary::State {
  std::shared_ptr<const Context> context;
  PlanCache cache;
  int chosen_plans;
};

ConvolutionLibrary::ConvolutionLibrary(const std::filesystem::path& cache_file)
    : state_(std::make_unique<State>(std::make_shared<const Context>(),
                                     PlanCache(cache_file, MachineName()), 0)) {}
ConvolutionLibrary::~ConvolutionLibrary() = default;

int ConvolutionLibrary::chosen_plans() const { return state_->chosen_plans; }

std::unique_ptr<Convolution> ConvolutionLibrary::Plan(const ConvProblem& problem,
                                                      const ConvPointers& pointers,
                                                      cudaStream_t stream) try {
  const Context& context = *state_->context;
  const int alignment_bytes = AlignmentOf(pointers);
  auto state = std::make_unique<Convolution::State>(
      state_->context, Describe(problem), alignment_bytes,
      ConvolutionGraph(problem, alignment_bytes, context.target()), std::nullopt);
  const std::string key = fmt::format("{}, aligned to {}", state->problem, alignment_bytes);
  if (const auto choice = state_->cache.Find(key)) {
    std::string refusal;
    state->plan = state->graph.Build(*choice, refusal);
  }
  if (state->plan) {
    const Rehearsal rehearsal(context, problem, state->plan->workspace_bytes, stream);
    if (!rehearsal.WarmUp(*state->plan)) state->plan.reset();
  }
  if (!state->plan) {
    state->plan = Fastest(state->graph.AdmissiblePlans(), context, problem, stream);
    state_->cache.Add(key, state->plan->choice);
    ++state_->chosen_plans;
  }
  return std::unique_ptr<Convolution>(new Convolution(std::move(state)));
} catch (const Error& error) {
  Fail("{}: {}", Describe(problem), error.what());
}

}  // namespace numeral::cuda
