#include "engine/engine.h"

#include <fmt/format.h>

#include "engine/plugin.h"
#include "util/error.h"

namespace numeral {

std::unique_ptr<Engine> MakeEngine(const std::string& device, const EngineOptions& options) {
  if (device == "cpu") return MakeCpuEngine(options);
  if (device != "auto" && device != "cuda") {
    BadInput("--device {}: no such device; use auto, cpu or cuda", device);
  }
  PluginEngine plugin = OpenCudaEngine(options);
  if (plugin.engine != nullptr) return std::move(plugin.engine);
  if (device == "auto") return MakeCpuEngine(options);
  BadInput("--device cuda: {}; use --device cpu or auto", plugin.reason);
}

std::string DescribeGraphs(const std::shared_ptr<const Plan>& plan, Engine& engine) {
  std::string text;
  if (!engine.capabilities().graphs) return text;
  const auto executable = engine.Compile(plan);
  for (int phase = 0; phase < static_cast<int>(plan->phases.size()); ++phase) {
    // Libraries load kernels at their first run, which a capture does not allow.
    executable->Enqueue(phase);
    const GraphSize size = executable->SizeOfGraph(phase);
    text += fmt::format("{}: {} graph nodes, {} on the longest path, {} start early\n",
                        plan->phases[static_cast<size_t>(phase)].name(), size.nodes,
                        size.longest_path, size.early_starts);
  }
  return text;
}

}  // namespace numeral
