// Means of a running epoch and the line they make in metrics.jsonl.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "metrics/evaluation.h"
#include "plan/ops.h"

namespace numeral {

// Sums over the steps of one epoch; plain data, so that a checkpoint in mid-epoch can keep it.
struct EpochMetrics {
  std::array<double, kMetricCount> sums{};
  std::array<int64_t, kMetricCount> counts{};

  void Add(Metric metric, double value) {
    sums[static_cast<size_t>(metric)] += value;
    ++counts[static_cast<size_t>(metric)];
  }
  // Nothing where the metric was not measured in this epoch.
  std::optional<double> Mean(Metric metric) const {
    const auto i = static_cast<size_t>(metric);
    if (counts[i] == 0) return std::nullopt;
    return sums[i] / static_cast<double>(counts[i]);
  }
};

// One line of metrics.jsonl. Losses and accuracies are means over the epoch's steps, in training
// mode; the checked ones are of D in inference mode on 100 images of each kind.
struct MetricsLine {
  int epoch = 0;
  int64_t step = 0;
  double seconds = 0;  // of training since the run began, interruptions left out
  double images_per_second = 0;
  EpochMetrics metrics;
  std::optional<double> checked_accuracy_real, checked_accuracy_fake;
  std::optional<Quality> quality;       // of the generator after the epoch
  std::optional<double> test_accuracy;  // of a classifier, at the end of its run
};
std::string ToJsonLine(const MetricsLine& line);

// "S1 0.40%, FID-C 8.1, precision 0.91, recall 0.60, coverage 0.74".
std::string ToText(const Quality& quality);

}  // namespace numeral
