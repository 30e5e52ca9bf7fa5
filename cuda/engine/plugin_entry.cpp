// What the main program looks up in the plugin.
#include <exception>

#include "cuda/engine/cuda_engine.h"
#include "engine/plugin.h"

extern "C" __attribute__((visibility("default"))) void numeral_make_cuda_engine(
    const numeral::EngineOptions& options, numeral::PluginEngine* result) {
  static_assert(std::is_same_v<decltype(&numeral_make_cuda_engine), numeral::PluginEntry>);
  try {
    result->engine = numeral::cuda::MakeCudaEngine(options);
  } catch (const std::exception& error) {
    result->reason = error.what();
  }
}
