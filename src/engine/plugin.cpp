#include "engine/plugin.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

namespace numeral {
namespace {

namespace fs = std::filesystem;

fs::path PluginPath() {
  if (const char* path = std::getenv("NUMERAL_CUDA_PLUGIN"); path != nullptr && *path != '\0') {
    return path;
  }
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path() / "libnumeral_cuda.so";
}

}  // namespace

PluginEngine OpenCudaEngine(const EngineOptions& options) {
  const fs::path path = PluginPath();
  std::error_code error;
  if (!fs::exists(path, error)) return {nullptr, "this build has no CUDA engine"};
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {nullptr, dlerror()};
  const auto entry = reinterpret_cast<PluginEntry>(dlsym(library, kPluginEntry));
  if (entry == nullptr) return {nullptr, path.string() + " is not Numeral's CUDA engine"};
  PluginEngine result;
  entry(options, &result);
  return result;
}

}  // namespace numeral
