// Every figure of several runs' last epochs together: how far they lie apart.
//
// Called where runs differ in nothing but chance, such as their seeds.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/run_record.h"

namespace numeral {

// Of the runs that have the figure; there is one at least.
struct MetricSpread {
  std::string key;
  int64_t count = 0;
  double mean = 0, least = 0, most = 0;
  std::optional<double> deviation;  // of a sample: divided by count - 1; of two or more
};
std::vector<MetricSpread> SpreadsOf(std::span<const RunRecord> runs);

// {"s1": {"mean": ..., "deviation": ..., "least": ..., "most": ..., "count": 3}, ...}
Json SpreadsJson(const std::vector<MetricSpread>& spreads);

// For people: a row for each run and for what they have together, a column for each figure, in
// blocks that fit a terminal.
std::string SpreadTable(std::span<const RunRecord> runs);

}  // namespace numeral
