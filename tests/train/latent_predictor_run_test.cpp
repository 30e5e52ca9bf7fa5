// Runs of latent predictors: what they learn, the files they leave, stopping and resuming.
#include <array>
#include <cmath>

#include "inference/latent_predictor.h"
#include "tests/train/run_files.h"
#include "tests/train/synthetic_data.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "train/trainer.h"
#include "util/random.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

Config ConfigOf(const char* network, const char* training) {
  const Json json = {{"name", "l"},
                     {"networks", {{"latent_predictor", Json::parse(network)}}},
                     {"training", Json::parse(training)}};
  return ParseConfig(json, "l", "l");
}

// The predictor of a whole run, as its l.bin has it.
LatentPredictor Trained(const Config& config, const LatentPairs& pairs, Engine& engine) {
  Session session(config, pairs, engine);
  session.Initialise();
  for (int64_t step = 0; step < session.total_steps(); ++step) session.Step(step);
  const TempFolder folder;
  session.SaveNetwork(session.networks()[0], folder.path() / "l.bin");
  return LatentPredictor(LoadWeights(folder.path() / "l.bin"), engine);
}

// Two clusters in the plane for each digit, opposite each other.
constexpr double kRadius = 1.5, kSpread = 0.1;
std::array<double, 2> Centre(int digit) {
  return {kRadius * std::cos(0.3 * digit), kRadius * std::sin(0.3 * digit)};
}
LatentPairs TwoClusters(int count) {
  LatentPairs pairs{2, {}, {}};
  for (int i = 0; i < count; ++i) {
    pairs.digits.push_back(static_cast<uint8_t>(i % 10));
    const double sign = i / 10 % 4 == 0 ? 1 : -1;  // a quarter, and three
    for (size_t j = 0; j < 2; ++j) {
      const double noise = DrawNormal(5, 6, 7, 2 * static_cast<size_t>(i) + j);
      pairs.latents.push_back(static_cast<float>(sign * Centre(i % 10)[j] + kSpread * noise));
    }
  }
  return pairs;
}

// Every kind of state that a checkpoint must carry.
constexpr const char* kSmallFlow = R"({
  "inputs": {"noise": {"kind": "latent", "size": 4, "distribution": "uniform"},
             "time": {"kind": "time"}, "digit": {"kind": "digit"}},
  "layers": [{"type": "concat", "inputs": ["noise", "time", "digit"]},
             {"type": "dense", "units": 9}, {"type": "batch_norm"}, {"type": "relu"},
             {"type": "dropout", "rate": 0.2}, {"type": "dense", "units": 4}]})";
constexpr const char* kSmallTraining = R"({"epochs": 4, "batch_size": 32, "ema": 0.7,
  "optimizers": {"latent_predictor": {"schedule": {"type": "cosine"}}}})";

TrainResult TrainIn(const fs::path& dir, int64_t max_steps, bool resume, const LatentPairs& pairs) {
  const Config config = ConfigOf(kSmallFlow, kSmallTraining);
  const auto engine = MakeCpuEngine();
  Session session(config, pairs, *engine);
  const RunFolder folder = resume ? RunFolder::Resume(config.name, dir.string())
                                  : RunFolder::Create(config.name, dir.string());
  return Train(session, folder, {.max_steps = max_steps, .resume = resume, .quiet = true});
}

}  // namespace

TEST_CASE("without noise a predictor learns the mean of each digit's latents", "[predictor]") {
  constexpr int kSize = 3;
  const LatentPairs pairs = SyntheticPairs(230, kSize);
  const Config config = ConfigOf(
      R"({"inputs": {"digit": {"kind": "digit"}}, "layers": [
          {"type": "dense", "units": 16}, {"type": "leaky_relu"}, {"type": "dense", "units": 3}]})",
      R"({"epochs": 600, "batch_size": 230, "optimizers": {"latent_predictor": {
          "learning_rate": 0.02, "schedule": {"type": "cosine", "end": 0.001}}}})");
  const auto engine = MakeCpuEngine();
  LatentPredictor predictor = Trained(config, pairs, *engine);
  std::vector<int32_t> digits;
  for (int32_t digit = 0; digit < 10; ++digit) digits.push_back(digit);
  const std::vector<float> latents = predictor.Predict(digits, 1, 0);
  for (size_t digit = 0; digit < 10; ++digit) {
    for (size_t j = 0; j < kSize; ++j) {
      double sum = 0;
      for (size_t i = digit; i < 230; i += 10) sum += pairs.latents[i * kSize + j];
      INFO("digit " << digit << ", feature " << j);
      CHECK(latents[digit * kSize + j] == Approx(sum / 23).margin(2e-3));
    }
  }
}

