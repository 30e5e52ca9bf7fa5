#include "tests/train/golden_run.h"

#include <algorithm>
#include <fstream>

#include "inference/network_values.h"
#include "tests/catch.h"
#include "tests/tolerance.h"
#include "tests/train/synthetic_data.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

Json ReadJson(const fs::path& path) {
  std::ifstream file(path);
  return Json::parse(file);
}

// Compares with a tensor's summary: 16 of its values, and its sum on the scale of its sum of sizes.
class SummaryCheck {
 public:
  SummaryCheck(const std::string& what, const Json& tensors) : what_(what), tensors_(tensors) {}

  // `scaled` asks for errors within that share of the tensor's mean size, on top of `atol`.
  void Check(const Graph& graph, const NetworkValues& values, double atol, double scaled) {
    for (size_t i = 0; i < graph.params.size(); ++i) {
      const std::string& name = graph.params[i].name;
      if (values[i].empty() || !tensors_.contains(name)) continue;
      const Json& summary = tensors_[name];
      const auto count = static_cast<double>(values[i].size());
      const double mean_size = summary["sum_abs"].get<double>() / count;
      const double limit = atol + scaled * mean_size;
      const Json& kept = summary["values"];
      for (size_t k = 0; k < kept.size(); ++k) {
        Compare(name, values[i][k * values[i].size() / kept.size()], kept[k].get<double>(), limit);
      }
      double sum = 0;
      for (const float value : values[i]) sum += value;
      Compare(name + " (sum)", sum, summary["sum"].get<double>(), limit * count);
    }
    INFO(what_ << ": worst error is " << worst_ << " of its limit, at " << worst_place_);
    CHECK(compared_ > 0);
    CHECK(failed_ == 0);
  }

 private:
  void Compare(const std::string& place, double actual, double expected, double limit) {
    ++compared_;
    const bool fine = std::isfinite(actual) && std::abs(actual - expected) <= limit;
    failed_ += fine ? 0 : 1;
    const double share = std::abs(actual - expected) / limit;
    if (!(share <= worst_)) {
      worst_ = share;
      worst_place_ = place;
    }
  }

  std::string what_;
  const Json& tensors_;
  int compared_ = 0, failed_ = 0;
  double worst_ = 0;
  std::string worst_place_ = "nowhere";
};

struct NamedMetric {
  const char* name;
  Metric metric;
};

// What a step measures, by the names in a golden.
std::vector<NamedMetric> MetricsOf(const Config& config) {
  if (config.TrainsClassifier()) {
    return {{"loss", Metric::kLoss}, {"accuracy", Metric::kAccuracy}};
  }
  if (config.TrainsLatentPredictor()) return {{"loss", Metric::kLoss}};
  return {{"d_loss", Metric::kDLoss}, {"g_loss", Metric::kGLoss}};
}

Session SessionOn(const Json& data, const Config& config, Engine& engine, bool fuse) {
  if (config.TrainsLatentPredictor()) {
    return Session(config, SyntheticPairs(data["count"], data["size"]), engine, fuse);
  }
  return Session(config, SyntheticData(data["count"], data["digits"].get<std::vector<int>>()),
                 engine, fuse);
}

Config ConfigOf(const Json& golden, const fs::path& path, Precision precision) {
  Config config = ParseConfig(golden["config"], path.filename().string(), "golden");
  config.precision = precision;
  return config;
}

NetworkValues Read(Session& session, const Graph& graph, const std::string& prefix) {
  return ReadValues(session.executable(), session.plan(), graph, prefix);
}

}  // namespace

std::vector<fs::path> GoldenFiles() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(NUMERAL_SOURCE_DIR "/tests/golden")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

GoldenRun::GoldenRun(const fs::path& path, Engine& engine, bool fuse, Precision precision)
    : golden_(ReadJson(path)),
      config_(ConfigOf(golden_, path, precision)),
      session_(SessionOn(golden_["data"], config_, engine, fuse)) {
  session_.Initialise();
}

void GoldenRun::CheckInitial() { CheckNetworks("initial", 1e-7, 1e-6); }

void GoldenRun::CheckSteps() {
  for (int64_t step = 0; step < kSteps; ++step) {
    session_.Step(step);
    CheckMetrics(step);
    for (const Graph& graph : session_.networks()) {
      if (step == FirstUpdate(graph)) CheckGradients(graph);
    }
  }
}

void GoldenRun::CheckWeights() {
  CheckNetworks("weights", tolerance::kGoldenWeightAtol, 1e-5);
  const Graph& averaged = session_.networks()[0];
  const std::string name = averaged.name + "/ema";
  const Json& weights = golden_["weights"];
  REQUIRE(weights.contains(name) == (config_.training.ema_decay > 0));
  if (!weights.contains(name)) return;
  SummaryCheck(name + " weights", weights[name])
      .Check(averaged, Read(session_, averaged, name), tolerance::kGoldenWeightAtol, 1e-5);
}

void GoldenRun::CheckNetworks(const std::string& key, double atol, double scaled) {
  REQUIRE(golden_["config"]["networks"].size() == session_.networks().size());
  for (const Graph& graph : session_.networks()) {
    SummaryCheck(graph.name + " " + key, golden_[key][graph.name])
        .Check(graph, Read(session_, graph, graph.name), atol, scaled);
  }
}

// A generator may have to wait for its first one.
int64_t GoldenRun::FirstUpdate(const Graph& graph) const {
  return graph.name == "generator" ? config_.training.discriminator_steps - 1 : 0;
}

void GoldenRun::CheckMetrics(int64_t step) {
  const std::vector<float> ring = session_.Metrics();
  for (const auto& [name, metric] : MetricsOf(config_)) {
    REQUIRE(golden_[name].size() == kSteps);
    const Json& expected = golden_[name][static_cast<size_t>(step)];
    const bool measured = metric != Metric::kGLoss || GeneratorStep(config_, step);
    CHECK(expected.is_null() == !measured);
    if (expected.is_null()) continue;
    const float actual =
        ring[static_cast<size_t>(step * kMetricCount) + static_cast<size_t>(metric)];
    INFO(name << " of step " << step << ": " << actual << ", PyTorch has " << expected);
    CHECK(tolerance::kTenSteps.Accepts(actual, expected.get<double>()));
  }
}

void GoldenRun::CheckGradients(const Graph& graph) {
  SummaryCheck(graph.name + " gradients", golden_["gradients"][graph.name])
      .Check(graph, ReadBlock(session_.executable(), session_.plan(), graph, graph.name + "/grads"),
             tolerance::kGoldenGradientAtol, tolerance::kGoldenGradientShare);
}

}  // namespace numeral
