#include "bench/step_runner.h"

#include <chrono>
#include <cmath>

#include "config/parse.h"
#include "graph/graph.h"
#include "tests/train/synthetic_data.h"

namespace numeral::bench {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Every timed step is of the same size; bench/peers/train_step.py does the same to the config.
Config Load(const StepOptions& options) {
  std::vector<Override> overrides{{"/training/steps_per_epoch", "0"}};
  for (const std::string& set : options.sets) overrides.push_back(ParseOverride(set));
  const Config config = LoadConfig(options.config, overrides);
  if (config.TrainsLatentPredictor()) return config;  // of pairs, in whole batches
  overrides.push_back({"/data/last_batch", "\"drop\""});
  return LoadConfig(options.config, overrides);
}

struct Data {
  Dataset images;
  LatentPairs pairs;  // of a latent predictor, in place of images
};

Data MakeData(const Config& config, const StepOptions& options) {
  Data data;
  if (config.TrainsLatentPredictor()) {
    const int size = static_cast<int>(BuildNetworks(config)[0].output_shape().Elems());
    data.pairs = SyntheticPairs(options.images, size);
  } else if (!options.data_dir.empty()) {
    data.images = LoadDataset(config.data, options.data_dir);
  } else {
    std::vector<int> digits = config.data.digits;
    if (digits.empty()) digits = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    data.images = SyntheticData(options.images, digits);
  }
  return data;
}

}  // namespace

StepRunner::StepRunner(const StepOptions& options) : device_(options.device) {
  const Config config = Load(options);
  auto begin = Clock::now();
  Json seconds;
  const auto lap = [&](const char* what) {
    seconds[what] = SecondsSince(begin);
    begin = Clock::now();
  };
  engine_ = MakeEngine(options.device);
  lap("engine");
  const Data data = MakeData(config, options);
  lap("data");
  session_ = config.TrainsLatentPredictor()
                 ? std::make_unique<Session>(config, data.pairs, *engine_)
                 : std::make_unique<Session>(config, data.images, *engine_);
  lap("compile");  // and what hands the data over
  session_->Initialise();
  session_->Step(step_++);
  session_->executable().Sync();
  lap("first_step");
  if (options.warm_up_steps > 1) Run(1, options.warm_up_steps - 1);
  about_ = {{"ready", engine_->capabilities().description},
            {"batch", session_->BatchOf(0)},
            {"losses", Losses(options.warm_up_steps)},
            {"seconds", seconds}};
}

std::vector<double> StepRunner::Run(int chunks, int steps) {
  std::vector<double> times;
  for (int i = 0; i < chunks; ++i) {
    const auto begin = Clock::now();
    session_->Run(step_, steps);
    session_->executable().Sync();
    times.push_back(SecondsSince(begin) * 1e3 / steps);
    step_ += steps;
  }
  return times;
}

Json StepRunner::Losses(int steps) {
  const std::vector<float> ring = session_->Metrics();
  Json losses = Json::array();
  for (int64_t step = 0; step < steps; ++step) {
    Json row;
    for (const Metric metric : session_->MetricsOf(step)) {
      const auto m = static_cast<size_t>(metric);
      const float value = ring[static_cast<size_t>(step) * kMetricCount + m];
      if (metric == Metric::kDLoss) row["d_loss"] = value;
      if (metric == Metric::kGLoss) row["g_loss"] = value;
      if (metric == Metric::kLoss) row["loss"] = value;
    }
    losses.push_back(row);
  }
  return losses;
}

Json StepRunner::Profile(int steps) {
  Executable& executable = session_->executable();
  executable.SetProfiling(true);
  Run(1, steps);
  Json nodes = Json::array();
  for (const StepNode& node : NodesThatRan(session_->plan(), executable)) {
    Json row = Describe(session_->plan(), node);
    row["ms"] = node.seconds * 1e3 / static_cast<double>(node.runs);
    row["per_step"] = static_cast<double>(node.runs) / steps;
    nodes.push_back(row);
  }
  executable.SetProfiling(false);
  return nodes;
}

Json StepRunner::Alone(int runs) {
  Executable& executable = session_->executable();
  executable.SetProfiling(true);
  Run(1, session_->config().training.discriminator_steps);  // every phase that a step may have
  const std::vector<StepNode> nodes = NodesThatRan(session_->plan(), executable);
  executable.SetProfiling(false);
  // With as many threads as the whole step has: the CPU engine would choose anew.
  const auto of_step = MakeEngine(device_, {.threads = session_->threads()});
  NodesAlone alone(session_->plan(), executable, *of_step, nodes);
  Json rows = Json::array();
  for (size_t i = 0; i < nodes.size(); ++i) {
    const AloneTimes times = alone.Time(i, runs);
    Json row = Describe(session_->plan(), nodes[i]);
    row["warm_ms"] = times.warm_ms;
    row["cold_ms"] = times.cold_ms;
    rows.push_back(row);
  }
  return rows;
}

}  // namespace numeral::bench
