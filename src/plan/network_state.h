// The persistent tensors of one network: parameters, gradients, optimizer moments, statistics.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "plan/builder.h"

namespace numeral {

// One set of values for a graph's parameters: the trained ones or their moving average.
struct ParamSet {
  std::vector<TensorId> values;    // by index into Graph::params
  TensorId trainable = kNoTensor;  // all trainable ones as one tensor
  TensorId buffers = kNoTensor;    // all running statistics as one; kNoTensor where there are none
};

struct NetworkState {
  const Graph* graph = nullptr;
  ParamSet params;
  std::vector<TensorId> grads;  // by index into Graph::params; kNoTensor for statistics
  TensorId all_grads = kNoTensor, first_moment = kNoTensor, second_moment = kNoTensor;
  ParamSet ema;  // empty without EMA
};

// Declares them under the names that compile.h lists. Within a block every parameter begins on a
// cache line; the gaps hold zeros for ever, since a zero gradient moves nothing.
NetworkState DeclareNetwork(PlanBuilder& builder, const Graph& graph, bool ema);

// Parameters and statistics alone.
NetworkState DeclareForInference(PlanBuilder& builder, const Graph& graph);

}  // namespace numeral
