#include "engine/engine.h"

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

}  // namespace numeral
