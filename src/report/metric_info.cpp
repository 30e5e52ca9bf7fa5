#include "report/metric_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "util/progress.h"

namespace numeral {

const std::vector<MetricInfo>& KnownMetrics() {
  using enum Better;
  static const std::vector<MetricInfo> metrics = {
      {"d_loss", "discriminator's loss", kUnordered, 4, false},
      {"g_loss", "generator's loss", kUnordered, 4, false},
      {"loss", "loss", kLower, 4, false},
      {"accuracy", "accuracy in training", kHigher, 2, true},
      {"test_accuracy", "accuracy on test images", kHigher, 2, true},
      {"d_accuracy_real", "D right on real", kUnordered, 1, true},
      {"d_accuracy_fake", "D right on generated", kUnordered, 1, true},
      {"checked_accuracy_real", "D right on real, checked", kUnordered, 0, true},
      {"checked_accuracy_fake", "D right on generated, checked", kUnordered, 0, true},
      {"s1", "S1", kLower, 2, true},
      {"fid_c", "FID-C", kLower, 2, false},
      {"rfid", "rFID", kLower, 4, false},
      {"precision", "precision", kHigher, 3, false},
      {"recall", "recall", kHigher, 3, false},
      {"density", "density", kHigher, 3, false},
      {"coverage", "coverage", kHigher, 3, false},
      {"cas", "CAS", kHigher, 2, true},
      {"variance_ratio", "feature variance", kUnordered, 3, false},
      {"kl", "class KL", kLower, 4, false},
      {"confidence", "mean confidence", kUnordered, 4, false},
      {"unsure_share", "unsure (< 0.9)", kUnordered, 2, true},
      {"images_per_second", "images/s", kUnordered, 0, false},
  };
  return metrics;
}

MetricInfo InfoOf(std::string_view key) {
  const auto& known = KnownMetrics();
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const MetricInfo& m) { return m.key == key; });
  if (found != known.end()) return *found;
  return {std::string(key), std::string(key)};
}

std::string FormatMetric(const MetricInfo& info, double value) {
  if (info.digits == 0 && !info.percent && std::abs(value) < 1e15) {
    return FormatCount(std::llround(value));
  }
  const double shown = info.percent ? 100 * value : value;
  return fmt::format("{:.{}f}{}", shown, info.digits, info.percent ? "%" : "");
}

const char* NameOf(Better better) {
  switch (better) {
    case Better::kLower:
      return "lower";
    case Better::kHigher:
      return "higher";
    default:
      return "";
  }
}

bool IsBetter(const MetricInfo& info, double a, double b) {
  return info.better == Better::kLower ? a < b : info.better == Better::kHigher && a > b;
}

}  // namespace numeral
