// The evaluation of a generator while it trains: when, of which weights, and what follows from it.
#include "train/quality.h"

#include <filesystem>

#include "tests/train/run_files.h"
#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "train/trainer.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

constexpr int kStepsPerEpoch = 5;
const char* const kKeys[] = {"s1",        "kl",     "confidence", "fid_c",   "rfid",
                             "precision", "recall", "density",    "coverage"};

// A folder with a trained classifier.
class Runs {
 public:
  Runs() { WriteFileAtomically(path() / "c.bin", TrainedClassifier()); }
  fs::path path() const { return folder_.path(); }

  // 110 images in batches of 22; evaluated by 100 images.
  Json Evaluated(const Json& evaluation, bool conditional = true) const {
    Json json = GanJson(conditional);
    json["evaluation"] = evaluation;
    json["evaluation"]["classifier"] = (path() / "c.bin").string();
    json["evaluation"]["samples"] = 100;
    return json;
  }

  TrainResult Train(const std::string& name, const Json& json, int64_t max_steps = 0,
                    bool resume = false) const {
    const Config config = ParseConfig(json, "quality", "gan");
    const fs::path dir = path() / name;
    const auto engine = MakeCpuEngine();
    const Dataset data = SyntheticImages(0, 110);
    Session session(config, data, *engine);
    const RunFolder folder = resume ? RunFolder::Resume(config.name, dir.string())
                                    : RunFolder::Create(config.name, dir.string());
    std::optional<QualityMonitor> quality;
    if (!config.evaluation.classifier.empty()) quality.emplace(session, data);
    return numeral::Train(session, folder,
                          {.max_steps = max_steps,
                           .resume = resume,
                           .quiet = true,
                           .quality = quality ? &*quality : nullptr});
  }

  std::vector<Json> Metrics(const std::string& name) const { return MetricsIn(path() / name); }
  std::string File(const std::string& name) const { return ReadFile(path() / name); }

 private:
  TempFolder folder_;
};

bool LowerIsBetter(const std::string& metric) { return metric == "s1" || metric == "fid_c"; }

// The epoch of the best line, the first of several.
int BestEpoch(const std::vector<Json>& lines, const std::string& metric) {
  int epoch = 0;
  double best = 0;
  for (const Json& line : lines) {
    if (!line.contains(metric)) continue;
    const double value = line[metric].get<double>() * (LowerIsBetter(metric) ? 1 : -1);
    if (epoch != 0 && value >= best) continue;
    best = value;
    epoch = line["epoch"];
  }
  return epoch;
}

}  // namespace

TEST_CASE("a run is evaluated after every second epoch and the last", "[quality]") {
  const Runs runs;
  Json json = runs.Evaluated({{"every", 2}, {"latent_scale", 1.5}});
  json["training"]["epochs"] = 5;
  CHECK(runs.Train("run", json) == TrainResult::kFinished);
  const std::vector<Json> lines = runs.Metrics("run");
  REQUIRE(lines.size() == 5);
  for (const Json& line : lines) {
    const int epoch = line["epoch"];
    for (const char* key : kKeys) {
      INFO("epoch " << epoch << " " << key);
      REQUIRE(line.contains(key) == (epoch == 2 || epoch == 4 || epoch == 5));
      if (line.contains(key)) CHECK(line[key].is_number());
    }
  }

  // The last line is of the generator that was saved.
  const auto engine = MakeCpuEngine();
  Generator generator(LoadWeights(runs.path() / "run/g.bin"), *engine);
  Classifier classifier(LoadWeights(runs.path() / "c.bin"), *engine);
  const auto pixels = generator.Draw(generator.DrawInputs(5, 100, 1.5, EveryDigit(100)));
  const Readings readings = classifier.Read(pixels);
  int wrong = 0;
  for (size_t i = 0; i < 100; ++i) wrong += readings.digits[i] != static_cast<int>(i % 10);
  CHECK(lines.back()["s1"].get<double>() == Approx(wrong / 100.0).epsilon(1e-12));
  const Dataset real = DrawImages(SyntheticImages(0, 110), 100, 5);
  const Features compared{100, 24, classifier.Read(real.pixels).features};
  const double fid_c =
      FrechetDistance(ComputeStatistics(compared, "real"),
                      ComputeStatistics({100, 24, readings.features}, "generated"));
  CHECK(lines.back()["fid_c"].get<double>() == Approx(fid_c).epsilon(1e-9));
}

TEST_CASE("best.bin is the generator of the best epoch by the config's metric", "[quality]") {
  const Runs runs;
  int not_last = 0;
  std::vector<Json> metrics;
  for (const std::string metric : {"fid_c", "s1", "precision", "recall", "density", "coverage"}) {
    INFO(metric);
    CHECK(runs.Train(metric, runs.Evaluated({{"best", metric}})) == TrainResult::kFinished);
    if (metrics.empty()) metrics = runs.Metrics(metric);
    CHECK(runs.Metrics(metric) == metrics);  // the choice changes nothing that is measured
    const int epoch = BestEpoch(metrics, metric);
    REQUIRE(epoch > 0);
    not_last += epoch < 6;
    const std::string stopped = "stopped_" + metric;
    runs.Train(stopped, GanJson(true), epoch * kStepsPerEpoch);
    CHECK(SameBytes(runs.path() / metric / "best.bin", runs.path() / stopped / "g.bin"));
  }
  CHECK(not_last > 0);
}

