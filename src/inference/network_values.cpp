#include "inference/network_values.h"

#include <algorithm>

#include "util/error.h"

namespace numeral {
namespace {

// Where a parameter lies in its block, in floats.
int64_t OffsetInBlock(const Plan& plan, const Graph& graph, const Param& param) {
  return plan.tensor(RequireTensor(plan, graph.name + "/" + param.name)).offset_elems;
}

}  // namespace

TensorId RequireTensor(const Plan& plan, const std::string& name) {
  const TensorId id = plan.FindTensor(name);
  if (id == kNoTensor) Fail("internal error: the plan has no tensor \"{}\"", name);
  return id;
}

NetworkValues ReadValues(Executable& executable, const Plan& plan, const Graph& graph,
                         const std::string& prefix) {
  NetworkValues values;
  for (const Param& param : graph.params) {
    const TensorId id = RequireTensor(plan, prefix + "/" + param.name);
    values.push_back(MemoryToFile(param, executable.ReadAll<float>(id, param.elems())));
  }
  return values;
}

void WriteValues(Executable& executable, const Plan& plan, const Graph& graph,
                 const std::string& prefix, const NetworkValues& values) {
  for (size_t i = 0; i < graph.params.size(); ++i) {
    const Param& param = graph.params[i];
    executable.WriteAll(RequireTensor(plan, prefix + "/" + param.name),
                        FileToMemory(param, values[i]));
  }
}

NetworkValues ReadBlock(Executable& executable, const Plan& plan, const Graph& graph,
                        const std::string& block) {
  const TensorId id = RequireTensor(plan, block);
  const auto all = executable.ReadAll<float>(id, plan.tensor(id).elems());
  NetworkValues values;
  for (const Param& param : graph.params) {
    values.emplace_back();
    if (!param.trainable()) continue;
    const auto begin = all.begin() + OffsetInBlock(plan, graph, param);
    values.back() = MemoryToFile(param, {begin, begin + param.elems()});
  }
  return values;
}

void WriteBlock(Executable& executable, const Plan& plan, const Graph& graph,
                const std::string& block, const NetworkValues& values) {
  const TensorId id = RequireTensor(plan, block);
  std::vector<float> all(static_cast<size_t>(plan.tensor(id).elems()), 0.0f);
  for (size_t i = 0; i < graph.params.size(); ++i) {
    const Param& param = graph.params[i];
    if (!param.trainable()) continue;
    const std::vector<float> memory = FileToMemory(param, values[i]);
    std::copy(memory.begin(), memory.end(), all.begin() + OffsetInBlock(plan, graph, param));
  }
  executable.WriteAll(id, all);
}

NetworkValues InitialNetworkValues(const Graph& graph, uint64_t seed) {
  NetworkValues values;
  for (const Param& param : graph.params) values.push_back(InitialValues(graph, param, seed));
  return values;
}

}  // namespace numeral
