// The CUDA engine, which lives in a shared library of its own: one build of the programs runs with
// and without a GPU, CUDA libraries or the plugin itself.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"

namespace numeral {

struct PluginEngine {
  std::unique_ptr<Engine> engine;  // or
  std::string reason;              // why there is none, for people
};

// Opens libnumeral_cuda.so beside the running program (or where $NUMERAL_CUDA_PLUGIN says) and asks
// it for an engine on the first GPU. What is opened once stays open.
PluginEngine OpenCudaEngine(const EngineOptions& options);

// What the plugin defines under the name kPluginEntry. It reports whatever goes wrong as a reason.
using PluginEntry = void (*)(const EngineOptions& options, PluginEngine* result);
inline constexpr const char* kPluginEntry = "numeral_make_cuda_engine";

}  // namespace numeral
