// A run in memory: config, graphs, plan and executable, and what a checkpoint keeps of it.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/spec.h"
#include "data/dataset.h"
#include "engine/engine.h"
#include "graph/graph.h"
#include "inference/generator.h"
#include "plan/compile.h"
#include "train/epoch_metrics.h"
#include "train/latent_pairs.h"

namespace numeral {

// The best evaluation of a generator so far, and how far a run is. Everything else that resuming
// needs is in the executable's persistent tensors.
struct BestEvaluation {
  int epoch = 0;  // 0: none yet
  double value = 0;
  int64_t since = 0;  // evaluations after it
};
struct RunPosition {
  int64_t step = 0;           // steps done
  double seconds = 0;         // of training
  EpochMetrics metrics;       // of the epoch that is under way
  int64_t metrics_bytes = 0;  // of metrics.jsonl
  BestEvaluation best;
};

// Throws Error(kBadInput) where the engine does not have the config's precision.
void CheckPrecision(const Config& config, const Engine& engine);

// The networks that a config trains, in the order of Config::Networks().
std::vector<Graph> BuildNetworks(const Config& config);
// How the plan of a config's training on `data_count` images is compiled for an engine.
PlanOptions RunPlanOptions(const Config& config, const Capabilities& capabilities,
                           int64_t data_count);
// The plan of their training.
Plan CompileRun(const Config& config, const std::vector<Graph>& networks,
                const PlanOptions& options);

class Session {
 public:
  // Compiles the run for `engine` and loads the data into it, unless another session of the same
  // data shares it. Weights are zero until Initialise or Restore.
  Session(const Config& config, const Dataset& data, Engine& engine, bool fuse = true,
          std::shared_ptr<DataMemory> shared = nullptr);
  // The same of a latent predictor.
  Session(const Config& config, const LatentPairs& pairs, Engine& engine, bool fuse = true);

  void Initialise();

  // Writes the whole state to a file that appears whole or not at all; reads it back. Restore
  // throws Error(kBadInput) where the file is not a checkpoint of this very config and number of
  // images, or of these very pairs (output settings may differ, and the number of epochs where no
  // schedule depends on it; where the generator is measured in another way, there is no best one
  // yet).
  void Save(const std::filesystem::path& path, const RunPosition& position);
  RunPosition Restore(const std::filesystem::path& path);

  // The weights of a network as others read them: the averaged ones where EMA is on.
  NetworkDescription Describe(const Graph& network) const;
  NetworkValues Values(const Graph& network);
  void SaveNetwork(const Graph& network, const std::filesystem::path& path);

  // Runs the steps `first` .. `first + count - 1` (0-based). May return before they are done.
  void Run(int64_t first, int64_t count);
  void Step(int64_t step) { Run(step, 1); }
  // The metrics of the last kMetricsRing steps; in two halves as Executable::StartRead and
  // FinishRead do it; and which of them `step` measured.
  std::vector<float> Metrics();
  void StartMetrics();
  std::vector<float> FinishMetrics();
  std::vector<Metric> MetricsOf(int64_t step) const;

  // D's accuracies {real, fake} on 100 images each, drawn for the steps done so far. Only where
  // output.accuracy_every is set, else the plan has no such phase.
  std::array<double, 2> CheckAccuracy();

  // The generator's images [count][28][28] as pixels.
  std::vector<uint8_t> Sample(const GeneratorInputs& inputs);

  const Config& config() const { return config_; }
  Engine& engine() { return engine_; }
  // Of the processor, in a training step; 0 where that is no question.
  int threads() const { return engine_.ThreadsFor(*plan_); }
  // What is trained, in the order of Config::Networks().
  const std::vector<Graph>& networks() const { return networks_; }
  const Plan& plan() const { return *plan_; }
  Executable& executable() { return *executable_; }
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  int64_t total_steps() const { return steps_per_epoch_ * config_.training.epochs; }
  int BatchOf(int64_t step) const { return BatchOfStep(config_, data_count_, step); }

 private:
  // The phases that make up a step, in order.
  std::vector<int> PhasesOf(int64_t step) const;
  // All but the data.
  Session(const Config& config, int64_t data_count, Engine& engine, bool fuse,
          std::shared_ptr<DataMemory> shared);

  void PrepareWeights();
  // The first network's weights may have an average: all but a discriminator's.
  bool Averages(const Graph& network) const {
    return config_.training.ema_decay > 0 && &network == &networks_[0];
  }

  Config config_;
  Engine& engine_;
  int64_t data_count_;
  std::string pairs_fingerprint_;  // empty for images
  int64_t steps_per_epoch_;
  std::vector<Graph> networks_;
  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<Executable> executable_;
  int sample_rows_;
};

}  // namespace numeral
