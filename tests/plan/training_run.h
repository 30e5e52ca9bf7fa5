// A small training run on the reference engine, in double: the plan of a config, its state filled
// with drawn values, and single steps from that state.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plan/compile.h"
#include "tests/reference/engine.h"

namespace numeral {

// A config from JSON text: layers of both networks and the "training" section.
struct SmallConfig {
  std::string name;
  std::string generator, discriminator;  // the objects under "networks"
  std::string training;
};

class TrainingRun {
 public:
  static constexpr int64_t kImages = 11;

  // Learning rates are replaced by `learning_rate`; 0 keeps the parameters where they are.
  TrainingRun(const SmallConfig& small, const PlanOptions& options, double learning_rate);

  // Back to the state after construction.
  void Reset();
  // One whole step of full batches, with the generator's half.
  void Step();

  const Plan& plan() const { return *plan_; }
  const Graph& graph(const std::string& network) const {
    return network == "generator" ? generator_ : discriminator_;
  }
  std::vector<double> Read(const std::string& tensor) const;
  void Write(const std::string& tensor, const std::vector<double>& values);
  // Of the step that ran last.
  double MetricValue(Metric metric) const;

 private:
  void FillData();

  Config config_;
  Graph generator_, discriminator_;
  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<reference::ReferenceExecutable> executable_;
  std::map<TensorId, std::vector<double>> start_;  // of every persistent f32 base
};

}  // namespace numeral
