#include "report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "config/nearest.h"
#include "report/config_differences.h"
#include "report/evaluation_part.h"
#include "report/figure.h"
#include "report/page_parts.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr const char* kEvaluation = "evaluation";

bool Any(const std::vector<std::optional<double>>& values) {
  return std::any_of(values.begin(), values.end(), [](const auto& v) { return v.has_value(); });
}

// The metric's place in the list, or -1.
int Find(const std::string& key, const std::vector<ComparedMetric>& metrics) {
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [&](const ComparedMetric& m) { return m.info.key == key; });
  return found == metrics.end() ? -1 : static_cast<int>(found - metrics.begin());
}

int Choose(const std::string& key, const std::vector<ComparedMetric>& metrics) {
  const int found = Find(key.empty() ? "fid_c" : key, metrics);
  if (found >= 0 || key.empty()) return found;
  std::vector<std::string> known;
  for (const ComparedMetric& metric : metrics) known.push_back(metric.info.key);
  BadInput("--sort {}: none of these runs measured it{}", key, Suggest(key, known));
}

}  // namespace

std::vector<ComparedMetric> ComparedMetrics(std::span<const RunRecord> runs) {
  std::vector<ComparedMetric> metrics;
  const auto add = [&](const char* group, const MetricInfo& info, auto&& value_of) {
    ComparedMetric metric{group, info, {}};
    for (const RunRecord& run : runs) metric.values.push_back(value_of(run));
    if (Any(metric.values)) metrics.push_back(std::move(metric));
  };
  for (const auto& [key, pointer] : EvaluatedMetrics()) {
    if (InfoOf(key).better == Better::kUnordered) continue;
    add(kEvaluation, InfoOf(key),
        [&, place = pointer](const RunRecord& run) { return NumberAt(run.evaluation, place); });
  }
  std::vector<std::string> keys;
  for (const RunRecord& run : runs) {
    for (const std::string& key : run.MeasuredKeys()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  for (const std::string& key : keys) {
    add(kLastEpochGroup, InfoOf(key), [&](const RunRecord& run) { return run.Last(key); });
  }
  add(kLastEpochGroup,
      {.key = "seconds", .label = "seconds", .better = Better::kLower, .digits = 0},
      [](const RunRecord& run) { return run.Last("seconds"); });
  return metrics;
}

int SortRuns(const std::string& metric, std::vector<RunRecord>& runs) {
  const std::vector<ComparedMetric> metrics = ComparedMetrics(runs);
  const int chosen = Choose(metric, metrics);
  if (chosen < 0) return chosen;
  const auto& [group, info, values] = metrics[static_cast<size_t>(chosen)];
  std::vector<size_t> order(runs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&, &v = values, &i = info](size_t a, size_t b) {
    if (!v[a] || !v[b]) return v[a].has_value() && !v[b].has_value();
    return i.better == Better::kHigher ? *v[a] > *v[b] : *v[a] < *v[b];
  });
  std::vector<RunRecord> sorted;
  for (const size_t run : order) sorted.push_back(std::move(runs[run]));
  runs = std::move(sorted);
  return chosen;
}

void TellApart(std::vector<RunRecord>& runs) {
  std::map<std::string, int> times;
  for (const RunRecord& run : runs) ++times[run.label];
  for (RunRecord& run : runs) {
    if (times[run.label] > 1) run.label = run.dir.lexically_normal().string();
  }
}

// ---- the page -----------------------------------------------------------------------------------

namespace {

std::string SortHeader(const std::string& name, const MetricInfo& info, bool numbers,
                       const char* sorted) {
  return fmt::format(
      "<th scope=\"col\" data-column=\"{}\" data-better=\"{}\"{}{}>"
      "<button type=\"button\">{}</button></th>",
      Escaped(info.key), NameOf(info.better), numbers ? " class=\"number\"" : "",
      sorted == nullptr ? "" : fmt::format(" aria-sort=\"{}\"", sorted), Escaped(name));
}

// One header over all columns of a group.
std::string GroupRow(const std::vector<ComparedMetric>& metrics) {
  std::string html = "<tr><th class=\"group\"></th>";
  for (size_t first = 0, end = 0; first < metrics.size(); first = end) {
    while (end < metrics.size() && metrics[end].group == metrics[first].group) ++end;
    html += fmt::format("<th class=\"group\" colspan=\"{}\">{}</th>", end - first,
                        Escaped(metrics[first].group));
  }
  return html + "</tr>\n";
}

std::optional<double> BestOf(const ComparedMetric& metric) {
  std::optional<double> best;
  if (metric.info.better == Better::kUnordered) return best;
  for (const auto& value : metric.values) {
    if (value && (!best || IsBetter(metric.info, *value, *best))) best = value;
  }
  return best;
}

std::string RunsTable(std::span<const RunRecord> runs, int sorted_by) {
  const std::vector<ComparedMetric> metrics = ComparedMetrics(runs);
  std::string html = "<div class=\"scroll\"><table class=\"sortable\">\n<thead>\n" +
                     GroupRow(metrics) + "<tr>" + SortHeader("run", {}, false, nullptr);
  for (size_t m = 0; m < metrics.size(); ++m) {
    const MetricInfo& info = metrics[m].info;
    const char* direction = info.better == Better::kHigher ? "descending" : "ascending";
    html +=
        SortHeader(info.label, info, true, static_cast<int>(m) == sorted_by ? direction : nullptr);
  }
  html += "</tr>\n</thead>\n<tbody>\n";
  for (size_t r = 0; r < runs.size(); ++r) {
    html += fmt::format(
        "<tr><th scope=\"row\" data-value=\"{0}\"><span class=\"chip\" "
        "style=\"background:{1}\"></span>{0}</th>",
        Escaped(runs[r].label), CurveColor(r));
    for (const ComparedMetric& metric : metrics) {
      const auto best = BestOf(metric);
      html += NumberCell(metric.info, metric.values[r], best && metric.values[r] == best);
    }
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

std::string Samples(std::span<const RunRecord> runs, const ComparisonPictures& pictures) {
  std::string html;
  for (size_t r = 0; r < runs.size(); ++r) {
    if (const auto& sample = pictures.last_samples[r]) {
      html += Picture("", DataUri("image/png", sample->png), "samples of " + runs[r].label,
                      fmt::format("{}, epoch {}", runs[r].label, sample->epoch));
    }
  }
  return html.empty() ? ""
                      : "<section id=\"samples\">\n<h2>Last samples</h2>\n"
                        "<div class=\"pictures\">\n" +
                            html + "</div>\n</section>\n";
}

std::string Differences(std::span<const RunRecord> runs) {
  std::vector<Column> columns{{"setting"}};
  for (const RunRecord& run : runs) columns.push_back({run.label});
  std::vector<std::string> rows;
  for (const auto& [place, values] : DifferencesOf(runs)) {
    std::string row = TextCell(place);
    for (const auto& value : values) row += TextCell(value.value_or("–"));
    rows.push_back(row);
  }
  return "<section id=\"differences\">\n<h2>Where the configs differ</h2>\n" +
         (rows.empty() ? Element("p", "", "Nowhere.") : Table(columns, rows)) + "</section>\n";
}

}  // namespace

std::string ComparisonPage(std::span<const RunRecord> runs, int sorted_by,
                           const ComparisonPictures& pictures) {
  const std::string title = fmt::format("{} runs", runs.size());
  std::string body = "<header>\n" + Element("h1", "", title) +
                     Element("p", "soft",
                             "Figures under “evaluation” are those of evaluate, on images "
                             "that took no part in training; the others were measured while the "
                             "run trained. A click on a column sorts by it.") +
                     "</header>\n<section id=\"runs\">\n" + RunsTable(runs, sorted_by) +
                     "</section>\n";
  if (!pictures.curves_svg.empty()) {
    body += "<section>\n<h2>Curves</h2>\n" +
            Picture("curves", DataUri("image/svg+xml", pictures.curves_svg),
                    "metrics of all runs over the epochs") +
            "</section>\n";
  }
  return Document(title, body + Samples(runs, pictures) + Differences(runs));
}

}  // namespace numeral
