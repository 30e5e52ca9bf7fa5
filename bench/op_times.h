// The nodes of a step: what an engine makes of the ops of a plan, and how long each takes.
//
// An engine may carry out several neighbouring ops as one node; Executable::OpTimes names the first
// of them. Floors need work and traffic: those of a node are its ops' (CostOf), without what one of
// them reads that another has written.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "config/parse.h"
#include "engine/engine.h"

namespace numeral::bench {

struct StepNode {
  int phase = 0, first = 0, count = 0;  // ops of the plan
  int64_t runs = 0;
  double seconds = 0;  // of all runs

  std::span<const PhaseOp> ops(const Plan& plan) const {
    return std::span(plan.phases[static_cast<size_t>(phase)].ops)
        .subspan(static_cast<size_t>(first), static_cast<size_t>(count));
  }
};

// Those of the executable's OpTimes that ran.
std::vector<StepNode> NodesThatRan(const Plan& plan, const Executable& executable);
Cost CostOf(const Plan& plan, std::span<const PhaseOp> ops);
// {"op", "label", "attributes", "bytes", "flops"}.
Json Describe(const Plan& plan, const StepNode& node);

struct AloneTimes {
  double warm_ms = 0;  // again and again: what fits stays in the caches
  double cold_ms = 0;  // after something else has filled them
};

// Nodes one at a time, with the values that a step has left in memory.
class NodesAlone {
 public:
  // Copies the state of `session`, whose plan `nodes` are of, into an executable of its own, in
  // which no two tensors share memory unless an op works in place.
  NodesAlone(const Plan& plan, Executable& session, Engine& engine, std::vector<StepNode> nodes);

  // Medians of `runs` runs of the node.
  AloneTimes Time(size_t node, int runs);

 private:
  double WarmMs(int phase, int runs);
  double ColdMs(int phase, int runs);

  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<Executable> executable_;
  std::vector<int> warm_phases_, cold_phases_;  // by node
};

}  // namespace numeral::bench
