#include "tests/emulator/kernel.h"

#include <cstdlib>
#include <vector>

#include "tests/emulator/block.h"
#include "tests/emulator/observer.h"
#include "tests/emulator/random.h"

namespace numeral::emulator {

std::string ToString(const Place& place) {
  return std::string(place.file) + ":" + std::to_string(place.line);
}

std::string ToString(const uint3& index) {
  return "(" + std::to_string(index.x) + ", " + std::to_string(index.y) + ", " +
         std::to_string(index.z) + ")";
}

namespace {

// Tests that set no seed of their own run under the one of NUMERAL_EMULATOR_SEED.
Random FromEnvironment() {
  Random random;
  if (const char* seed = std::getenv("NUMERAL_EMULATOR_SEED")) {
    random.Seed(std::strtoull(seed, nullptr, 10));
  }
  return random;
}

}  // namespace

Random& Schedule() {
  static Random random = FromEnvironment();
  return random;
}

constinit Observer* observer = nullptr;

namespace {

class ObservedLaunch {
 public:
  explicit ObservedLaunch(const KernelRun& run) {
    if (observer == nullptr) return;
    observer->BeginLaunch({run.grid.x, run.grid.y, run.grid.z},
                          run.block.x * run.block.y * run.block.z);
  }
  ~ObservedLaunch() {
    if (observer != nullptr) observer->EndLaunch();
  }
  ObservedLaunch(const ObservedLaunch&) = delete;
  ObservedLaunch& operator=(const ObservedLaunch&) = delete;
};

}  // namespace

void RunKernel(const KernelRun& run) {
  const uint32_t blocks = run.grid.x * run.grid.y * run.grid.z;
  std::vector<uint32_t> order(blocks);
  for (uint32_t i = 0; i < blocks; ++i) order[i] = i;
  Schedule().Shuffle(order.data(), blocks);
  const ObservedLaunch observed(run);
  for (const uint32_t i : order) {
    const uint3 index = {i % run.grid.x, i / run.grid.x % run.grid.y, i / run.grid.x / run.grid.y};
    try {
      CurrentBlock().Run(run, index);
    } catch (const Failure& failure) {
      throw Failure("block " + ToString(index) + ": " + failure.what());
    }
  }
}

}  // namespace numeral::emulator
