#include "train/epoch_metrics.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace numeral {

std::string ToJsonLine(const MetricsLine& line) {
  nlohmann::ordered_json json;
  const auto put = [&](const char* key, std::optional<double> value) {
    if (value) json[key] = *value;
  };
  json["epoch"] = line.epoch;
  json["step"] = line.step;
  json["seconds"] = std::round(line.seconds * 1000) / 1000;
  json["images_per_second"] = std::round(line.images_per_second * 10) / 10;
  put("d_loss", line.metrics.Mean(Metric::kDLoss));
  put("g_loss", line.metrics.Mean(Metric::kGLoss));
  put("d_accuracy_real", line.metrics.Mean(Metric::kDAccuracyReal));
  put("d_accuracy_fake", line.metrics.Mean(Metric::kDAccuracyFake));
  put("loss", line.metrics.Mean(Metric::kLoss));
  put("accuracy", line.metrics.Mean(Metric::kAccuracy));
  put("checked_accuracy_real", line.checked_accuracy_real);
  put("checked_accuracy_fake", line.checked_accuracy_fake);
  put("test_accuracy", line.test_accuracy);
  if (line.quality) {
    const auto& [classification, conditional, comparison] = *line.quality;
    if (conditional) json["s1"] = classification.overall.rate();
    json["kl"] = classification.kl;
    json["confidence"] = classification.mean_confidence;
    json["fid_c"] = comparison.fid_c;
    json["rfid"] = comparison.rfid;
    json["precision"] = comparison.neighbourhood.precision;
    json["recall"] = comparison.neighbourhood.recall;
    json["density"] = comparison.neighbourhood.density;
    json["coverage"] = comparison.neighbourhood.coverage;
  }
  return json.dump();
}

std::string ToText(const Quality& quality) {
  const Neighbourhood& n = quality.comparison.neighbourhood;
  const std::string s1 =
      quality.conditional ? fmt::format("S1 {:.2f}%, ", 100 * quality.classification.overall.rate())
                          : "";
  return fmt::format("{}FID-C {:.1f}, precision {:.2f}, recall {:.2f}, coverage {:.2f}", s1,
                     quality.comparison.fid_c, n.precision, n.recall, n.coverage);
}

}  // namespace numeral
