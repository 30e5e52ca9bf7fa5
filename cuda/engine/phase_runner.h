// One phase of a plan, ready to run: op by op, or as captured graphs.
//
// The first run goes op by op, so that kernels and libraries are loaded before anything is
// captured. After that a run is the launch of a graph; many runs at once go kStepsPerGraph to a
// graph, which leaves no gap between them.
#pragma once

#include <string>
#include <vector>

#include "cuda/engine/binding.h"
#include "cuda/support/runtime.h"
#include "engine/engine.h"

namespace numeral::cuda {

// A node, empty where its op has nothing to do, and what it is called on a profiler's timeline.
struct NamedNode {
  Node run;
  std::string name;
  int op = 0;  // index in the phase of the first op that it carries out
};

class PhaseRunner {
 public:
  static constexpr int64_t kStepsPerGraph = 8;

  PhaseRunner(std::string name, std::vector<NamedNode> nodes)
      : name_(std::move(name)), nodes_(std::move(nodes)) {}

  // Enqueues the phase so many times.
  void Enqueue(int64_t times, bool graphs, cudaStream_t stream, EngineCounters& counters);

  // One run, op by op, with `after` called behind op i.
  template <typename After>
  void RunEach(cudaStream_t stream, const After& after) const {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].run) nodes_[i].run(stream);
      after(i);
    }
  }

  // Kernels and copies of one run; captures them where that has not happened yet.
  int64_t NodeCount(cudaStream_t stream);

  const std::vector<NamedNode>& nodes() const { return nodes_; }

 private:
  struct Captured {
    GraphExec exec;
    int64_t node_count = 0;
  };
  void RunEagerly(cudaStream_t stream) const;
  Captured Capture(int64_t times, cudaStream_t stream) const;
  const Captured& Single(cudaStream_t stream);

  std::string name_;
  std::vector<NamedNode> nodes_;
  bool warm_ = false;
  Captured single_, several_;
};

}  // namespace numeral::cuda
