// A config's training steps on made data, timed. Called by the server in train_step.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/op_times.h"
#include "config/parse.h"
#include "train/session.h"

namespace numeral::bench {

struct StepOptions {
  std::string config, device = "cpu";
  std::vector<std::string> sets;  // POINTER=JSON
  std::string data_dir;           // of a real data set; without one, images are made
  int images = 4096;              // of those that are made
  int warm_up_steps = 3;
};

class StepRunner {
 public:
  // Runs the steps that warm up.
  explicit StepRunner(const StepOptions& options);

  // {"ready": the engine, "batch", "losses": those of the first steps, "seconds": what the
  // constructor did, by what it was: "engine", "data", "compile", "first_step"}.
  const Json& about() const { return about_; }
  // Milliseconds per step of each of `chunks` chunks of that many steps. Nothing waits within one.
  std::vector<double> Run(int chunks, int steps);
  // Every node of a step (op_times.h) over so many steps.
  Json Profile(int steps);
  // The same with the times of nodes run alone, medians of so many runs.
  Json Alone(int runs);

 private:
  Json Losses(int steps);

  Json about_;
  std::string device_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> session_;
  int64_t step_ = 0;
};

}  // namespace numeral::bench
