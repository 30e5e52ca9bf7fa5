#include "train/session.h"

#include <algorithm>
#include <array>

#include "checkpoint/weights.h"
#include "data/pixels.h"
#include "inference/network_values.h"
#include "util/error.h"

namespace numeral {
namespace {

// What the engine cannot do is refused before anything is compiled for it.
void CheckSupported(const Config& config, const Plan& plan, const Engine& engine) {
  for (const Phase& phase : plan.phases) {
    for (const PhaseOp& op : phase.ops) {
      if (engine.Supports(op.op)) continue;
      BadInput("{}: the {} engine has no {} ({})", config.name, engine.capabilities().name,
               OpName(op.op), op.label);
    }
  }
}

// A graph runs side by side what need not wait. With this many, waits for memory lengthen no
// config's step by more than a tenth, by estimate; transient memory grows by 30 to 90 percent.
constexpr int kKeptOpsOfGraphs = 24;

}  // namespace

std::vector<Graph> BuildNetworks(const Config& config) {
  std::vector<Graph> networks;
  for (const NetworkSpec* network : config.Networks()) {
    networks.push_back(BuildGraph(*network, config.convention, config.name));
  }
  return networks;
}

PlanOptions RunPlanOptions(const Config& config, const Capabilities& capabilities,
                           int64_t data_count) {
  return {.kept_ops = capabilities.graphs ? kKeptOpsOfGraphs : 0,
          .conv_epilogue = capabilities.conv_epilogue,
          .dense_epilogue = capabilities.dense_epilogue,
          .precision = config.precision,
          .data_count = data_count,
          .sample_rows = SampleRows(config)};
}

Plan CompileRun(const Config& config, const std::vector<Graph>& networks,
                const PlanOptions& options) {
  if (config.TrainsClassifier()) return CompileTrainingOfClassifier(config, networks[0], options);
  if (config.TrainsLatentPredictor()) {
    return CompileTrainingOfPredictor(config, networks[0], options);
  }
  return CompilePlan(config, networks[0], networks[1], options);
}

void CheckPrecision(const Config& config, const Engine& engine) {
  const Capabilities& capabilities = engine.capabilities();
  const auto& precisions = capabilities.precisions;
  if (std::find(precisions.begin(), precisions.end(), config.precision) == precisions.end()) {
    BadInput("{}: /precision: the {} engine computes in {}", config.name, capabilities.name,
             capabilities.precisions_text);
  }
}

Session::Session(const Config& config, int64_t data_count, Engine& engine, bool fuse,
                 std::shared_ptr<DataMemory> shared)
    : config_(config),
      engine_(engine),
      data_count_(data_count),
      steps_per_epoch_(StepsPerEpoch(config, data_count)),
      networks_(BuildNetworks(config)),
      sample_rows_(SampleRows(config)) {
  CheckPrecision(config, engine);
  PlanOptions options = RunPlanOptions(config_, engine.capabilities(), data_count_);
  options.fuse = fuse;
  plan_ = std::make_shared<const Plan>(CompileRun(config_, networks_, options));
  CheckSupported(config_, *plan_, engine);
  executable_ =
      shared == nullptr ? engine.Compile(plan_) : engine.CompileSharing(plan_, std::move(shared));
}

Session::Session(const Config& config, const Dataset& data, Engine& engine, bool fuse,
                 std::shared_ptr<DataMemory> shared)
    : Session(config, data.count(), engine, fuse, shared) {
  if (shared != nullptr) return;
  executable_->WriteAll(RequireTensor(*plan_, "data/images"), data.pixels);
  executable_->WriteAll(RequireTensor(*plan_, "data/labels"), data.labels);
}

Session::Session(const Config& config, const LatentPairs& pairs, Engine& engine, bool fuse)
    : Session(config, pairs.count(), engine, fuse, nullptr) {
  executable_->WriteAll(RequireTensor(*plan_, "data/latents"), pairs.latents);
  executable_->WriteAll(RequireTensor(*plan_, "data/labels"), pairs.digits);
  pairs_fingerprint_ = FingerprintOf(pairs);
}

void Session::Initialise() {
  for (const Graph& graph : networks_) {
    const NetworkValues values = InitialNetworkValues(graph, config_.seed);
    WriteValues(*executable_, *plan_, graph, graph.name, values);
    if (Averages(graph)) WriteValues(*executable_, *plan_, graph, graph.name + "/ema", values);
  }
  PrepareWeights();
}

void Session::PrepareWeights() { executable_->Enqueue(plan_->FindPhase(PhaseKind::kPrepare, 0)); }

std::vector<int> Session::PhasesOf(int64_t step) const {
  const int batch = BatchOf(step);
  const int whole = plan_->FindPhase(PhaseKind::kStep, batch);
  if (whole >= 0) return {whole};
  std::vector<int> phases{plan_->FindPhase(PhaseKind::kDStep, batch)};
  if (GeneratorStep(config_, step)) phases.push_back(plan_->FindPhase(PhaseKind::kGStep, batch));
  return phases;
}

void Session::Run(int64_t first, int64_t count) {
  const int64_t end = first + count;
  while (first < end) {
    const std::vector<int> phases = PhasesOf(first);
    // Steps of the same single phase are handed over together.
    int64_t times = 1;
    while (phases.size() == 1 && first + times < end && PhasesOf(first + times) == phases) ++times;
    for (const int phase : phases) executable_->Enqueue(phase, times);
    first += times;
  }
}

std::vector<float> Session::Metrics() {
  StartMetrics();
  return FinishMetrics();
}

void Session::StartMetrics() {
  executable_->StartRead(RequireTensor(*plan_, "metrics"),
                         kMetricsRing * kMetricCount * sizeof(float));
}

std::vector<float> Session::FinishMetrics() {
  std::vector<float> ring(kMetricsRing * kMetricCount);
  executable_->FinishRead(std::as_writable_bytes(std::span(ring)));
  return ring;
}

std::array<double, 2> Session::CheckAccuracy() {
  const auto phase = std::find_if(plan_->phases.begin(), plan_->phases.end(),
                                  [](const Phase& p) { return p.kind == PhaseKind::kAccuracy; });
  executable_->Enqueue(static_cast<int>(phase - plan_->phases.begin()));
  const auto values = executable_->ReadAll<float>(RequireTensor(*plan_, "accuracy"), kMetricCount);
  return {values[static_cast<size_t>(Metric::kDAccuracyReal)],
          values[static_cast<size_t>(Metric::kDAccuracyFake)]};
}

std::vector<Metric> Session::MetricsOf(int64_t step) const {
  if (config_.TrainsClassifier()) return {Metric::kLoss, Metric::kAccuracy};
  if (config_.TrainsLatentPredictor()) return {Metric::kLoss};
  std::vector<Metric> metrics{Metric::kDLoss, Metric::kDAccuracyReal, Metric::kDAccuracyFake};
  if (GeneratorStep(config_, step)) metrics.push_back(Metric::kGLoss);
  return metrics;
}

std::vector<uint8_t> Session::Sample(const GeneratorInputs& inputs) {
  return ToPixels(RunSamplePhase(*executable_, *plan_, networks_[0], sample_rows_, inputs),
                  config_.data.pixel_range[0], config_.data.pixel_range[1]);
}

NetworkDescription Session::Describe(const Graph& network) const {
  for (const NetworkSpec* spec : config_.Networks()) {
    if (spec->name == network.name) return {*spec, config_.convention, config_.data.pixel_range};
  }
  Fail("internal error: no network \"{}\"", network.name);
}

NetworkValues Session::Values(const Graph& network) {
  return ReadValues(*executable_, *plan_, network,
                    Averages(network) ? network.name + "/ema" : network.name);
}

void Session::SaveNetwork(const Graph& network, const std::filesystem::path& path) {
  SaveWeights(path, Describe(network), network, Values(network));
}

}  // namespace numeral
