// Runs of a classifier: it learns, it leaves the right files, and stopping changes nothing.
#include <filesystem>

#include "inference/classifier.h"
#include "tests/train/run_files.h"
#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "train/trainer.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

constexpr int kEpochs = 30;

// 220 images, 7 steps an epoch, the last one of 28 images.
TrainResult TrainIn(const fs::path& dir, int64_t max_steps, bool resume, int epochs,
                    const Dataset* held_out) {
  Json json = ClassifierJson();
  json["training"]["epochs"] = epochs;
  json["data"]["max_shift"] = epochs == kEpochs ? 0 : 1;  // shifted images are harder to learn
  const Config config = ParseConfig(json, "classifier_run", "small");
  const auto engine = MakeCpuEngine();
  Session session(config, SyntheticImages(0, 220), *engine);
  const RunFolder folder = resume ? RunFolder::Resume(config.name, dir.string())
                                  : RunFolder::Create(config.name, dir.string());
  return Train(session, folder,
               {.max_steps = max_steps, .resume = resume, .quiet = true, .held_out = held_out});
}

std::vector<std::string> FilesIn(const fs::path& dir) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file()) names.push_back(fs::relative(entry.path(), dir).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

const std::vector<std::string> kFiles{"c.bin", "checkpoint/state.safetensors", "config.json",
                                      "metrics.jsonl"};

}  // namespace

TEST_CASE("a classifier learns, and is tested on other images at the end", "[classifier]") {
  const TempFolder folder;
  const Dataset held_out = SyntheticImages(220, 110);
  CHECK(TrainIn(folder.path(), 0, false, kEpochs, &held_out) == TrainResult::kFinished);
  CHECK(FilesIn(folder.path()) == kFiles);

  const std::vector<Json> lines = MetricsIn(folder.path());
  REQUIRE(lines.size() == kEpochs);
  for (const Json& line : lines) {
    CHECK(line.contains("test_accuracy") == (line == lines.back()));
    CHECK(line.contains("loss"));
    CHECK_FALSE(line.contains("d_loss"));
    CHECK_FALSE(line.contains("checked_accuracy_real"));
  }
  CHECK(lines.back()["accuracy"] > 0.9);
  CHECK(lines.back()["test_accuracy"] > 0.9);
  CHECK(lines.back()["loss"] < lines.front()["loss"]);
  CHECK(lines.front()["accuracy"] < 0.6);

  // What was tested is what was saved.
  const auto engine = MakeCpuEngine();
  Classifier classifier(LoadWeights(folder.path() / "c.bin"), *engine);
  int right = 0;
  const std::vector<int> digits = classifier.Read(held_out.pixels).digits;
  for (size_t i = 0; i < digits.size(); ++i) right += digits[i] == held_out.labels[i];
  CHECK(lines.back()["test_accuracy"].get<double>() == Approx(right / 110.0).epsilon(1e-12));
  const bool same = ReadFile(folder.path() / "c.bin") == TrainedClassifier();
  CHECK(same);
}

TEST_CASE("a stopped and resumed classifier equals an uninterrupted one", "[resume][classifier]") {
  const TempFolder folder;
  const Dataset held_out = SyntheticImages(220, 30);
  const fs::path whole = folder.path() / "whole";
  CHECK(TrainIn(whole, 0, false, 4, &held_out) == TrainResult::kFinished);
  CHECK(MetricsIn(whole).size() == 4);
  // In an epoch, at its end, in front of the short batch, behind it, and several times.
  for (const std::vector<int64_t>& stops :
       std::vector<std::vector<int64_t>>{{1}, {6}, {7}, {8, 9}, {3, 14, 27}}) {
    std::string name = "stopped";
    for (const int64_t stop : stops) name += "_" + std::to_string(stop);
    const fs::path dir = folder.path() / name;
    INFO(name);
    for (const int64_t stop : stops) {
      CHECK(TrainIn(dir, stop, stop != stops[0], 4, &held_out) == TrainResult::kStoppedAtMaxSteps);
      CHECK(FilesIn(dir) == kFiles);
      CHECK_FALSE(MetricsIn(dir).back().contains("test_accuracy"));
    }
    CHECK(TrainIn(dir, 0, true, 4, &held_out) == TrainResult::kFinished);
    CHECK(FilesIn(dir) == kFiles);
    CheckSameFiles(whole, dir, {"c.bin", "config.json"});
    CHECK(MetricsIn(whole) == MetricsIn(dir));
    CheckSameCheckpoint(whole, dir);
  }
}

TEST_CASE("a classifier without held-out images ends without a test", "[classifier]") {
  const TempFolder folder;
  CHECK(TrainIn(folder.path(), 0, false, 1, nullptr) == TrainResult::kFinished);
  REQUIRE(MetricsIn(folder.path()).size() == 1);
  CHECK_FALSE(MetricsIn(folder.path())[0].contains("test_accuracy"));
}

TEST_CASE("a classifier's checkpoint continues no other network or data", "[resume][classifier]") {
  const TempFolder folder;
  TrainIn(folder.path(), 2, false, 4, nullptr);
  const std::string before = ReadFile(folder.path() / "checkpoint/state.safetensors");
  CheckMentions(
      MessageOf(ErrorKind::kBadInput, [&] { TrainIn(folder.path(), 0, true, 5, nullptr); }),
      {"/training/epochs"});
  const auto refuse = [&](const Json& json, int images) {
    const Config config = ParseConfig(json, "classifier_run", "small");
    const auto engine = MakeCpuEngine();
    Session session(config, SyntheticImages(0, images), *engine);
    return MessageOf(ErrorKind::kBadInput,
                     [&] { session.Restore(folder.path() / "checkpoint/state.safetensors"); });
  };
  Json json = ClassifierJson();
  json["training"]["epochs"] = 4;
  json["data"]["max_shift"] = 1;
  CheckMentions(refuse(json, 219), {"220 images", "219"});
  json["data"]["max_shift"] = 2;
  CheckMentions(refuse(json, 220), {"/data/max_shift"});
  CHECK(ReadFile(folder.path() / "checkpoint/state.safetensors") == before);
}

}  // namespace numeral
