// What is known of each figure of a run: its name for people, which way is better, how it is
// written.
//
// Owns: the order in which figures are shown. Keys are those of metrics.jsonl and evaluation.json.
// A key that nobody entered here is shown under its own name. Called by pages and pictures.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace numeral {

enum class Better { kLower, kHigher, kUnordered };

struct MetricInfo {
  std::string key, label;
  Better better = Better::kUnordered;
  int digits = 4;        // after the point
  bool percent = false;  // a share, shown as 100 times as much
};

const std::vector<MetricInfo>& KnownMetrics();
MetricInfo InfoOf(std::string_view key);

// "8.25", "99.19%", "1,018".
std::string FormatMetric(const MetricInfo& info, double value);
// "lower", "higher" or nothing.
const char* NameOf(Better better);
// Whether `a` is the better one; false where the metric has no order.
bool IsBetter(const MetricInfo& info, double a, double b);

}  // namespace numeral
