#include "report/curves.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/metric_info.h"

namespace numeral {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

struct PanelKeys {
  const char* title;
  std::vector<std::pair<const char*, const char*>> curves;  // key, label
};

const std::vector<PanelKeys>& Panels() {
  static const std::vector<PanelKeys> panels = {
      {"loss", {{"d_loss", "discriminator"}, {"g_loss", "generator"}, {"loss", "loss"}}},
      {"accuracy, %",
       {{"accuracy", "training images"},
        {"test_accuracy", "test images"},
        {"d_accuracy_real", "real"},
        {"d_accuracy_fake", "generated"},
        {"checked_accuracy_real", "real, checked"},
        {"checked_accuracy_fake", "generated, checked"}}},
      {"S1: wrong digits, %", {{"s1", "S1"}}},
      {"FID-C", {{"fid_c", "FID-C"}}},
      {"neighbourhoods",
       {{"precision", "precision"},
        {"recall", "recall"},
        {"density", "density"},
        {"coverage", "coverage"}}},
      {"class KL", {{"kl", "class KL"}}},
  };
  return panels;
}

// The usual distance of neighbours: the upper median.
double UsualStep(const std::vector<std::pair<double, double>>& points) {
  std::vector<double> steps;
  for (size_t i = 1; i < points.size(); ++i) steps.push_back(points[i].first - points[i - 1].first);
  if (steps.empty()) return 0;
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

Curve CurveOf(const RunRecord& run, const std::string& key, const std::string& label) {
  Curve curve{label, {}};
  const double factor = InfoOf(key).percent ? 100 : 1;
  for (const EpochRecord& epoch : run.epochs) {
    if (const auto value = epoch.Value(key)) {
      curve.points.emplace_back(static_cast<double>(epoch.epoch), factor * *value);
    }
  }
  const double usual = UsualStep(curve.points);
  for (size_t i = curve.points.size(); i-- > 1;) {
    const double before = curve.points[i - 1].first;
    if (curve.points[i].first - before <= usual) continue;
    curve.points.insert(curve.points.begin() + static_cast<std::ptrdiff_t>(i),
                        {before + usual, kNothing});
  }
  return curve;
}

}  // namespace

Figure CurvesOf(const RunRecord& run) {
  Figure figure;
  for (const PanelKeys& keys : Panels()) {
    Panel panel{keys.title, {}};
    for (const auto& [key, label] : keys.curves) {
      Curve curve = CurveOf(run, key, label);
      if (!curve.points.empty()) panel.curves.push_back(std::move(curve));
    }
    if (!panel.curves.empty()) figure.panels.push_back(std::move(panel));
  }
  return figure;
}

Figure CurvesOf(std::span<const RunRecord> runs) {
  Figure figure;
  for (const RunRecord& run : runs) figure.shared_names.push_back(run.label);
  for (const MetricInfo& info : KnownMetrics()) {
    Panel panel{info.label + (info.percent ? ", %" : ""), {}};
    bool any = false;
    for (const RunRecord& run : runs) {
      panel.curves.push_back(CurveOf(run, info.key, run.label));
      any = any || !panel.curves.back().points.empty();
    }
    if (any && info.key != "images_per_second") figure.panels.push_back(std::move(panel));
  }
  return figure;
}

}  // namespace numeral
