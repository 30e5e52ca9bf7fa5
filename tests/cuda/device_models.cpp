#include "tests/cuda/device_models.h"

#include <nlohmann/json.hpp>

namespace numeral::cuda {
namespace {

struct Figures {
  const char* name;
  int compute_capability;  // times 10 and with a digit for the revision: 900
  int multiprocessors;
  int shared_memory_bytes;  // that a block can ask for
  int64_t memory_bytes;
  int l2_bytes;
  int clock_khz, memory_clock_khz;
};

DeviceModel Describe(const Figures& figures) {
  const nlohmann::json properties = {{"cudaDeviceId", 0},
                                     {"deviceVer", figures.compute_capability},
                                     {"driverVer", 13000},
                                     {"deviceName", figures.name},
                                     {"totalGlobalMem", figures.memory_bytes},
                                     {"maxGridSize", {2147483647, 65535, 65535}},
                                     {"maxBlockSize", {1024, 1024, 64}},
                                     {"regsPerBlock", 65536},
                                     {"multiProcessorCount", figures.multiprocessors},
                                     {"warpSize", 32},
                                     {"maxSharedMemoryPerBlock", 49152},
                                     {"maxSharedMemoryPerBlockOptin", figures.shared_memory_bytes},
                                     {"reservedSharedMemoryPerBlock", 1024},
                                     {"maxRegistersPerSM", 65536},
                                     {"maxCtasPerSM", 32},
                                     {"maxThreadsPerBlock", 1024},
                                     {"maxThreadsPerSM", 2048},
                                     {"pciDeviceId", 0},
                                     {"isTccDriver", 0},
                                     {"supportCoopLaunch", 1},
                                     {"smClockRateKHz", figures.clock_khz},
                                     {"memClockRateKHz", figures.memory_clock_khz},
                                     {"l2CacheSize", figures.l2_bytes}};
  return {figures.name, properties.dump()};
}

}  // namespace

const std::vector<DeviceModel>& DeviceModels() {
  static const std::vector<DeviceModel> models = {
      Describe(
          {"NVIDIA A100-SXM4-80GB", 800, 108, 166912, 85'899'345'920, 41943040, 1410000, 1593000}),
      Describe({"NVIDIA H200", 900, 132, 232448, 151'397'597'184, 62914560, 1980000, 2619000}),
      Describe({"NVIDIA B200", 1000, 148, 232448, 191'126'044'672, 132644864, 1965000, 3996000}),
  };
  return models;
}

}  // namespace numeral::cuda
