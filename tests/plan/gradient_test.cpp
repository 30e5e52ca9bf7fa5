// The plan compiler's gradients against central differences of the losses, and fused plans against
// unfused ones, both on the reference engine in double.
#include <algorithm>
#include <set>

#include "tests/plan/small_configs.h"
#include "tests/support/check_values.h"

namespace numeral {
namespace {

constexpr PlanOptions kUnfused{.fuse = false, .reuse_memory = false};
constexpr double kStep = 1e-6;
constexpr size_t kElemsPerParam = 7;

// A few places of a parameter, both ends among them.
std::vector<size_t> Places(size_t elems) {
  std::set<size_t> places;
  for (size_t i = 0; i < kElemsPerParam; ++i) places.insert(i * (elems - 1) / (kElemsPerParam - 1));
  return {places.begin(), places.end()};
}

// Compares one parameter's gradient with differences of `metric`.
void CheckParam(TrainingRun& run, const std::string& network, const std::string& param,
                Metric metric) {
  run.Reset();
  run.Step();
  const std::vector<double> grads = run.Read(network + "/grads/" + param);
  std::vector<double> analytic, differences;
  for (const size_t place : Places(grads.size())) {
    const auto loss_at = [&](double offset) {
      run.Reset();
      std::vector<double> values = run.Read(network + "/" + param);
      values[place] += offset;
      run.Write(network + "/" + param, values);
      run.Step();
      return run.MetricValue(metric);
    };
    analytic.push_back(grads[place]);
    differences.push_back((loss_at(kStep) - loss_at(-kStep)) / (2 * kStep));
  }
  CheckValues(analytic, differences, tolerance::kNetworkDifference);
}

TEST_CASE("plan: every gradient is the slope of its loss") {
  for (const SmallConfig& small : SmallConfigs()) {
    // Nothing moves, so that a network's loss depends on its own parameters alone.
    TrainingRun run(small, kUnfused, 0);
    double largest = 0;
    for (const std::string network : {"generator", "discriminator"}) {
      const Metric metric = network == "generator" ? Metric::kGLoss : Metric::kDLoss;
      for (const Param& param : run.graph(network).params) {
        if (!param.trainable()) continue;
        INFO(small.name << ": " << network << "/" << param.name);
        CheckParam(run, network, param.name, metric);
        for (const double grad : run.Read(network + "/grads/" + param.name)) {
          largest = std::max(largest, std::abs(grad));
        }
      }
    }
    // Gradients that are all 0 would pass as well.
    CHECK(largest > 1e-3);
  }
}

void CheckSameState(const SmallConfig& small, const PlanOptions& options) {
  constexpr double kLearningRate = 1e-2;
  TrainingRun unfused(small, kUnfused, kLearningRate), other(small, options, kLearningRate);
  for (int step = 0; step < 2; ++step) {
    unfused.Step();
    other.Step();
  }
  int compared = 0;
  for (const TensorInfo& info : unfused.plan().tensors) {
    if (info.storage != Storage::kPersistent || info.dtype != DType::kF32) continue;
    if (info.base != kNoTensor) continue;
    INFO(small.name << ": " << info.name);
    CheckValues(other.Read(info.name), unfused.Read(info.name), tolerance::kSamePlan);
    ++compared;
  }
  CHECK(compared >= 10);
}

TEST_CASE("plan: fusion and reused memory change nothing") {
  for (const SmallConfig& small : SmallConfigs()) {
    CheckSameState(small, {.fuse = true, .reuse_memory = true});
    CheckSameState(
        small, {.fuse = true, .reuse_memory = true, .conv_epilogue = true, .dense_epilogue = true});
  }
}

}  // namespace
}  // namespace numeral
