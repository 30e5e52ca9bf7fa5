#include "cuda/engine/phase_runner.h"

#include "cuda/support/check.h"
#include "cuda/support/nvtx.h"

namespace numeral::cuda {

void PhaseRunner::Enqueue(int64_t times, bool graphs, cudaStream_t stream,
                          EngineCounters& counters) {
  const NvtxRange range(name_);
  while (times > 0) {
    if (!graphs || !warm_) {
      RunEagerly(stream);
      warm_ = true;
      --times;
      continue;
    }
    const bool several = times >= kStepsPerGraph;
    if (several && several_.exec.get() == nullptr) several_ = Capture(kStepsPerGraph, stream);
    const Captured& captured = several ? several_ : Single(stream);
    NUMERAL_CUDA(cudaGraphLaunch(captured.exec.get(), stream));
    ++counters.graph_launches;
    times -= several ? kStepsPerGraph : 1;
  }
}

void PhaseRunner::RunEagerly(cudaStream_t stream) const {
  for (const NamedNode& node : nodes_) {
    if (!node.run) continue;
    const NvtxRange range(node.name);
    node.run(stream);
  }
}

const PhaseRunner::Captured& PhaseRunner::Single(cudaStream_t stream) {
  if (single_.exec.get() == nullptr) single_ = Capture(1, stream);
  return single_;
}

int64_t PhaseRunner::NodeCount(cudaStream_t stream) { return Single(stream).node_count; }

PhaseRunner::Captured PhaseRunner::Capture(int64_t times, cudaStream_t stream) const {
  NUMERAL_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  cudaGraph_t handle = nullptr;
  try {
    for (int64_t i = 0; i < times; ++i) RunEagerly(stream);
  } catch (...) {
    cudaStreamEndCapture(stream, &handle);  // or the stream stays unusable
    const Graph abandoned(handle);
    throw;
  }
  NUMERAL_CUDA(cudaStreamEndCapture(stream, &handle));
  const Graph graph(handle);
  Captured captured;
  size_t node_count = 0;
  NUMERAL_CUDA(cudaGraphGetNodes(graph.get(), nullptr, &node_count));
  captured.node_count = static_cast<int64_t>(node_count);
  cudaGraphExec_t exec = nullptr;
  NUMERAL_CUDA(cudaGraphInstantiate(&exec, graph.get(), 0));
  captured.exec = GraphExec(exec);
  return captured;
}

}  // namespace numeral::cuda
