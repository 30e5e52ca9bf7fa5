#include "cuda/engine/phase_runner.h"

#include "cuda/engine/graph_size.h"
#include "cuda/support/check.h"
#include "cuda/support/early_start.h"
#include "cuda/support/nvtx.h"

namespace numeral::cuda {

PhaseRunner::PhaseRunner(std::string name, std::vector<NamedNode> nodes,
                         std::vector<Place> schedule, std::span<const Lane> lanes)
    : name_(std::move(name)),
      nodes_(std::move(nodes)),
      schedule_(std::move(schedule)),
      lanes_(lanes) {
  for (const Place& place : schedule_) events_.push_back(place.awaited ? MakeEvent() : Event());
}

void PhaseRunner::Enqueue(int64_t times, bool graphs, EngineCounters& counters) {
  const NvtxRange range(name_);
  while (times > 0) {
    if (!graphs || !warm_) {
      RunEagerly();
      warm_ = true;
      --times;
      continue;
    }
    const bool several = times >= kStepsPerGraph;
    if (several && several_.exec.get() == nullptr) several_ = Capture(kStepsPerGraph);
    const Captured& captured = several ? several_ : Single();
    NUMERAL_CUDA(cudaGraphLaunch(captured.exec.get(), lanes_[0].stream));
    ++counters.graph_launches;
    times -= several ? kStepsPerGraph : 1;
  }
}

void PhaseRunner::RunEagerly() const {
  for (const NamedNode& node : nodes_) {
    if (!node.run) continue;
    const NvtxRange range(node.name);
    node.run(lanes_[0]);
  }
}

void PhaseRunner::RunOnLanes() const {
  for (size_t i = 0; i < schedule_.size(); ++i) {
    const Place& place = schedule_[i];
    const Lane& lane = lanes_[static_cast<size_t>(place.lane)];
    for (const size_t other : place.waits_for) {
      NUMERAL_CUDA(cudaStreamWaitEvent(lane.stream, events_[other].get(), 0));
    }
    if (place.node != Place::kNoNode) {
      const NvtxRange range(nodes_[place.node].name);
      nodes_[place.node].run(lane);
    }
    if (place.awaited) NUMERAL_CUDA(cudaEventRecord(events_[i].get(), lane.stream));
  }
}

const PhaseRunner::Captured& PhaseRunner::Single() {
  if (single_.exec.get() == nullptr) single_ = Capture(1);
  return single_;
}

GraphSize PhaseRunner::SizeOfGraph() { return Single().size; }

PhaseRunner::Captured PhaseRunner::Capture(int64_t times) const {
  const cudaStream_t stream = lanes_[0].stream;
  NUMERAL_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  cudaGraph_t handle = nullptr;
  try {
    const EarlyStarts early_starts;
    for (int64_t i = 0; i < times; ++i) RunOnLanes();
  } catch (...) {
    cudaStreamEndCapture(stream, &handle);  // or the stream stays unusable
    const Graph abandoned(handle);
    throw;
  }
  NUMERAL_CUDA(cudaStreamEndCapture(stream, &handle));
  const Graph graph(handle);
  Captured captured;
  captured.size = SizeOf(graph.get());
  cudaGraphExec_t exec = nullptr;
  NUMERAL_CUDA(cudaGraphInstantiate(&exec, graph.get(), 0));
  captured.exec = GraphExec(exec);
  return captured;
}

}  // namespace numeral::cuda
