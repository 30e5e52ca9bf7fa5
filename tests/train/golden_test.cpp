// Ten training steps of every config, narrowed, against PyTorch in double precision (tests/golden):
// losses, first gradients, weights. The CPU engine runs them with poisoned memory, fused and
// unfused.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "config/parse.h"
#include "tests/catch.h"
#include "tests/tolerance.h"
#include "tests/train/synthetic_data.h"
#include "train/network_values.h"
#include "train/session.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> GoldenFiles() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(NUMERAL_SOURCE_DIR "/tests/golden")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

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

void CheckLoss(const Json& expected, float actual, const char* name, int64_t step) {
  INFO(name << " of step " << step << ": " << actual << ", PyTorch has " << expected);
  CHECK(tolerance::kTenSteps.Accepts(actual, expected.get<double>()));
}

void RunGolden(const fs::path& path, bool fuse) {
  const Json golden = ReadJson(path);
  const Config config = ParseConfig(golden["config"], path.filename().string(), "golden");
  const Dataset data =
      SyntheticData(golden["data"]["count"], golden["data"]["digits"].get<std::vector<int>>());
  const auto engine = MakeCpuEngine(true);
  Session session(config, data, *engine, fuse);
  session.Initialise();
  const Graph* graphs[] = {&session.generator(), &session.discriminator()};
  const auto read = [&](const Graph& graph, const std::string& prefix) {
    return ReadValues(session.executable(), session.plan(), graph, prefix);
  };
  for (const Graph* graph : graphs) {
    SummaryCheck(graph->name + " initial", golden["initial"][graph->name])
        .Check(*graph, read(*graph, graph->name), 1e-7, 1e-6);
  }
  bool generator_seen = false;
  const auto steps = static_cast<int64_t>(golden["d_loss"].size());
  REQUIRE(steps == 10);
  for (int64_t step = 0; step < steps; ++step) {
    session.Step(step);
    const std::vector<float> ring = session.Metrics();
    const float* row = ring.data() + step * kMetricCount;
    CheckLoss(golden["d_loss"][static_cast<size_t>(step)], row[0], "d_loss", step);
    const Json& g_loss = golden["g_loss"][static_cast<size_t>(step)];
    CHECK(g_loss.is_null() == !GeneratorStep(config, step));
    if (!g_loss.is_null()) CheckLoss(g_loss, row[1], "g_loss", step);
    for (const Graph* graph : graphs) {
      const bool first = graph == graphs[0] ? !generator_seen && !g_loss.is_null() : step == 0;
      if (!first) continue;
      SummaryCheck(graph->name + " gradients", golden["gradients"][graph->name])
          .Check(*graph,
                 ReadBlock(session.executable(), session.plan(), *graph, graph->name + "/grads"),
                 tolerance::kGoldenGradientAtol, tolerance::kGoldenGradientShare);
      generator_seen = generator_seen || graph == graphs[0];
    }
  }
  for (const Graph* graph : graphs) {
    SummaryCheck(graph->name + " after ten steps", golden["weights"][graph->name])
        .Check(*graph, read(*graph, graph->name), tolerance::kGoldenWeightAtol, 1e-5);
  }
  if (golden["weights"].contains("generator/ema")) {
    SummaryCheck("average after ten steps", golden["weights"]["generator/ema"])
        .Check(*graphs[0], read(*graphs[0], "generator/ema"), tolerance::kGoldenWeightAtol, 1e-5);
  }
}

}  // namespace

TEST_CASE("ten steps of every config agree with PyTorch", "[golden]") {
  const std::vector<fs::path> files = GoldenFiles();
  REQUIRE(files.size() >= 13);
  for (const fs::path& file : files) {
    for (const bool fuse : {true, false}) {
      DYNAMIC_SECTION(file.stem().string() << (fuse ? ", fused" : ", unfused")) {
        RunGolden(file, fuse);
      }
    }
  }
}

TEST_CASE("every config has a golden", "[golden]") {
  for (const auto& entry : fs::directory_iterator(NUMERAL_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".json") continue;
    INFO(entry.path());
    CHECK(fs::exists(fs::path(NUMERAL_SOURCE_DIR "/tests/golden") / entry.path().filename()));
  }
}

}  // namespace numeral
