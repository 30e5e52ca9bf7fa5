#include "train/epoch_metrics.h"

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
  put("checked_accuracy_real", line.checked_accuracy_real);
  put("checked_accuracy_fake", line.checked_accuracy_fake);
  return json.dump();
}

}  // namespace numeral
