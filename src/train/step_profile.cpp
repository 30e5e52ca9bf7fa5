#include "train/step_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace numeral {
namespace {

constexpr size_t kRows = 20;

struct Row {
  std::string text;
  double seconds = 0;
  int64_t runs = 0;
};

// The most expensive ops first.
std::vector<Row> Rows(const Plan& plan, const std::vector<OpTime>& times) {
  std::vector<Row> rows;
  for (const OpTime& time : times) {
    if (time.runs == 0) continue;
    const auto& [op, label] =
        plan.phases[static_cast<size_t>(time.phase)].ops[static_cast<size_t>(time.op)];
    rows.push_back(
        {fmt::format("{} ({}) {}", OpName(op), label, Attributes(op)), time.seconds, time.runs});
  }
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return a.seconds > b.seconds; });
  return rows;
}

}  // namespace

int64_t StepProfile::NextEdge(int64_t step) const {
  if (end_ > first_ && step < first_) return first_;
  if (end_ > first_ && step < end_) return end_;
  return std::numeric_limits<int64_t>::max();
}

void StepProfile::BeforeStep(int64_t step) {
  if (end_ == first_ || step != first_) return;
  recording_ = true;
  attached_ = session_.executable().RecordForProfiler(true);
  if (!attached_) session_.executable().SetProfiling(true);
}

void StepProfile::AfterSteps(int64_t step, const std::function<void(const std::string&)>& print) {
  if (!recording_ || step < end_) return;
  recording_ = false;
  const int64_t count = end_ - first_;
  if (attached_) {
    session_.executable().RecordForProfiler(false);
    return print(fmt::format("steps {} to {} were shown to the profiler", first_, end_ - 1));
  }
  const std::vector<Row> rows = Rows(session_.plan(), session_.executable().OpTimes());
  session_.executable().SetProfiling(false);
  double total = 0;
  for (const Row& row : rows) total += row.seconds;
  print(fmt::format("steps {} to {}: {:.3f} ms each, op by op", first_, end_ - 1,
                    1000 * total / static_cast<double>(count)));
  for (size_t i = 0; i < std::min(rows.size(), kRows); ++i) {
    print(fmt::format("{:9.3f} ms {:5.1f}%  {}",
                      1000 * rows[i].seconds / static_cast<double>(count),
                      100 * rows[i].seconds / total, rows[i].text));
  }
}

}  // namespace numeral
