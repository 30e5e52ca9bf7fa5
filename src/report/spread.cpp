#include "report/spread.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/comparison.h"

namespace numeral {
namespace {

constexpr size_t kColumns = 6;  // of figures, in a block

std::vector<ComparedMetric> FiguresOf(std::span<const RunRecord> runs) {
  std::vector<ComparedMetric> metrics = ComparedMetrics(runs);
  std::erase_if(metrics, [](const ComparedMetric& m) { return m.group != kLastEpochGroup; });
  return metrics;
}

MetricSpread SpreadOf(const ComparedMetric& metric) {
  std::vector<double> values;
  for (const auto& value : metric.values) {
    if (value) values.push_back(*value);
  }
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  MetricSpread spread{.key = metric.info.key,
                      .count = static_cast<int64_t>(values.size()),
                      .least = *least,
                      .most = *most,
                      .deviation = {}};
  const auto count = static_cast<double>(values.size());
  for (const double value : values) spread.mean += value / count;
  if (values.size() < 2) return spread;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.deviation = std::sqrt(squares / (count - 1));
  return spread;
}

// One line: a name, and what every column has to say.
template <typename Cell>
std::string Row(const std::string& name, size_t name_width, const std::vector<size_t>& widths,
                const Cell& cell) {
  std::string row = fmt::format("{:<{}}", name, name_width);
  for (size_t i = 0; i < widths.size(); ++i) row += fmt::format("  {:>{}}", cell(i), widths[i]);
  return row + "\n";
}

std::string Block(std::span<const RunRecord> runs, std::span<const ComparedMetric> metrics) {
  size_t name_width = std::string_view("deviation").size();
  for (const RunRecord& run : runs) name_width = std::max(name_width, run.label.size());
  std::vector<size_t> widths;
  for (const ComparedMetric& metric : metrics) {
    widths.push_back(std::max<size_t>(metric.info.key.size(), 9));
  }
  const auto shown = [&](size_t i, const std::optional<double>& value) {
    return value ? FormatMetric(metrics[i].info, *value) : std::string("-");
  };
  std::string block = Row("", name_width, widths, [&](size_t i) { return metrics[i].info.key; });
  for (size_t r = 0; r < runs.size(); ++r) {
    block += Row(runs[r].label, name_width, widths,
                 [&](size_t i) { return shown(i, metrics[i].values[r]); });
  }
  const auto together = [&](const char* name, const auto& part) {
    block += Row(name, name_width, widths,
                 [&](size_t i) { return shown(i, part(SpreadOf(metrics[i]))); });
  };
  using Value = std::optional<double>;
  together("mean", [](const MetricSpread& s) -> Value { return s.mean; });
  together("deviation", [](const MetricSpread& s) -> Value { return s.deviation; });
  together("least", [](const MetricSpread& s) -> Value { return s.least; });
  together("most", [](const MetricSpread& s) -> Value { return s.most; });
  return block;
}

}  // namespace

std::vector<MetricSpread> SpreadsOf(std::span<const RunRecord> runs) {
  std::vector<MetricSpread> spreads;
  for (const ComparedMetric& metric : FiguresOf(runs)) spreads.push_back(SpreadOf(metric));
  return spreads;
}

Json SpreadsJson(const std::vector<MetricSpread>& spreads) {
  Json json = Json::object();
  for (const MetricSpread& spread : spreads) {
    Json& entry = json[spread.key];
    entry["mean"] = spread.mean;
    entry["deviation"] = spread.deviation ? Json(*spread.deviation) : Json();
    entry["least"] = spread.least;
    entry["most"] = spread.most;
    entry["count"] = spread.count;
  }
  return json;
}

std::string SpreadTable(std::span<const RunRecord> runs) {
  const std::vector<ComparedMetric> metrics = FiguresOf(runs);
  std::string table;
  for (size_t first = 0; first < metrics.size(); first += kColumns) {
    const std::span<const ComparedMetric> all(metrics);
    table += (first == 0 ? "" : "\n") +
             Block(runs, all.subspan(first, std::min(kColumns, metrics.size() - first)));
  }
  return table;
}

}  // namespace numeral