TEST_CASE("evaluating does not change the training", "[quality]") {
  const Runs runs;
  CHECK(runs.Train("without", GanJson(true)) == TrainResult::kFinished);
  CHECK(runs.Train("with", runs.Evaluated({{"every", 1}})) == TrainResult::kFinished);
  CheckSameFiles(runs.path() / "without", runs.path() / "with",
                 {"g.bin", "d.bin", "samples/epoch_0006.png"});
  CHECK_FALSE(fs::exists(runs.path() / "without/best.bin"));
  std::vector<Json> lines = runs.Metrics("with");
  for (Json& line : lines) {
    for (const char* key : kKeys) CHECK(line.erase(key) == 1);
  }
  CHECK(lines == runs.Metrics("without"));
}

TEST_CASE("stopped and resumed evaluations equal uninterrupted ones", "[quality][resume]") {
  const Runs runs;
  const Json json = runs.Evaluated({{"every", 2}, {"best", "fid_c"}});
  CHECK(runs.Train("whole", json) == TrainResult::kFinished);
  const auto check_same = [&](const std::string& name) {
    CheckSameFiles(runs.path() / "whole", runs.path() / name,
                   {"best.bin", "g.bin", "d.bin", "config.json", "samples/epoch_0006.png"});
    CHECK(runs.Metrics("whole") == runs.Metrics(name));
    CheckSameCheckpoint(runs.path() / "whole", runs.path() / name);
  };
  for (const std::vector<int64_t>& stops :
       std::vector<std::vector<int64_t>>{{3}, {10}, {11}, {5, 20, 29}}) {
    const std::string name = "stopped_" + std::to_string(stops[0]);
    INFO(name);
    for (const int64_t stop : stops) {
      CHECK(runs.Train(name, json, stop, stop != stops[0]) == TrainResult::kStoppedAtMaxSteps);
    }
    CHECK(runs.Train(name, json, 0, true) == TrainResult::kFinished);
    check_same(name);
  }

  // As a kill leaves it: best.bin and metrics are of epochs that the checkpoint does not know.
  runs.Train("killed", json, 8);
  const std::string state = runs.File("killed/checkpoint/state.safetensors");
  CHECK(runs.Train("killed", json, 0, true) == TrainResult::kFinished);
  WriteFileAtomically(runs.path() / "killed/checkpoint/state.safetensors", state);
  CHECK(runs.Train("killed", json, 0, true) == TrainResult::kFinished);
  check_same("killed");
}

TEST_CASE("a best value is compared with its like only", "[quality][resume]") {
  const Runs runs;
  runs.Train("run", runs.Evaluated({{"best", "fid_c"}}), 2 * kStepsPerEpoch);
  CHECK(runs.Train("run", runs.Evaluated({{"best", "coverage"}}), 0, true) ==
        TrainResult::kFinished);
  std::vector<Json> lines = runs.Metrics("run");
  lines.erase(lines.begin(), lines.begin() + 2);
  const int epoch = BestEpoch(lines, "coverage");
  const SafeTensors state = ReadSafeTensors(runs.path() / "run/checkpoint/state.safetensors");
  CHECK(state.metadata.at("best_epoch") == std::to_string(epoch));
  runs.Train("stopped", GanJson(true), epoch * kStepsPerEpoch);
  CHECK(SameBytes(runs.path() / "run/best.bin", runs.path() / "stopped/g.bin"));
}

TEST_CASE("a run that gets no better stops, and stays stopped", "[quality][resume]") {
  const Runs runs;
  Json json = runs.Evaluated({{"patience", 2}});
  // So small a rate changes nothing: every evaluation is as good as the first, none is better.
  for (const char* network : {"generator", "discriminator"}) {
    json["training"]["optimizers"][network]["learning_rate"] = 1e-12;
  }
  json["training"]["ema"] = 0;
  json["networks"]["generator"]["layers"].erase(2);  // batch norm learns without a rate
  json["training"]["epochs"] = 9;
  json["output"]["checkpoint_every"] = 100;
  CHECK(runs.Train("run", json) == TrainResult::kConverged);
  const std::vector<Json> lines = runs.Metrics("run");
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["fid_c"] == lines[2]["fid_c"]);
  runs.Train("first", json, kStepsPerEpoch);
  CHECK(SameBytes(runs.path() / "run/best.bin", runs.path() / "first/g.bin"));
  const SafeTensors state = ReadSafeTensors(runs.path() / "run/checkpoint/state.safetensors");
  CHECK(state.metadata.at("step") == "15");
  CHECK(state.metadata.at("best_epoch") == "1");
  CHECK(state.metadata.at("best_since") == "2");

  // Nothing of a run that has ended changes.
  fs::copy(runs.path() / "run", runs.path() / "before", fs::copy_options::recursive);
  CHECK(runs.Train("run", json, 0, true) == TrainResult::kConverged);
  CheckSameFiles(runs.path() / "before", runs.path() / "run",
                 {"best.bin", "g.bin", "metrics.jsonl", "checkpoint/state.safetensors"});

  SECTION("stopped while its patience runs") {
    for (const int64_t stop : {4, 7, 10}) runs.Train("stopped", json, stop, stop != 4);
    CHECK(runs.Train("stopped", json, 0, true) == TrainResult::kConverged);
    CHECK(runs.Metrics("stopped") == lines);
    CHECK(SameBytes(runs.path() / "stopped/best.bin", runs.path() / "run/best.bin"));
  }
  SECTION("more patience lets it go on") {
    json["evaluation"]["patience"] = 4;
    CHECK(runs.Train("run", json, 0, true) == TrainResult::kConverged);
    CHECK(runs.Metrics("run").size() == 5);
    json["evaluation"]["patience"] = 0;
    CHECK(runs.Train("run", json, 0, true) == TrainResult::kFinished);
    CHECK(runs.Metrics("run").size() == 9);
  }
}

}  // namespace numeral
