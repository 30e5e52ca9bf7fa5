// The pairs that a latent predictor learns: against a selection by hand, and what is refused.
#include "train/latent_pairs.h"

#include "inference/classifier.h"
#include "inference/generator.h"
#include "inference/noise.h"
#include "tests/catch.h"
#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

// A generator that draws digits, and a classifier that reads them.
class PairFiles {
 public:
  PairFiles() {
    WriteDigitGenerator(generator(), 0);
    WriteFileAtomically(classifier(), TrainedClassifier());
  }
  fs::path generator() const { return folder_.path() / "g.bin"; }
  fs::path classifier() const { return folder_.path() / "c.bin"; }
  fs::path other() const { return folder_.path() / "other.bin"; }

  Config ConfigOf(int per_digit, double confidence, int latent_size = 10) const {
    Json json = {{"name", "pairs"}, {"seed", 3}};
    json["pairs"] = {{"generator", generator().string()},
                     {"classifier", classifier().string()},
                     {"per_digit", per_digit},
                     {"min_confidence", confidence},
                     {"max_draws", 20000}};
    json["networks"]["latent_predictor"] = {
        {"inputs", {{"digit", {{"kind", "digit"}}}}},
        {"layers", Json::array({{{"type", "dense"}, {"units", latent_size}}})}};
    return ParseConfig(json, "pairs", "pairs");
  }

 private:
  TempFolder folder_;
};

LatentPairs Drawn(const Config& config) {
  const auto engine = MakeCpuEngine();
  return DrawLatentPairs(config, *engine, [](int64_t, int64_t) {});
}

std::string Refused(const Config& config) {
  return MessageOf(ErrorKind::kBadInput, [&] { Drawn(config); });
}

void WriteNetwork(const fs::path& path, const char* network) {
  const NetworkSpec spec =
      ParseNetwork(Json::parse(network), "generator", Convention::kPyTorch, "x");
  const Graph graph = BuildGraph(spec, Convention::kPyTorch, "x");
  SaveWeights(path, {spec, Convention::kPyTorch, {-1, 1}}, graph, InitialNetworkValues(graph, 1));
}

}  // namespace

TEST_CASE("pairs are the first latents of each digit that the classifier is sure of", "[pairs]") {
  const PairFiles files;
  constexpr int kPerDigit = 13;
  constexpr double kConfidence = 0.5;
  const Config config = files.ConfigOf(kPerDigit, kConfidence);
  const auto engine = MakeCpuEngine();
  int64_t kept = 0, drawn = 0, calls = 0;
  const LatentPairs pairs = DrawLatentPairs(config, *engine, [&](int64_t k, int64_t d) {
    CHECK(k >= kept);
    CHECK(d > drawn);
    kept = k;
    drawn = d;
    ++calls;
  });
  CHECK(pairs.latent_size == 10);
  REQUIRE(pairs.count() == 10 * kPerDigit);
  CHECK(kept == pairs.count());
  CHECK(drawn == 250 * calls);
  REQUIRE(pairs.latents.size() == static_cast<size_t>(pairs.count() * 10));

  Generator generator(LoadWeights(files.generator()), *engine);
  Classifier classifier(LoadWeights(files.classifier()), *engine);
  const InputSpec latent{"z", InputSpec::Kind::kLatent, Shape::Flat(10)};
  std::array<int, 10> found{};
  size_t next = 0;
  int64_t unsure = 0, looked_at = 0;
  for (uint64_t batch = 0; next < pairs.digits.size(); ++batch) {
    const std::vector<float> latents = DrawNoise(latent, 3, "pairs/latents", batch, 0, 250);
    const Readings readings = classifier.Read(generator.Draw({250, {latents}, {}}));
    for (size_t i = 0; i < 250 && next < pairs.digits.size(); ++i, ++looked_at) {
      const int digit = readings.digits[i];
      const bool sure = readings.probabilities[i * 10 + static_cast<size_t>(digit)] >= kConfidence;
      unsure += !sure;
      if (!sure || found[static_cast<size_t>(digit)]++ >= kPerDigit) continue;
      REQUIRE(pairs.digits[next] == digit);
      for (size_t j = 0; j < 10; ++j) {
        REQUIRE(pairs.latents[next * 10 + j] == latents[i * 10 + j]);
      }
      ++next;
    }
  }
  CHECK(looked_at > drawn - 250);
  CHECK(looked_at <= drawn);
  CHECK(unsure > 10);
}

