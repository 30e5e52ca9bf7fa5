// Whether cuDNN has an admissible plan for every convolution of every config, in every precision,
// on every generation of GPUs that is supported. Asks cuDNN itself, which needs no GPU for that.
// Exits with 77, which counts as skipped, where cuDNN cannot answer.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "config/parse.h"
#include "cuda/lib/convolution_graph.h"
#include "tests/cuda/device_models.h"
#include "tests/support/op_cases.h"
#include "train/session.h"
#include "util/error.h"

namespace numeral::cuda {
namespace {

// The convolutions of an op that cuDNN computes; thin ones have kernels of our own.
std::vector<std::pair<ConvPass, ConvGeometry>> ConvolutionsOf(const Op& op) {
  if (const auto* forward = std::get_if<ConvForward>(&op)) {
    return {{ConvPass::kForward, forward->geometry}};
  }
  if (const auto* data = std::get_if<ConvBackwardData>(&op)) {
    return {{ConvPass::kBackwardData, data->geometry}};
  }
  if (const auto* weight = std::get_if<ConvBackwardWeight>(&op)) {
    return {{ConvPass::kBackwardWeight, weight->geometry}};
  }
  return {};
}

struct Collected {
  std::vector<ConvProblem> problems;  // in fp32
  int thin = 0;
};

void Collect(const Plan& plan, Collected& collected, std::set<std::string>& seen) {
  for (const Phase& phase : plan.phases) {
    for (const PhaseOp& op : phase.ops) {
      for (const auto& [pass, geometry] : ConvolutionsOf(op.op)) {
        const ConvProblem problem{pass, geometry, MatrixMode::kFp32};
        if (!seen.insert(Describe(problem)).second) continue;
        if (geometry.c == 1 || geometry.k == 1) {
          ++collected.thin;
        } else {
          collected.problems.push_back(problem);
        }
      }
    }
  }
}

Collected CollectAll() {
  constexpr int64_t kImages = 60000;
  Collected collected;
  std::set<std::string> seen;
  for (const auto& entry : std::filesystem::directory_iterator(NUMERAL_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".json") continue;
    const Config config = LoadConfig(entry.path().string());
    const Plan plan = CompileRun(config, BuildNetworks(config),
                                 {.data_count = config.data.limit > 0 ? config.data.limit : kImages,
                                  .sample_rows = SampleRows(config)});
    Collect(plan, collected, seen);
  }
  for (const OpCase& op_case : ConvCases()) Collect(*op_case.plan, collected, seen);
  return collected;
}

// How many of the problems have no plan on the device; each is named.
int CountRefused(const std::vector<ConvProblem>& problems, const DeviceModel& device) {
  const Target target(device.properties_json);
  int refused = 0;
  for (ConvProblem problem : problems) {
    for (const auto mode : {MatrixMode::kFp32, MatrixMode::kTf32, MatrixMode::kBf16}) {
      problem.mode = mode;
      try {
        ConvolutionGraph(problem, 16, target).AdmissiblePlans(1);
      } catch (const Error& error) {
        fmt::print("{}: {}: {}\n", device.name, Describe(problem), error.what());
        ++refused;
      }
    }
  }
  return refused;
}

int Main() {
  const Collected collected = CollectAll();
  fmt::print("cuDNN {}: {} convolutions; {} thin ones are not cuDNN's\n", cudnnGetVersion(),
             collected.problems.size(), collected.thin);
  if (collected.problems.empty()) return 1;
  int refused = 0;
  for (const DeviceModel& device : DeviceModels()) {
    const int of_device = CountRefused(collected.problems, device);
    fmt::print("{}: {} of {} have no plan\n", device.name, of_device,
               3 * collected.problems.size());
    refused += of_device;
  }
  return refused == 0 ? 0 : 1;
}

}  // namespace
}  // namespace numeral::cuda

int main() { return numeral::cuda::Main(); }
