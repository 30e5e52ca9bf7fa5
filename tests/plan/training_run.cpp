#include "tests/plan/training_run.h"

#include <fmt/format.h>

#include <cmath>

#include "config/parse.h"
#include "util/error.h"
#include "util/random.h"

namespace numeral {

namespace {

Config ParseSmall(const SmallConfig& small, double learning_rate) {
  const std::string text =
      fmt::format(R"({{"networks": {{"generator": {}, "discriminator": {}}}, "training": {}}})",
                  small.generator, small.discriminator, small.training);
  Config config = ParseConfig(Json::parse(text), small.name, "small");
  // Below what a config file may ask for.
  config.training.generator.learning_rate = learning_rate;
  config.training.discriminator.learning_rate = learning_rate;
  return config;
}

// Values that keep small networks lively: no layer dies out or saturates.
std::vector<double> StartOf(const Param& param, const std::string& network) {
  std::vector<double> values(static_cast<size_t>(param.elems()));
  const bool around_one =
      param.role == ParamRole::kScale || param.role == ParamRole::kRunningVariance;
  const bool weight = param.role == ParamRole::kWeight;
  const double bound = weight ? std::sqrt(3 / param.fan_in) : 0.2;
  for (size_t i = 0; i < values.size(); ++i) {
    const uint32_t bits = DrawBits(9, StreamId(network + "/" + param.name), 0, i);
    values[i] = (around_one ? 1 : 0) + bound * SignedUnitFromBits(bits);
  }
  return values;
}

}  // namespace

TrainingRun::TrainingRun(const SmallConfig& small, const PlanOptions& options, double learning_rate)
    : config_(ParseSmall(small, learning_rate)),
      generator_(BuildGraph(config_.generator, config_.convention, small.name)),
      discriminator_(BuildGraph(config_.discriminator, config_.convention, small.name)) {
  PlanOptions with_data = options;
  with_data.data_count = kImages;
  plan_ = std::make_shared<const Plan>(CompilePlan(config_, generator_, discriminator_, with_data));
  executable_ = std::make_unique<reference::ReferenceExecutable>(plan_);
  FillData();
  // Whole blocks first, for the gaps between parameters.
  for (size_t i = 0; i < plan_->tensors.size(); ++i) {
    const TensorInfo& info = plan_->tensors[i];
    if (info.storage != Storage::kPersistent || info.dtype != DType::kF32) continue;
    if (info.base != kNoTensor) continue;
    const auto id = static_cast<TensorId>(i);
    start_[id] = std::vector<double>(static_cast<size_t>(info.elems()), 0.0);
    executable_->WriteDoubles(id, start_[id]);
  }
  for (const Graph* graph : {&generator_, &discriminator_}) {
    for (const Param& param : graph->params) {
      for (const std::string& prefix : {graph->name + "/", graph->name + "/ema/"}) {
        const std::string name = prefix + param.name;
        if (plan_->FindTensor(name) != kNoTensor) Write(name, StartOf(param, graph->name));
      }
    }
  }
  for (auto& [id, values] : start_) values = executable_->ReadDoubles(id);
  Reset();
}

void TrainingRun::FillData() {
  std::vector<uint8_t> pixels(static_cast<size_t>(kImages) * 28 * 28), labels(kImages);
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<uint8_t>(DrawBits(3, 1, 4, i) >> 24);
  }
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<uint8_t>(i % 10);
  executable_->WriteAll(plan_->FindTensor("data/images"), pixels);
  executable_->WriteAll(plan_->FindTensor("data/labels"), labels);
}

void TrainingRun::Reset() {
  for (const auto& [id, values] : start_) executable_->WriteDoubles(id, values);
  executable_->WriteAll<int64_t>(plan_->FindTensor("step"), {0});
}

void TrainingRun::Step() {
  const int batch = config_.training.batch_size;
  const int whole = plan_->FindPhase(PhaseKind::kStep, batch);
  if (whole >= 0) return executable_->Enqueue(whole);
  executable_->Enqueue(plan_->FindPhase(PhaseKind::kDStep, batch));
  executable_->Enqueue(plan_->FindPhase(PhaseKind::kGStep, batch));
}

std::vector<double> TrainingRun::Read(const std::string& tensor) const {
  const TensorId id = plan_->FindTensor(tensor);
  if (id == kNoTensor) Fail("no tensor '{}'", tensor);
  return executable_->ReadDoubles(id);
}

void TrainingRun::Write(const std::string& tensor, const std::vector<double>& values) {
  const TensorId id = plan_->FindTensor(tensor);
  if (id == kNoTensor) Fail("no tensor '{}'", tensor);
  executable_->WriteDoubles(id, values);
}

double TrainingRun::MetricValue(Metric metric) const {
  const int64_t begun = executable_->ReadAll<int64_t>(plan_->FindTensor("step"), 1)[0];
  const auto slot = static_cast<size_t>((begun - 1) % kMetricsRing);
  return Read("metrics")[slot * kMetricCount + static_cast<size_t>(metric)];
}

}  // namespace numeral
