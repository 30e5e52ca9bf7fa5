// A config of tests/golden in training, compared with PyTorch's numbers by Catch assertions.
#pragma once

#include <filesystem>
#include <vector>

#include "config/parse.h"
#include "train/session.h"

namespace numeral {

// All goldens, in the order of their names.
std::vector<std::filesystem::path> GoldenFiles();

class GoldenRun {
 public:
  static constexpr int64_t kSteps = 10;

  // Initialised. With a precision, in that one instead of fp32.
  GoldenRun(const std::filesystem::path& path, Engine& engine, bool fuse = true,
            Precision precision = Precision::kFp32);

  Session& session() { return session_; }

  void CheckInitial();
  // Runs all steps, and compares losses, accuracies and the first gradients.
  void CheckSteps();
  void CheckWeights();

 private:
  void CheckNetworks(const std::string& key, double atol, double scaled);
  int64_t FirstUpdate(const Graph& graph) const;
  void CheckMetrics(int64_t step);
  void CheckGradients(const Graph& graph);

  Json golden_;
  Config config_;
  Session session_;
};

}  // namespace numeral
