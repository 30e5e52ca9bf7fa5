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

void CheckCuda(cudaError_t error, std::string_view what) {
  if (error != cudaSuccess) Fail("{}: {}", what, cudaGetErrorString(error));
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

// Times plans on a problem's real buffers.
class Stopwatch {
 public:
  Stopwatch(const Context& context, const ConvPointers& pointers, size_t workspace_bytes,
            cudaStream_t stream)
      : context_(context), pointers_(pointers), stream_(stream) {
    CheckCuda(cudaMalloc(&workspace_, std::max<size_t>(workspace_bytes, 1)), "cudaMalloc");
    CheckCuda(cudaEventCreate(&begin_), "cudaEventCreate");
    CheckCuda(cudaEventCreate(&end_), "cudaEventCreate");
  }
  ~Stopwatch() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
    cudaFree(workspace_);
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

  // One run, which also loads the plan's kernels. Whether cuDNN took it.
  bool WarmUp(const ExecutionPlan& plan) const {
    const bool taken =
        context_.Execute(plan, pointers_, workspace_, stream_) == CUDNN_STATUS_SUCCESS;
    CheckCuda(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    return taken;
  }
  // The fastest of a few runs, in milliseconds; fewer runs where they take long beside `best_ms`.
  float Measure(const ExecutionPlan& plan, float best_ms) const {
    float fastest_ms = std::numeric_limits<float>::infinity();
    for (int run = 0; run < kTimedRuns; ++run) {
      CheckCuda(cudaEventRecord(begin_, stream_), "cudaEventRecord");
      CheckCudnn(context_.Execute(plan, pointers_, workspace_, stream_), "cudnnBackendExecute");
      CheckCuda(cudaEventRecord(end_, stream_), "cudaEventRecord");
      CheckCuda(cudaEventSynchronize(end_), "cudaEventSynchronize");
      float ms = 0;
      CheckCuda(cudaEventElapsedTime(&ms, begin_, end_), "cudaEventElapsedTime");
      fastest_ms = std::min(fastest_ms, ms);
      if (fastest_ms > kTooSlow * best_ms) break;
    }
    return fastest_ms;
  }

 private:
  const Context& context_;
  ConvPointers pointers_;
  cudaStream_t stream_;
  void* workspace_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

ExecutionPlan Fastest(std::vector<ExecutionPlan> plans, const Context& context,
                      const ConvPointers& pointers, cudaStream_t stream) {
  size_t workspace_bytes = 0;
  for (const ExecutionPlan& plan : plans) {
    workspace_bytes = std::max(workspace_bytes, plan.workspace_bytes);
  }
  const Stopwatch stopwatch(context, pointers, workspace_bytes, stream);
  float best_ms = std::numeric_limits<float>::infinity();
  ExecutionPlan* best = nullptr;
  for (ExecutionPlan& plan : plans) {
    if (!stopwatch.WarmUp(plan)) continue;
    const float ms = stopwatch.Measure(plan, best_ms);
    if (ms >= best_ms) continue;
    best_ms = ms;
    best = &plan;
  }
  if (best == nullptr) Fail("cuDNN carries out none of its {} plans", plans.size());
  return std::move(*best);
}

std::string MachineName() {
  int device = 0;
  CheckCuda(cudaGetDevice(&device), "cudaGetDevice");
  cudaDeviceProp properties{};
  CheckCuda(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
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
  int timed_problems;
};

ConvolutionLibrary::ConvolutionLibrary(const std::filesystem::path& cache_file)
    : state_(std::make_unique<State>(std::make_shared<const Context>(),
                                     PlanCache(cache_file, MachineName()), 0)) {}
ConvolutionLibrary::~ConvolutionLibrary() = default;

int ConvolutionLibrary::timed_problems() const { return state_->timed_problems; }

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
    // Its kernels are loaded now: nothing may be loaded while a stream is captured.
    const Stopwatch runner(context, pointers, state->plan->workspace_bytes, stream);
    if (!runner.WarmUp(*state->plan)) state->plan.reset();
  }
  if (!state->plan) {
    state->plan = Fastest(state->graph.AdmissiblePlans(), context, pointers, stream);
    state_->cache.Add(key, state->plan->choice);
    ++state_->timed_problems;
  }
  return std::unique_ptr<Convolution>(new Convolution(std::move(state)));
} catch (const Error& error) {
  Fail("{}: {}", Describe(problem), error.what());
}

}  // namespace numeral::cuda
