#include <fmt/format.h>

#include <algorithm>

#include "report/comparison.h"
#include "report/report.h"
#include "report/spread.h"
#include "train/replicas.h"
#include "util/error.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

std::string StateOf(const ReplicaEnd& end) {
  if (!end.error.empty()) return "failed";
  if (!end.result) return "not begun";
  switch (*end.result) {
    case TrainResult::kFinished:
      return "finished";
    case TrainResult::kConverged:
      return "converged";
    case TrainResult::kStoppedAtMaxSteps:
      return "stopped";
    case TrainResult::kInterrupted:
      return "interrupted";
  }
  Fail("internal error: unknown end of a run");
}

// What a run's last epoch measured.
Json FiguresOf(const RunRecord& run) {
  Json json = Json::object();
  for (const std::string& key : run.MeasuredKeys()) {
    if (const auto value = run.Last(key)) json[key] = *value;
  }
  return json;
}

Json Rates(const ReplicasResult& result, const std::vector<MetricSpread>& spreads) {
  const double together =
      result.seconds > 0 ? static_cast<double>(result.images) / result.seconds : 0;
  Json json{{"together", together}, {"each", Json()}};
  for (const MetricSpread& spread : spreads) {
    if (spread.key == "images_per_second") json["each"] = spread.mean;
  }
  return json;
}

}  // namespace

std::string SummariseReplicas(const std::vector<Replica>& replicas, const fs::path& group,
                              const ReplicasResult& result) {
  std::vector<RunRecord> runs;
  Json rows = Json::array();
  for (size_t i = 0; i < replicas.size(); ++i) {
    const ReplicaEnd& end = result.ends[i];
    Json& row = rows.emplace_back(Json{{"run", replicas[i].name}, {"state", StateOf(end)}});
    if (!end.error.empty()) row["error"] = end.error;
    if (!end.result) continue;
    runs.push_back(ReadRun(group / replicas[i].name));
    row["figures"] = FiguresOf(runs.back());
  }
  const std::vector<MetricSpread> spreads = SpreadsOf(runs);
  const Json summary{{"engine", result.engine},
                     {"threads", result.threads},
                     {"at_once", result.at_once},
                     {"seconds", result.seconds},
                     {"images_per_second", Rates(result, spreads)},
                     {"figures", SpreadsJson(spreads)},
                     {"runs", rows}};
  WriteFileAtomically(group / "summary.json",
                      summary.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  if (runs.empty()) return "";
  WriteComparison(runs, -1, group / "comparison.html", [](const std::string&) {});
  return SpreadTable(runs);
}

}  // namespace numeral
