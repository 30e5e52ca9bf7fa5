#include <filesystem>
#include <set>

#include "tests/config/config_json.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> ConfigFiles() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(NUMERAL_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  return files;
}

// Through text, as a run folder keeps it.
Json Written(const Json& json) { return ParseJsonText(json.dump(2), "written"); }

void CheckRoundTrip(const Config& config) {
  const Json json = Written(ToJson(config));
  const Config again = ParseConfig(json, "written", "another name");
  CHECK(again == config);
  REQUIRE(again.Networks().size() == config.Networks().size());
  for (size_t i = 0; i < config.Networks().size(); ++i) {
    CHECK(again.Networks()[i]->layers[0].pointer == config.Networks()[i]->layers[0].pointer);
  }
  CHECK(ToJson(again) == json);
}

TEST_CASE("every file in configs/ loads, and comes back from its resolved form") {
  int checked = 0;
  for (const fs::path& file : ConfigFiles()) {
    INFO(file);
    const Config config = LoadConfig(file.string());
    CHECK(config.name == file.stem().string());
    CHECK_FALSE(config.description.empty());
    CheckRoundTrip(config);
    ++checked;
  }
  CHECK(checked >= 10);
}

// A layer of every kind, no value its default.
const char kEveryLayer[] = R"([
  {"type": "dense", "units": 3, "bias": false, "weight_init": {"type": "uniform", "bound": 0.1},
   "bias_init": {"type": "normal", "mean": 0.3, "std": 0.7}},
  {"type": "conv", "filters": 3, "kernel": [2, 3], "stride": [3, 1], "padding": [1, 2, 3, 4],
   "weight_init": "ones", "bias_init": "glorot_uniform"},
  {"type": "conv_transpose", "filters": 3, "kernel": 2, "stride": 3, "padding": 0,
   "output_padding": [1, 2], "weight_init": "zeros"},
  {"type": "conv_transpose", "filters": 3, "kernel": 2, "padding": "same"},
  {"type": "batch_norm", "epsilon": 0.123, "momentum": 0.3, "weight_init": "zeros"},
  {"type": "leaky_relu", "slope": 0.7}, {"type": "relu"}, {"type": "tanh"}, {"type": "sigmoid"},
  {"type": "dropout", "rate": 0.1}, {"type": "reshape", "shape": [4]},
  {"type": "reshape", "shape": [1, 2, 3]}, {"type": "flatten"},
  {"type": "max_pool", "kernel": 3, "stride": [1, 2], "padding": [1, 0]},
  {"type": "global_max_pool"}, {"type": "upsample", "factor": 3},
  {"type": "pixel_shuffle", "factor": 5}, {"type": "concat", "inputs": ["pixel_shuffle", "x"]},
  {"type": "multiply", "inputs": ["concat", "x"]}, {"type": "add", "inputs": ["multiply", "x"]}
])";

TEST_CASE("a network of every kind of layer comes back, in both conventions") {
  const Json json = Network(ParseJsonText(kEveryLayer, "layers"));
  for (const Convention convention : {Convention::kPyTorch, Convention::kKeras}) {
    const NetworkSpec network = ParseNetwork(json, "net", convention, "net.json");
    const Json written = Written(ToJson(network, convention));
    CHECK(ParseNetwork(written, "net", convention, "written") == network);
    CHECK(written["layers"][4]["momentum"] == 0.3);
  }
}

TEST_CASE("momentum is written as a person would, and reads back as it was") {
  for (int i = 0; i <= 1000; ++i) {
    const double momentum = i / 1000.0;
    const std::string text = fmt::format(R"([{{"type": "batch_norm", "momentum": {}}}])", momentum);
    const NetworkSpec network = ParseNetwork(Network(ParseJsonText(text, "layers")), "net",
                                             Convention::kPyTorch, "net.json");
    const Json written = ToJson(network, Convention::kPyTorch)["layers"][0]["momentum"];
    CHECK(1 - written.get<double>() == std::get<BatchNormSpec>(network.layers[0].op).keep);
    CHECK(written.dump().size() <= 6);
  }
}

TEST_CASE("values far from the defaults come back") {
  CheckRoundTrip(Parsed({
      {"/name", "other"},
      {"/description", "\"quoted\" \xC3\xA9\n"},
      {"/seed", UINT64_MAX},
      {"/convention", "keras"},
      {"/precision", "bf16"},
      {"/data",
       {{"dataset", "fashion"},
        {"split", "test"},
        {"digits", {3, 1}},
        {"limit", 77},
        {"last_batch", "drop"},
        {"pixel_range", {-0.1, 0.3}}}},
      {"/networks/generator/inputs/z/distribution", "uniform"},
      {"/training/epochs", 3},
      {"/training/generator_batch_size", 5},
      {"/training/steps_per_epoch", 1000000000},
      {"/training/order", "discriminator_first"},
      {"/training/fakes", "fresh"},
      {"/training/discriminator_steps", 5},
      {"/training/loss", {{"type", "softmax"}, {"label_smoothing", 0.1}, {"combine", "mean"}}},
      {"/training/optimizers/generator",
       {{"learning_rate", 0.1 + 0.2},
        {"beta1", 0.1},
        {"beta2", 1.0 / 3},
        {"epsilon", 1e-300},
        {"schedule", {{"type", "cosine"}, {"start", 0.7}, {"end", 0.01}}}}},
      {"/training/ema", 0.9999},
      {"/output",
       {{"sample_every", 2}, {"accuracy_every", 3}, {"checkpoint_every", 4}, {"grid", {5, 6}}}},
  }));
}

// The object of `json` at a path of the key table; the first of those that "*" stands for.
const Json& At(const Json& json, const std::string& path) {
  const Json* node = &json;
  for (std::size_t start = 1; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string step = path.substr(start, end - start);
    node = step == "*" ? &*node->begin() : &node->at(step);
    start = end + 1;
  }
  return *node;
}

TEST_CASE("the resolved form has every key") {
  const Json linear = {{"type", "linear"}};
  const Json json = ToJson(Parsed({{"/training/optimizers/generator/schedule", linear}}));
  const std::set<std::string> plain = {"",
                                       "/data",
                                       "/networks",
                                       "/networks/*",
                                       "/training",
                                       "/training/loss",
                                       "/training/optimizers",
                                       "/training/optimizers/*",
                                       "/output",
                                       "/evaluation"};
  const Json layers = ToJson(ParseNetwork(Network(ParseJsonText(kEveryLayer, "layers")), "net",
                                          Convention::kPyTorch, "net.json"),
                             Convention::kPyTorch)["layers"];
  int checked = 0;
  for (const KeyDoc& key : AllKeys()) {
    INFO(key.object << " " << key.key);
    // Of a classifier's or a latent predictor's configs, not of a GAN's.
    const bool foreign = (key.key == "classifier" && key.object != "/evaluation") ||
                         key.key == "latent_predictor" || key.key == "pairs";
    if (plain.contains(key.object) && key.key != "$schema" && !foreign) {
      CHECK(At(json, key.object).contains(key.key));
      ++checked;
    }
    for (const Json& layer : layers) {
      const std::string type = layer["type"].get<std::string>();
      if (key.object == "/networks/*/layers/*" || key.object == "/networks/*/layers/" + type) {
        CHECK(layer.contains(key.key));
        ++checked;
      }
    }
  }
  CHECK(checked > 100);
  const Json& schedule = json["training"]["optimizers"]["generator"]["schedule"];
  CHECK(schedule == Json{{"type", "linear"}, {"start", 0.0}, {"end", 0.0}});
}

}  // namespace
}  // namespace numeral