TEST_CASE("with noise a predictor learns all that a digit's latents can be", "[predictor]") {
  const Config config = ConfigOf(
      R"({"inputs": {"noise": {"kind": "latent", "size": 2}, "time": {"kind": "time"},
                     "digit": {"kind": "digit"}},
          "layers": [{"type": "concat", "inputs": ["noise", "time", "digit"]},
                     {"type": "dense", "units": 96}, {"type": "leaky_relu"},
                     {"type": "dense", "units": 96}, {"type": "leaky_relu"},
                     {"type": "dense", "units": 2}]})",
      R"({"epochs": 60, "batch_size": 128, "ema": 0.98, "optimizers": {"latent_predictor": {
          "learning_rate": 4e-3, "schedule": {"type": "cosine", "end": 0.01}}}})");
  const auto engine = MakeCpuEngine();
  LatentPredictor predictor = Trained(config, TwoClusters(8000), *engine);
  constexpr int kPerDigit = 400;
  for (int digit = 0; digit < 10; ++digit) {
    INFO("digit " << digit);
    const std::vector<float> latents =
        predictor.Predict(std::vector<int32_t>(kPerDigit, digit), 2, kPerDigit * digit, 1);
    const auto [x, y] = Centre(digit);
    int first = 0, lost = 0;
    std::array<double, 2> mean{};  // of what is nearest to either centre, moved to the origin
    double square = 0;
    for (size_t i = 0; i < kPerDigit; ++i) {
      const double sign = latents[2 * i] * x + latents[2 * i + 1] * y > 0 ? 1 : -1;
      const double dx = latents[2 * i] - sign * x, dy = latents[2 * i + 1] - sign * y;
      first += sign > 0;
      if (dx * dx + dy * dy > 0.25) {
        ++lost;
        continue;
      }
      mean[0] += dx / kPerDigit;
      mean[1] += dy / kPerDigit;
      square += (dx * dx + dy * dy) / kPerDigit;
    }
    CHECK(lost <= kPerDigit / 20);
    CHECK(first > kPerDigit * 0.15);
    CHECK(first < kPerDigit * 0.35);
    CHECK(std::hypot(mean[0], mean[1]) < 0.08);
    CHECK(std::sqrt(square / 2) > 0.6 * kSpread);
    CHECK(std::sqrt(square / 2) < 1.8 * kSpread);
  }
}

TEST_CASE("a stopped and resumed predictor equals an uninterrupted one", "[resume][predictor]") {
  const TempFolder folder;
  const LatentPairs pairs = SyntheticPairs(220, 4);
  const fs::path whole = folder.path() / "whole";
  CHECK(TrainIn(whole, 0, false, pairs) == TrainResult::kFinished);
  const std::vector<Json> lines = MetricsIn(whole);
  REQUIRE(lines.size() == 4);
  CHECK(lines.back()["step"] == 28);
  for (const Json& line : lines) {
    CHECK(line.contains("loss"));
    for (const char* key : {"accuracy", "d_loss", "test_accuracy"}) CHECK_FALSE(line.contains(key));
  }
  CHECK_FALSE(fs::exists(whole / "samples"));
  for (const std::vector<int64_t>& stops :
       std::vector<std::vector<int64_t>>{{1}, {6}, {7}, {8, 9}, {3, 14, 27}}) {
    std::string name = "stopped";
    for (const int64_t stop : stops) name += "_" + std::to_string(stop);
    const fs::path dir = folder.path() / name;
    INFO(name);
    for (const int64_t stop : stops) {
      CHECK(TrainIn(dir, stop, stop != stops[0], pairs) == TrainResult::kStoppedAtMaxSteps);
    }
    CHECK_FALSE(fs::exists(dir / "samples"));
    CHECK(TrainIn(dir, 0, true, pairs) == TrainResult::kFinished);
    CheckSameFiles(whole, dir, {"l.bin", "config.json"});
    CHECK(MetricsIn(whole) == MetricsIn(dir));
    CheckSameCheckpoint(whole, dir);
  }
}

TEST_CASE("a predictor's checkpoint continues on no other pairs", "[resume][predictor]") {
  const TempFolder folder;
  const LatentPairs pairs = SyntheticPairs(220, 4);
  TrainIn(folder.path(), 2, false, pairs);
  const fs::path checkpoint = folder.path() / "checkpoint/state.safetensors";
  const std::string before = ReadFile(checkpoint);
  LatentPairs other = pairs;
  other.latents[17] += 0.25f;
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { TrainIn(folder.path(), 0, true, other); }),
                {"state.safetensors", "other pairs"});
  CHECK(ReadFile(checkpoint) == before);
  CHECK(TrainIn(folder.path(), 0, true, pairs) == TrainResult::kFinished);
}

TEST_CASE("a predictor's network must fit its task", "[predictor]") {
  const auto engine = MakeCpuEngine();
  const auto refusal = [&](const char* network) {
    const Config config = ConfigOf(network, "{}");
    return MessageOf(ErrorKind::kBadInput,
                     [&] { Session(config, SyntheticPairs(20, 4), *engine); });
  };
  CheckMentions(refusal(R"({"inputs": {"noise": {"kind": "latent", "size": 4},
      "time": {"kind": "time"}, "digit": {"kind": "digit"}}, "layers": [
      {"type": "concat", "inputs": ["noise", "time", "digit"]}, {"type": "dense", "units": 5}]})"),
                {"/networks/latent_predictor", "5", "4"});
  CheckMentions(refusal(R"({"inputs": {"digit": {"kind": "digit"}}, "layers": [
      {"type": "dense", "units": 4}, {"type": "reshape", "shape": [2, 2, 1]}]})"),
                {"/networks/latent_predictor", "2x2x1", "flat"});
  CheckMentions(refusal(R"({"inputs": {"digit": {"kind": "digit"}}, "layers": [
      {"type": "tanh"}]})"),
                {"/networks/latent_predictor", "trained"});
  CheckMentions(refusal(R"({"inputs": {"digit": {"kind": "digit"}}, "layers": [
      {"type": "dense", "units": 8}, {"type": "reshape", "shape": [2, 2, 2]},
      {"type": "leaky_relu"}, {"type": "flatten"}]})"),
                {"/networks/latent_predictor", "dense layer"});
}

}  // namespace numeral
