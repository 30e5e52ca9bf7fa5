#include "tests/train/small_runs.h"

#include "inference/network_values.h"
#include "tests/train/synthetic_data.h"
#include "tests/util/temp_folder.h"
#include "train/session.h"
#include "util/files.h"

namespace numeral {
namespace {

constexpr const char* kClassifier = R"({
  "name": "small", "seed": 3,
  "networks": {"classifier": {
    "inputs": {"image": {"kind": "image"}},
    "layers": [
      {"type": "conv", "filters": 8, "kernel": 5, "stride": 2, "padding": 2, "bias": false},
      {"type": "batch_norm"}, {"type": "relu"}, {"type": "max_pool", "kernel": 2},
      {"type": "flatten"}, {"type": "dropout", "rate": 0.05},
      {"type": "dense", "units": 24}, {"type": "leaky_relu", "slope": 0.2},
      {"type": "dense", "units": 10}]}},
  "training": {
    "epochs": 30, "batch_size": 32, "ema": 0.6,
    "optimizers": {"classifier": {
      "learning_rate": 6e-3, "schedule": {"type": "cosine", "start": 0.2, "end": 0.05}}}}})";

constexpr const char* kGan = R"({
  "name": "gan", "seed": 5,
  "networks": {
    "generator": {
      "inputs": {"z": {"kind": "latent", "size": 6}},
      "layers": [
        {"type": "dense", "units": 20}, {"type": "batch_norm"}, {"type": "relu"},
        {"type": "dense", "units": 784}, {"type": "tanh"},
        {"type": "reshape", "shape": [28, 28, 1]}]},
    "discriminator": {
      "inputs": {"image": {"kind": "image"}},
      "layers": [{"type": "flatten"}, {"type": "dense", "units": 1}]}},
  "training": {
    "epochs": 6, "batch_size": 22, "ema": 0.5,
    "optimizers": {"generator": {"learning_rate": 0.01}}},
  "output": {"grid": [2, 5], "sample_every": 100}})";

void WriteInitialWeights(const std::filesystem::path& path, const Json& json, uint64_t seed,
                         bool zeros) {
  const Config config = ParseConfig(json, "small", "small");
  const NetworkSpec& network = config.TrainsClassifier() ? config.classifier : config.generator;
  const Graph graph = BuildNetworks(config)[0];
  NetworkValues values = InitialNetworkValues(graph, seed);
  for (std::vector<float>& tensor : values) {
    if (zeros) std::fill(tensor.begin(), tensor.end(), 0.0f);
  }
  SaveWeights(path, {network, config.convention, config.data.pixel_range}, graph, values);
}

}  // namespace

Dataset SyntheticImages(int first, int count) {
  Dataset data = SyntheticData(first + count, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  data.labels.erase(data.labels.begin(), data.labels.begin() + first);
  data.pixels.erase(data.pixels.begin(), data.pixels.begin() + first * kImagePixels);
  return data;
}

Json ClassifierJson() { return Json::parse(kClassifier); }

const std::string& TrainedClassifier() {
  static const std::string bytes = [] {
    const auto engine = MakeCpuEngine();
    Session session(ParseConfig(ClassifierJson(), "small", "small"), SyntheticImages(0, 220),
                    *engine);
    session.Initialise();
    for (int64_t step = 0; step < session.total_steps(); ++step) session.Step(step);
    const TempFolder folder;
    session.SaveNetwork(session.networks()[0], folder.path() / "c.bin");
    return ReadFile(folder.path() / "c.bin");
  }();
  return bytes;
}

void WriteUntrainedClassifier(const std::filesystem::path& path, uint64_t seed) {
  WriteInitialWeights(path, ClassifierJson(), seed, false);
}

Json GanJson(bool conditional) {
  Json json = Json::parse(kGan);
  if (!conditional) return json;
  Json& networks = json["networks"];
  networks["generator"]["inputs"]["digit"] = {{"kind", "digit"}};
  Json& layers = networks["generator"]["layers"];
  const Json joined{{"name", "joined"}, {"type", "concat"}, {"inputs", {"z", "digit"}}};
  layers.insert(layers.begin(), joined);
  networks["discriminator"]["layers"][1]["units"] = 10;
  json["training"]["loss"] = {{"type", "digit_or_zeros"}};
  return json;
}

void WriteGenerator(const std::filesystem::path& path, bool conditional, uint64_t seed) {
  WriteInitialWeights(path, GanJson(conditional), seed, false);
}

void WriteConstantGenerator(const std::filesystem::path& path, bool conditional) {
  WriteInitialWeights(path, GanJson(conditional), 1, true);
}

void WriteDigitGenerator(const std::filesystem::path& path, int first) {
  const Json json = Json::parse(R"({"inputs": {"z": {"kind": "latent", "size": 10}}, "layers": [
    {"type": "dense", "units": 10}, {"type": "sigmoid"}, {"type": "dense", "units": 784},
    {"type": "reshape", "shape": [28, 28, 1]}]})");
  const NetworkSpec network = ParseNetwork(json, "generator", Convention::kPyTorch, "digits");
  const Graph graph = BuildGraph(network, Convention::kPyTorch, "digits");
  // One unit of the first layer for each latent, a sharp step at 1.5.
  std::vector<float> select(100, 0.0f), images(784 * 10);
  for (size_t k = 0; k < 10; ++k) select[k * 10 + k] = 20;
  const Dataset digits = SyntheticImages(first, 10);
  for (size_t k = 0; k < 10; ++k) {
    for (size_t i = 0; i < 784; ++i) {
      images[i * 10 + k] = static_cast<float>(digits.pixels[k * 784 + i]) / 127.5f;
    }
  }
  SaveWeights(path, {network, Convention::kPyTorch, {-1, 1}}, graph,
              {select, std::vector<float>(10, -30.0f), images, std::vector<float>(784, -1.0f)});
}

}  // namespace numeral
