// A classifier that a few lines of arithmetic repeat: the first ten pixels are its answers.
#pragma once

#include <cmath>
#include <filesystem>

#include "config/parse.h"
#include "data/dataset.h"
#include "inference/network_values.h"

namespace numeral {

// The answer for a digit is this times the value of its pixel, 0 to 1.
inline constexpr double kLinearGain = 20;

inline NetworkDescription LinearClassifier() {
  const Json json = Json::parse(R"({"inputs": {"image": {"kind": "image"}}, "layers": [
      {"type": "flatten"}, {"type": "dense", "units": 10, "bias": false}]})");
  return {
      ParseNetwork(json, "classifier", Convention::kPyTorch, "test"), Convention::kPyTorch, {0, 1}};
}

inline NetworkValues LinearClassifierValues() {
  std::vector<float> weight(kDigits * kImagePixels, 0);
  for (size_t k = 0; k < kDigits; ++k) weight[k * kImagePixels + k] = float{kLinearGain};
  return {weight};
}

inline void WriteLinearClassifier(const std::filesystem::path& path) {
  const NetworkDescription description = LinearClassifier();
  SaveWeights(path, description, BuildGraph(description.network, description.convention, "test"),
              LinearClassifierValues());
}

struct LinearReading {
  int32_t digit = 0;
  double probability = 0;
};

// What it reads in an image [28][28].
inline LinearReading ReadLinearly(const uint8_t* image) {
  LinearReading reading;
  double sum = 0;
  for (int k = 0; k < kDigits; ++k) {
    if (image[k] > image[reading.digit]) reading.digit = k;
    sum += std::exp(kLinearGain * image[k] / 255);
  }
  reading.probability = std::exp(kLinearGain * image[reading.digit] / 255) / sum;
  return reading;
}

}  // namespace numeral