TEST_CASE("pairs follow from seed, settings and weights alone", "[pairs]") {
  const PairFiles files;
  Config config = files.ConfigOf(5, 0.3);
  const LatentPairs pairs = Drawn(config), again = Drawn(config);
  CHECK(pairs.latents == again.latents);
  CHECK(pairs.digits == again.digits);
  const std::string print = FingerprintOf(pairs);
  CHECK(print.size() == 16);
  CHECK(FingerprintOf(again) == print);
  std::vector<std::string> others;
  config.seed = 4;
  others.push_back(FingerprintOf(Drawn(config)));
  config.seed = 3;
  config.pairs.min_confidence = 0.5;
  others.push_back(FingerprintOf(Drawn(config)));
  config.pairs.min_confidence = 0.3;
  WriteDigitGenerator(files.generator(), 100);
  others.push_back(FingerprintOf(Drawn(config)));
  LatentPairs changed = pairs;
  changed.latents.back() += 0.5f;
  others.push_back(FingerprintOf(changed));
  changed = pairs;
  changed.digits[0] = static_cast<uint8_t>((pairs.digits[0] + 1) % 10);
  others.push_back(FingerprintOf(changed));
  for (const std::string& other : others) CHECK(other != print);
}

TEST_CASE("what gives no pairs is refused", "[pairs]") {
  const PairFiles files;
  const Config good = files.ConfigOf(5, 0.5);
  Config config = good;
  config.pairs.generator = "";
  CheckMentions(Refused(config), {"/pairs/generator", "--generator"});
  config = good;
  config.pairs.classifier = "";
  CheckMentions(Refused(config), {"/pairs/classifier", "--classifier"});
  config.pairs.classifier = (files.generator().parent_path() / "none.bin").string();
  CheckMentions(Refused(config), {"none.bin"});
  config.pairs.classifier = files.generator().string();
  CheckMentions(Refused(config), {"g.bin", "no classifier"});
  config = good;
  config.pairs.generator = files.classifier().string();
  CheckMentions(Refused(config), {"c.bin", "one latent"});

  config = good;
  config.pairs.generator = files.other().string();
  WriteGenerator(files.other(), true, 1);
  CheckMentions(Refused(config), {"other.bin", "asks for its digit already"});
  WriteNetwork(files.other(), R"({"inputs": {"z": {"kind": "latent", "size": 4},
      "u": {"kind": "latent", "size": 6}}, "layers": [
      {"type": "concat", "inputs": ["z", "u"]}, {"type": "dense", "units": 784},
      {"type": "reshape", "shape": [28, 28, 1]}]})");
  CheckMentions(Refused(config), {"other.bin", "2 inputs", "one latent"});
  CheckMentions(Refused(files.ConfigOf(5, 0.5, 11)),
                {"/networks/latent_predictor", "11", "g.bin", "10"});
}

TEST_CASE("a digit that is never drawn surely is named", "[pairs]") {
  const PairFiles files;
  WriteConstantGenerator(files.other(), false);
  Config config = files.ConfigOf(5, 0.1, 6);
  config.pairs.generator = files.other().string();
  config.pairs.max_draws = 607;  // not a whole number of batches
  int64_t looked_at = 0;
  const auto engine = MakeCpuEngine();
  const std::string message = MessageOf(ErrorKind::kBadInput, [&] {
    DrawLatentPairs(config, *engine, [&](int64_t, int64_t drawn) { looked_at = drawn; });
  });
  CHECK(looked_at == 607);
  CheckMentions(message, {"other.bin", "607 images", "0 are read as a ", "0.1", "5 are asked for"});
}

}  // namespace numeral
