// Which kernels of a graph start early, and that the emulator finds kernels that must not.
#include "cuda/support/early_start.h"

#include <algorithm>
#include <string>
#include <vector>

#include "cuda/engine/graph_size.h"
#include "cuda/support/simt.h"
#include "tests/catch.h"
#include "tests/emulator/joined_ops.h"
#include "tests/emulator/stream.h"
#include "tests/emulator/test_values.h"

namespace numeral::cuda {
namespace {

__global__ void count_kernel(int* count) {
  WaitForEarlierKernels();
  if (threadIdx.x == 0) *count += 1;
}

// Threads from `waiting` on end without having waited.
__global__ void returning_kernel(int waiting) {
  if (static_cast<int>(threadIdx.x) >= waiting) return;
  WaitForEarlierKernels();
}

[[maybe_unused]] __global__ void hasty_kernel(const int* x, int* y, bool reads, bool writes) {
  int value = 0;
  if (reads) value = x[threadIdx.x];
  if (writes) y[threadIdx.x] = value;
  WaitForEarlierKernels();
  y[threadIdx.x] = value;
}

[[maybe_unused]] __global__ void hasty_atomic_kernel(int* count) {
  atomicAdd(count, 1);
  WaitForEarlierKernels();
}

__global__ void inverted_kernel() {
  cudaTriggerProgrammaticLaunchCompletion();
  cudaGridDependencySynchronize();
}

// One stream that is captured with another beside it.
class Capturing {
 public:
  Capturing() {
    NUMERAL_CUDA(cudaStreamBeginCapture(main.get(), cudaStreamCaptureModeThreadLocal));
  }
  ~Capturing() {
    cudaGraph_t graph = nullptr;
    cudaStreamEndCapture(main.get(), &graph);  // where a test failed
    const Graph abandoned(graph);
    cudaGetLastError();
  }
  void Launch(const Stream& stream) const {
    cuda::Launch("count", count_kernel, {1, 32}, stream.get(), count.data());
  }
  void LaunchLibrary() const {
    NUMERAL_CUDA(emulator::Enqueue(main.get(), "a library's kernel", [] {}));
  }
  // What comes next on the one waits for what has been put on the other.
  void Wait(const Stream& waiting, const Stream& other) const {
    NUMERAL_CUDA(cudaEventRecord(event.get(), other.get()));
    NUMERAL_CUDA(cudaStreamWaitEvent(waiting.get(), event.get(), 0));
  }
  Graph End() const {
    cudaGraph_t graph = nullptr;
    NUMERAL_CUDA(cudaStreamEndCapture(main.get(), &graph));
    return Graph(graph);
  }

  const Stream main = MakeStream(), side = MakeStream();
  const Values<int> count{std::vector<int>{0}};
  const PinnedMemory pinned{sizeof(int)};

