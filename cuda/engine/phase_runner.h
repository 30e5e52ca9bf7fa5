// One phase of a plan, ready to run: op by op, or as captured graphs.
//
// The first run goes op by op, so that kernels and libraries are loaded before anything is
// captured. After that a run is the launch of a graph; many runs at once go kStepsPerGraph to a
// graph, which leaves no gap between them. Within a run nodes are on the lanes that the schedule
// gives them; runs come one after another. Op by op all are on the first lane, in the plan's order.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cuda/engine/binding.h"
#include "cuda/engine/schedule.h"
#include "cuda/support/runtime.h"
#include "engine/engine.h"

namespace numeral::cuda {

// A node, empty where its ops have nothing to do, and what it is called on a profiler's timeline.
// Some of its ops may be left to the nodes behind it, which are then within its range.
struct NamedNode {
  Node run;
  std::string name;
  int op = 0;  // index in the phase of the first op that it carries out
  int op_count = 1;
};

class PhaseRunner {
 public:
  static constexpr int64_t kStepsPerGraph = 8;

  // `lanes` outlive it; all work begins and ends on the first one's stream.
  PhaseRunner(std::string name, std::vector<NamedNode> nodes, std::vector<Place> schedule,
              std::span<const Lane> lanes);

  // Enqueues the phase so many times.
  void Enqueue(int64_t times, bool graphs, EngineCounters& counters);

  // One run, op by op, with `after` called behind op i.
  template <typename After>
  void RunEach(const After& after) const {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].run) nodes_[i].run(lanes_[0]);
      after(i);
    }
  }

  // Of one run; captures it where that has not happened yet.
  GraphSize SizeOfGraph();

  const std::vector<NamedNode>& nodes() const { return nodes_; }

 private:
  struct Captured {
    GraphExec exec;
    GraphSize size;
  };
  void RunEagerly() const;
  void RunOnLanes() const;
  Captured Capture(int64_t times) const;
  const Captured& Single();

  std::string name_;
  std::vector<NamedNode> nodes_;
  std::vector<Place> schedule_;
  std::vector<Event> events_;  // by place; none where no other lane waits for it
  std::span<const Lane> lanes_;
  bool warm_ = false;
  Captured single_, several_;
};

}  // namespace numeral::cuda
