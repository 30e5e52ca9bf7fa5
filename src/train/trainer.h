// The training loop: steps, metrics, sample pictures, checkpoints, interruption.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "report/run_facts.h"
#include "train/quality.h"
#include "train/run_folder.h"
#include "train/session.h"
#include "util/progress.h"

namespace numeral {

struct TrainOptions {
  int64_t max_steps = 0;  // stop after this many steps of the run; 0: at its end
  bool resume = false;
  bool quiet = false;
  // Steps first .. first + count - 1 of the run, for the eyes of a profiler (step_profile.h).
  int64_t profile_first = 0, profile_count = 0;
  QualityMonitor* quality = nullptr;  // evaluates the generator as the config says
  const Dataset* held_out = nullptr;  // what a classifier is tested on at the end
  // With it, run.json is written at the start, and report/report.h's files at the end; the loop
  // fills in the engine, its threads and the steps.
  std::optional<RunFacts> report = std::nullopt;
  // Where lines go; standard error if nothing is said.
  std::optional<ProgressOutput> output = std::nullopt;
  // Told how far the run is, and how many images were trained on since Train was called: at the
  // start and whenever steps have been handed over.
  std::function<void(int64_t step, int64_t images)> on_steps = nullptr;
};

// kConverged: the config's patience ran out.
enum class TrainResult { kFinished, kConverged, kStoppedAtMaxSteps, kInterrupted };

// Trains `session` into `folder`. On SIGINT or SIGTERM it finishes the step, saves and returns
// kInterrupted. A loss that is not finite ends it with Error(kFailure) naming the step, before
// anything of that step is saved.
TrainResult Train(Session& session, const RunFolder& folder, const TrainOptions& options);

}  // namespace numeral
