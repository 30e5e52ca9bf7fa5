#include "metrics/classification.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "util/error.h"

namespace numeral {
namespace {

constexpr double kNormal95 = 1.959964;     // 97.5% of a normal distribution are below
constexpr float kLargestSoftmax = 1.001f;  // 1 and its rounding

void CheckDigits(std::span<const int> digits, std::string_view name) {
  for (size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] < 0 || digits[i] >= kDigits) {
      BadInput("the {} digit of image {} is {}: digits are 0 to 9", name, i, digits[i]);
    }
  }
}

void CheckImages(const JudgedImages& images) {
  NUMERAL_CHECK(images.wanted.empty() || images.wanted.size() == images.given.size());
  NUMERAL_CHECK(images.probabilities.size() == images.given.size() * kDigits);
  CheckDigits(images.wanted, "wanted");
  CheckDigits(images.given, "given");
  for (size_t i = 0; i < images.probabilities.size(); ++i) {
    const float value = images.probabilities[i];
    if (!(value >= 0 && value <= kLargestSoftmax)) {
      BadInput("the probability of digit {} for image {} is {}, not within 0 and 1", i % kDigits,
               i / kDigits, value);
    }
  }
}

double KlToUniform(const std::array<int64_t, kDigits>& histogram, double samples) {
  double kl = 0;
  for (const int64_t count : histogram) {
    const double share = static_cast<double>(count) / samples;
    if (count > 0) kl += share * std::log(share * kDigits);
  }
  return std::max(0.0, kl);
}

}  // namespace

double ErrorRate::rate() const {
  return samples == 0 ? 0 : static_cast<double>(errors) / static_cast<double>(samples);
}

std::pair<double, double> ErrorRate::Wilson95() const {
  if (samples == 0) return {0, 1};
  const auto n = static_cast<double>(samples);
  const double z2 = kNormal95 * kNormal95, p = rate();
  const double middle = p + z2 / (2 * n);
  const double half = kNormal95 * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  const double scale = 1 + z2 / n;
  // Both ends meet 0 and 1 exactly there, not to rounding.
  return {errors == 0 ? 0 : (middle - half) / scale,
          errors == samples ? 1 : (middle + half) / scale};
}

ClassificationReport SummarizeClassification(const JudgedImages& images) {
  CheckImages(images);
  ClassificationReport report;
  const size_t count = images.given.size();
  if (count == 0) return report;
  for (size_t i = 0; i < count; ++i) {
    const auto probabilities = images.probabilities.subspan(i * kDigits, kDigits);
    const float confidence = *std::max_element(probabilities.begin(), probabilities.end());
    report.mean_confidence += confidence;
    report.unsure_share += confidence < kUnsureBelow;
    const int given = images.given[i];
    ++report.histogram[given];
    if (images.wanted.empty()) continue;

    const int wanted = images.wanted[i];
    report.mean_wanted_probability += probabilities[wanted];
    ++report.confusion[wanted][given];
    for (ErrorRate* rate : {&report.overall, &report.by_digit[wanted]}) {
      ++rate->samples;
      rate->errors += given != wanted;
    }
  }
  const auto samples = static_cast<double>(count);
  report.kl = KlToUniform(report.histogram, samples);
  report.mean_confidence /= samples;
  report.unsure_share /= samples;
  report.mean_wanted_probability /= samples;
  return report;
}

std::vector<int64_t> MostConfidentlyWrong(const JudgedImages& images, int64_t limit) {
  NUMERAL_CHECK(limit >= 0);
  CheckImages(images);
  std::vector<int64_t> wrong;
  for (size_t i = 0; i < images.wanted.size(); ++i) {
    if (images.given[i] != images.wanted[i]) wrong.push_back(static_cast<int64_t>(i));
  }
  const auto confidence = [&](int64_t i) {
    return images.probabilities[i * kDigits + images.given[i]];
  };
  std::stable_sort(wrong.begin(), wrong.end(),
                   [&](int64_t a, int64_t b) { return confidence(a) > confidence(b); });
  wrong.resize(std::min(wrong.size(), static_cast<size_t>(limit)));
  return wrong;
}

}  // namespace numeral
