#include <cuda_runtime_api.h>

#include <map>
#include <utility>

#include "tests/emulator/device.h"
#include "tests/emulator/kernel.h"
#include "tests/emulator/launch_check.h"
#include "tests/emulator/shared_memory.h"

namespace numeral::emulator {
namespace {

std::map<const void*, int>& AllowedBytes() {
  static std::map<const void*, int> bytes;
  return bytes;
}

cudaError_t CheckShape(const void* kernel, dim3 grid, dim3 block, size_t shared_bytes) {
  const uint64_t threads = uint64_t{block.x} * block.y * block.z;
  const bool grid_fits = grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.x <= 0x7FFFFFFF &&
                         grid.y <= 65535 && grid.z <= 65535;
  const bool block_fits =
      threads > 0 && threads <= 1024 && block.x <= 1024 && block.y <= 1024 && block.z <= 64;
  if (!grid_fits || !block_fits) return cudaErrorInvalidConfiguration;
  if (shared_bytes > SharedMemory::kDefaultLimit) {
    const auto found = AllowedBytes().find(kernel);
    if (found == AllowedBytes().end() || shared_bytes > static_cast<size_t>(found->second)) {
      return cudaErrorInvalidValue;
    }
  }
  return cudaSuccess;
}

// Of the attributes of a launch only this one is known here.
bool StartsEarly(const cudaLaunchConfig_t& config) {
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    const cudaLaunchAttribute& attribute = config.attrs[i];
    if (attribute.id == cudaLaunchAttributeProgrammaticStreamSerialization) {
      return attribute.val.programmaticStreamSerializationAllowed != 0;
    }
  }
  return false;
}

}  // namespace

bool AllowDynamicShared(const void* kernel, int bytes) {
  if (bytes < 0 || static_cast<size_t>(bytes) > SharedMemory::kOptInLimit) return false;
  AllowedBytes()[kernel] = bytes;
  return true;
}

cudaError_t LaunchKernel(const char* name, const void* kernel, const cudaLaunchConfig_t& config,
                         std::function<void()> thread) {
  const Lock lock(DeviceMutex());
  const auto& [grid, block, shared_bytes, stream, attributes, attribute_count] = config;
  const cudaError_t status = CheckShape(kernel, grid, block, shared_bytes);
  if (status != cudaSuccess) return Return(status);
  ++TheDevice().counters.kernel_launches;
  const bool early = StartsEarly(config);
  if (early) ++TheDevice().counters.early_launches;
  KernelRun run{name, grid, block, shared_bytes, std::move(thread)};
  return Return(TheDevice().Add(
      stream, std::string("kernel ") + name, cudaGraphNodeTypeKernel,
      [run = std::move(run)] {
        ++TheDevice().counters.kernels_run;
        RunKernel(run);
      },
      early));
}

}  // namespace numeral::emulator