 private:
  const Event event = MakeEvent();
};

// A letter for every node, in the order of the capture: E where it starts early.
std::string EarlyNodes(const Graph& graph) {
  std::vector<cudaGraphNode_t> nodes(100), from(100), to(100);
  std::vector<cudaGraphEdgeData> data(100);
  size_t node_count = nodes.size(), edge_count = data.size();
  NUMERAL_CUDA(cudaGraphGetNodes(graph.get(), nodes.data(), &node_count));
#if CUDART_VERSION >= 13000
  const auto get_edges = cudaGraphGetEdges;
#else
  const auto get_edges = cudaGraphGetEdges_v2;
#endif
  NUMERAL_CUDA(get_edges(graph.get(), from.data(), to.data(), data.data(), &edge_count));
  std::string text(node_count, '.');
  for (size_t i = 0; i < edge_count; ++i) {
    if (data[i].type != cudaGraphDependencyTypeProgrammatic) continue;
    CHECK(data[i].from_port == cudaGraphKernelNodePortProgrammatic);
    text[std::find(nodes.begin(), nodes.end(), to[i]) - nodes.begin()] = 'E';
  }
  const auto early = std::count(text.begin(), text.end(), 'E');
  CHECK(SizeOf(graph.get()).early_starts == early);
  if (early > 0) {
    CHECK(get_edges(graph.get(), from.data(), to.data(), nullptr, &edge_count) ==
          cudaErrorLossyQuery);
    cudaGetLastError();
  }
  return text;
}

// What the runtime says to a launch that asks for an early start.
cudaError_t AskForEarlyStart(const Stream& stream, const Values<int>& count) {
  cudaLaunchAttribute early = {};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = 1;
  config.blockDim = 32;
  config.stream = stream.get();
  config.attrs = &early;
  config.numAttrs = 1;
  const cudaError_t status = LaunchKernel("count", config, count_kernel, count.data());
  cudaGetLastError();
  return status;
}

}  // namespace

TEST_CASE("Kernels behind kernels of the same stream start early", "[emulator][early_start]") {
  const Capturing capture;
  const EarlyStarts early_starts;
  SECTION("all of a row but the first") {
    for (int i = 0; i < 4; ++i) capture.Launch(capture.main);
    const Graph graph = capture.End();
    CHECK(EarlyNodes(graph) == ".EEE");
    cudaGraphExec_t handle = nullptr;
    NUMERAL_CUDA(cudaGraphInstantiate(&handle, graph.get(), 0));
    const GraphExec exec(handle);
    for (int i = 0; i < 2; ++i) NUMERAL_CUDA(cudaGraphLaunch(exec.get(), capture.main.get()));
    NUMERAL_CUDA(cudaStreamSynchronize(capture.main.get()));
    CHECK(capture.count.Read()[0] == 8);
  }
  SECTION("not behind those of libraries, copies and fills") {
    capture.Launch(capture.main);
    capture.LaunchLibrary();
    capture.Launch(capture.main);
    capture.Launch(capture.main);
    NUMERAL_CUDA(cudaMemsetAsync(capture.count.data(), 0, 4, capture.main.get()));
    capture.Launch(capture.main);
    capture.Launch(capture.main);
    NUMERAL_CUDA(cudaMemcpyAsync(capture.pinned.data(), capture.count.data(), 4,
                                 cudaMemcpyDeviceToHost, capture.main.get()));
    capture.Launch(capture.main);
    capture.Launch(capture.main);
    CHECK(EarlyNodes(capture.End()) == "...E..E..E");
  }
  SECTION("not behind a wait for another stream") {
    capture.Launch(capture.main);
    capture.Wait(capture.side, capture.main);
    capture.Launch(capture.side);  // the first there
    capture.Launch(capture.side);
    capture.Launch(capture.main);
    capture.Wait(capture.side, capture.main);
    capture.Launch(capture.side);
    capture.Wait(capture.main, capture.side);
    capture.Launch(capture.main);
    capture.Launch(capture.main);
    CHECK(EarlyNodes(capture.End()) == "..EE..E");
  }
  SECTION("not where the code is for GPUs that cannot") {
    emulator::SetCodeVersion(80);
    for (int i = 0; i < 3; ++i) capture.Launch(capture.main);
    CHECK(EarlyNodes(capture.End()) == "...");
    emulator::SetCodeVersion(90);
  }
}

TEST_CASE("Without leave no kernel starts early", "[emulator][early_start]") {
  emulator::ResetCounters();
  {
    const Capturing capture;
    for (int i = 0; i < 3; ++i) capture.Launch(capture.main);
    CHECK(EarlyNodes(capture.End()) == "...");
  }
  const Capturing capture;
  const Graph graph = capture.End();
  const EarlyStarts early_starts;
  for (int i = 0; i < 3; ++i) capture.Launch(capture.main);  // not captured
  NUMERAL_CUDA(cudaStreamSynchronize(capture.main.get()));
  CHECK(capture.count.Read()[0] == 3);
  CHECK(emulator::Counts().early_launches == 0);
}

TEST_CASE("In the graph of a phase own kernels in a row start early", "[emulator][early_start]") {
  OneOpPlan tensors;
  const auto tensor = [&](const char* name) { return tensors.Add(name, 3, Shape::Flat(5)); };
  const TensorId a = tensor("a"), b = tensor("b"), c = tensor("c");
  tensors.SetUniform(a, -1, 1);
  tensors.SetUniform(b, -1, 1);
  const Accumulate last{c, b};
  const OpCase op_case =
      WithOps(tensors.Finish("chain", last, tolerance::kElementwise),
              {BinaryForward{BinaryKind::kAdd, false, a, b, c}, Accumulate{c, a}, last}, {});
  const auto executable = MakeCudaEngine({})->Compile(op_case.plan);
  CHECK(executable->SizeOfGraph(0).nodes == 3);
  CHECK(executable->SizeOfGraph(0).early_starts == 2);
}

TEST_CASE("The fake runtime refuses early starts behind anything but a kernel of the stream",
          "[emulator][early_start]") {
  const Capturing capture;
  CHECK(AskForEarlyStart(capture.main, capture.count) == cudaErrorInvalidValue);
  capture.Launch(capture.main);
  CHECK(AskForEarlyStart(capture.main, capture.count) == cudaSuccess);
  capture.Wait(capture.side, capture.main);
  CHECK(AskForEarlyStart(capture.side, capture.count) == cudaErrorInvalidValue);
  capture.Launch(capture.side);
  CHECK(AskForEarlyStart(capture.side, capture.count) == cudaSuccess);
  capture.Wait(capture.main, capture.side);
  CHECK(AskForEarlyStart(capture.main, capture.count) == cudaErrorInvalidValue);
  NUMERAL_CUDA(cudaMemsetAsync(capture.count.data(), 0, 4, capture.main.get()));
  CHECK(AskForEarlyStart(capture.main, capture.count) == cudaErrorInvalidValue);
  CHECK(EarlyNodes(capture.End()) == ".E.E.");
}

TEST_CASE("Threads that end without having waited are found", "[emulator][early_start]") {
  const auto run = [](int waiting) {
    return FailureOf([&] { Launch("returning", returning_kernel, {2, 64}, nullptr, waiting); });
  };
  CHECK(run(64) == "none");
  CHECK_HAS(run(63), "kernel returning: block (");
  CHECK_HAS(run(63), "thread (63, 0, 0) ends without WaitForEarlierKernels()");
  CHECK_HAS(run(0), "ends without WaitForEarlierKernels()");
  CHECK_HAS(FailureOf([] {
              Launch("inverted", inverted_kernel, {1, 32}, nullptr);
            }),
            "lets later kernels start before it has waited for earlier ones");
}

#ifdef __SANITIZE_THREAD__
TEST_CASE("Accesses to memory before the wait are found", "[emulator][race][early_start]") {
  const Values<int> x(64), y(64);
  const auto run = [&](bool reads, bool writes) {
    return FailureOf([&] {
      Launch("hasty", hasty_kernel, {1, 64}, nullptr, x.data(), y.data(), reads, writes);
    });
  };
  CHECK(run(false, false) == "none");
  for (const std::string& failure : {run(true, false), run(false, true)}) {
    CHECK_HAS(failure, "global memory before WaitForEarlierKernels(): thread ");
    CHECK_HAS(failure, "early_start_test.cpp:");
  }
  CHECK_HAS(FailureOf([&] {
              Launch("hasty_atomic", hasty_atomic_kernel, {1, 32}, nullptr, x.data());
            }),
            "changes by an atomic operation");
}
#endif

}  // namespace numeral::cuda
