// Several runs on one page: a table that sorts, curves over each other, last samples, and where the
// configs differ.
//
// A run's figures stand in two groups that are never mixed: those of `evaluate` on test images, and
// those of the run's last epoch, measured while it trained. Called by `report`.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/metric_info.h"
#include "report/run_page.h"

namespace numeral {

inline constexpr const char* kLastEpochGroup = "last epoch";

// One figure of all runs; at least one has it.
struct ComparedMetric {
  std::string group;  // "evaluation", "last epoch"
  MetricInfo info;
  std::vector<std::optional<double>> values;  // [run]
};
std::vector<ComparedMetric> ComparedMetrics(std::span<const RunRecord> runs);

// The best ones first, those without the figure last. The evaluation's figure counts where any run
// has one, else the last epoch's. Returns which of ComparedMetrics it was. Without a name FID-C,
// where there is one, and -1 where there is none: the order stays.
// Throws Error(kBadInput) naming the nearest metric where no run has this one.
int SortRuns(const std::string& metric, std::vector<RunRecord>& runs);

// Where two of the runs have the same label, they take their paths instead.
void TellApart(std::vector<RunRecord>& runs);

struct ComparisonPictures {
  std::string curves_svg;                                   // empty where there are none
  std::vector<std::optional<EmbeddedSample>> last_samples;  // [run]
};
// `sorted_by` is SortRuns' result.
std::string ComparisonPage(std::span<const RunRecord> runs, int sorted_by,
                           const ComparisonPictures& pictures);

}  // namespace numeral
