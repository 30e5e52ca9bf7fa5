// Parameters between an executable's memory and their order in files.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "graph/graph.h"

namespace numeral {

// By index into Graph::params, each in file order.
using NetworkValues = std::vector<std::vector<float>>;

// `prefix` is "generator" or "generator/ema": the tensors "<prefix>/<param>" of the plan.
NetworkValues ReadValues(Executable& executable, const Plan& plan, const Graph& graph,
                         const std::string& prefix);
void WriteValues(Executable& executable, const Plan& plan, const Graph& graph,
                 const std::string& prefix, const NetworkValues& values);

// The same for a block that lies as "<graph>/params" does, such as "generator/first_moment": one
// entry per trainable parameter, empty ones for the others.
NetworkValues ReadBlock(Executable& executable, const Plan& plan, const Graph& graph,
                        const std::string& block);
void WriteBlock(Executable& executable, const Plan& plan, const Graph& graph,
                const std::string& block, const NetworkValues& values);

// A tensor that the plan must have.
TensorId RequireTensor(const Plan& plan, const std::string& name);

// Values at the start of training.
NetworkValues InitialNetworkValues(const Graph& graph, uint64_t seed);

}  // namespace numeral
