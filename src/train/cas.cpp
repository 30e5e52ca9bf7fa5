#include "train/cas.h"

#include <algorithm>

#include "config/json_text.h"
#include "config/parse.h"
#include "inference/classifier.h"
#include "train/session.h"
#include "util/error.h"

namespace numeral {
namespace {

// Part of the metric's definition: another network or schedule gives other scores.
constexpr const char* kConfig = R"({
  "name": "cas",
  "data": {"last_batch": "drop"},
  "networks": {"classifier": {
    "inputs": {"image": {"kind": "image"}},
    "layers": [
      {"type": "conv", "filters": 16, "kernel": 5, "stride": 2, "padding": 2, "bias": false},
      {"type": "batch_norm"}, {"type": "relu"},
      {"type": "conv", "filters": 32, "kernel": 3, "padding": 1, "bias": false},
      {"type": "batch_norm"}, {"type": "relu"},
      {"type": "conv", "filters": 48, "kernel": 3, "stride": 2, "padding": 1, "bias": false},
      {"type": "batch_norm"}, {"type": "relu"},
      {"type": "conv", "filters": 48, "kernel": 3, "stride": 2, "padding": 1, "bias": false},
      {"type": "batch_norm"}, {"type": "relu"},
      {"type": "flatten"}, {"type": "dropout", "rate": 0.3},
      {"type": "dense", "units": 128}, {"type": "relu"},
      {"type": "dense", "units": 10}]}},
  "training": {"batch_size": 128, "optimizers": {"classifier": {
    "learning_rate": 3e-3, "schedule": {"type": "cosine", "end": 0.001}}}}
})";

// The rate falls until the last step of an epoch, the first one at or after `steps`.
Config RecipeFor(int64_t images, uint64_t seed, int64_t steps) {
  Config config = ParseConfig(ParseJsonText(kConfig, "cas"), "cas", "cas");
  config.seed = seed;
  const int64_t per_epoch = images / kCasBatch;
  config.training.epochs = static_cast<int>((steps + per_epoch - 1) / per_epoch);
  return config;
}

}  // namespace

double ClassificationAccuracyScore(const Dataset& images, const Dataset& test, Engine& engine,
                                   uint64_t seed, const std::function<void(double)>& progress,
                                   int64_t steps) {
  if (images.count() < kCasBatch) {
    BadInput("the classification accuracy score needs {} images or more, there are {}", kCasBatch,
             images.count());
  }
  Session session(RecipeFor(images.count(), seed, steps), images, engine);
  session.Initialise();
  for (int64_t step = 0; step < steps; ++step) {
    session.Step(step);
    progress(static_cast<double>(step + 1) / static_cast<double>(steps));
  }
  const Graph& network = session.networks()[0];
  Classifier classifier(session.Describe(network), session.Values(network), engine, "cas");
  return 1 - ErrorShare(classifier.Read(test.pixels), test.labels);
}

}  // namespace numeral
