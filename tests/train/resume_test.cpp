// A run that was stopped and resumed leaves the same bytes as one that was not.
#include <filesystem>

#include "tests/train/run_files.h"
#include "tests/train/synthetic_data.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "train/trainer.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

// Conditional, with batch norm, dropout, averaging, a schedule and two D updates for one of G:
// every kind of state that a checkpoint must carry.
constexpr const char* kConfig = R"({
  "name": "resume", "seed": 5, "convention": "pytorch",
  "networks": {
    "generator": {
      "inputs": {"z": {"kind": "latent", "size": 6}, "digit": {"kind": "digit"}},
      "layers": [
        {"name": "joined", "type": "concat", "inputs": ["z", "digit"]},
        {"type": "dense", "units": 49}, {"type": "batch_norm"}, {"type": "relu"},
        {"type": "reshape", "shape": [7, 7, 1]}, {"type": "upsample", "factor": 4},
        {"type": "conv", "filters": 1, "kernel": 3, "padding": "same"}, {"type": "tanh"}]},
    "discriminator": {
      "inputs": {"image": {"kind": "image"}},
      "layers": [
        {"type": "conv", "filters": 4, "kernel": 5, "stride": 4, "padding": 2},
        {"type": "leaky_relu", "slope": 0.2}, {"type": "dropout", "rate": 0.3},
        {"type": "flatten"}, {"type": "dense", "units": 10}]}},
  "training": {
    "epochs": 3, "batch_size": 8, "order": "discriminator_first", "fakes": "fresh",
    "discriminator_steps": 2, "ema": 0.9, "loss": {"type": "digit_or_zeros"},
    "optimizers": {
      "generator": {"type": "adam", "schedule": {"type": "cosine", "start": 0.2, "end": 0.1}},
      "discriminator": {"type": "adam"}}},
  "output": {"grid": [3, 4], "accuracy_every": 1}})";

Config TestConfig() { return ParseConfig(Json::parse(kConfig), "resume_test", "resume"); }

TrainResult TrainIn(const fs::path& dir, int64_t max_steps, bool resume,
                    const Config& config = TestConfig()) {
  const auto engine = MakeCpuEngine();
  Session session(config, SyntheticData(44, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), *engine);
  const RunFolder folder = resume ? RunFolder::Resume(config.name, dir.string())
                                  : RunFolder::Create(config.name, dir.string());
  return Train(session, folder, {.max_steps = max_steps, .resume = resume, .quiet = true});
}

void CheckSameRun(const fs::path& a, const fs::path& b) {
  CheckSameFiles(a, b,
                 {"g.bin", "d.bin", "config.json", "samples/epoch_0001.png",
                  "samples/epoch_0002.png", "samples/epoch_0003.png"});
  CHECK(MetricsIn(a) == MetricsIn(b));
  CheckSameCheckpoint(a, b);
}

}  // namespace

TEST_CASE("a stopped and resumed run equals an uninterrupted one, byte for byte", "[resume]") {
  const TempFolder folder;
  const fs::path whole = folder.path() / "whole";
  CHECK(TrainIn(whole, 0, false) == TrainResult::kFinished);
  CHECK(MetricsIn(whole).size() == 3);
  // Steps per epoch: 6. Stops in the first epoch, at an epoch's end, and twice.
  for (const std::vector<int64_t>& stops :
       std::vector<std::vector<int64_t>>{{1}, {3}, {6}, {7}, {2, 11}, {5, 6, 17}}) {
    std::string name = "stopped";
    for (const int64_t stop : stops) name += "_" + std::to_string(stop);
    const fs::path dir = folder.path() / name;
    INFO(name);
    bool resume = false;
    for (const int64_t stop : stops) {
      CHECK(TrainIn(dir, stop, resume) == TrainResult::kStoppedAtMaxSteps);
      resume = true;
    }
    CHECK(TrainIn(dir, 0, true) == TrainResult::kFinished);
    CheckSameRun(whole, dir);
  }
}

TEST_CASE("work after the last checkpoint is redone, not doubled", "[resume]") {
  const TempFolder folder;
  const fs::path whole = folder.path() / "whole", killed = folder.path() / "killed";
  TrainIn(whole, 0, false);
  // As a kill between the log of epoch 2 and its checkpoint leaves it.
  TrainIn(killed, 6, false);
  const std::string state = ReadFile(killed / "checkpoint/state.safetensors");
  TrainIn(killed, 15, true);
  WriteFileAtomically(killed / "checkpoint/state.safetensors", state);
  WriteFileAtomically(killed / "samples/epoch_0009.png.1-1.tmp", "half a picture");
  TrainIn(killed, 0, true);
  CheckSameRun(whole, killed);
  CHECK_FALSE(fs::exists(killed / "samples/epoch_0009.png.1-1.tmp"));
}

TEST_CASE("a run ended inside an epoch logs it, and goes on with more epochs", "[resume]") {
  const TempFolder folder;
  TrainIn(folder.path() / "a", 8, false);
  const std::vector<Json> lines = MetricsIn(folder.path() / "a");
  REQUIRE(lines.size() == 2);
  CHECK(lines[1]["epoch"] == 2);
  CHECK(lines[1]["step"] == 8);
}

TEST_CASE("resuming refuses what it cannot continue", "[resume]") {
  const TempFolder folder;
  const fs::path dir = folder.path() / "run";
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { TrainIn(dir, 0, true); }),
                {"nothing to resume", dir.string()});
  TrainIn(dir, 2, false);
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { TrainIn(dir, 0, false); }),
                {"holds a run already", "--resume"});
  Config longer = TestConfig();
  longer.training.epochs = 9;  // the generator's rate depends on the run's length
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { TrainIn(dir, 0, true, longer); }),
                {"/training/epochs"});
  Config other = TestConfig();
  other.training.generator.learning_rate = 0.5;
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { TrainIn(dir, 0, true, other); }),
                {"/training/optimizers/generator/learning_rate"});
  const std::string state = ReadFile(dir / "checkpoint/state.safetensors");
  for (const size_t length : {size_t{0}, size_t{7}, state.size() / 2, state.size() - 1}) {
    WriteFileAtomically(dir / "checkpoint/state.safetensors", state.substr(0, length));
    CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { TrainIn(dir, 0, true); }),
                  {"state.safetensors"});
  }
}

TEST_CASE("a loss that is not finite stops the run and keeps the last good checkpoint",
          "[resume]") {
  const TempFolder folder;
  const fs::path dir = folder.path() / "run";
  TrainIn(dir, 6, false);
  // A weight so large that the next step overflows.
  const fs::path checkpoint = dir / "checkpoint/state.safetensors";
  SafeTensors state = ReadSafeTensors(checkpoint);
  for (SafeTensor& tensor : state.tensors) {
    if (tensor.name != "discriminator/dense.weight") continue;
    std::vector<float> values = ValuesOf<float>(tensor);
    std::fill(values.begin(), values.end(), 3e38f);
    tensor = MakeSafeTensor<float>(tensor.name, tensor.shape, values);
  }
  WriteSafeTensors(checkpoint, state);
  const std::string before = ReadFile(checkpoint), weights = ReadFile(dir / "g.bin");
  CheckMentions(MessageOf(ErrorKind::kFailure, [&] { TrainIn(dir, 0, true); }),
                {"step 7", "loss is", "training stopped", checkpoint.string()});
  CHECK(ReadFile(checkpoint) == before);
  CHECK(ReadFile(dir / "g.bin") == weights);
}

}  // namespace numeral
