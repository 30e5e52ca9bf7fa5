// What a classifier says of images: the wrong digits (S1), and how sure it is.
//
// A judge's error on generated images counts the generator's mistakes and its own; its error on
// real images, and the diversity of the images (neighbours.h), belong beside it. Refuses digits
// outside of 0..9 and probabilities that are none.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "config/spec.h"

namespace numeral {

inline constexpr float kUnsureBelow = 0.9f;

struct ErrorRate {
  int64_t samples = 0, errors = 0;

  double rate() const;  // a share of 1; 0 without samples

  // The 95% score interval of Wilson, "Probable Inference, the Law of Succession, and Statistical
  // Inference", 1927: low and high share. [0, 1] without samples.
  std::pair<double, double> Wilson95() const;
};

// n images as a classifier sees them.
struct JudgedImages {
  std::span<const int> wanted;           // [n] digits asked for; empty where none were
  std::span<const int> given;            // [n] digits seen: the most probable ones
  std::span<const float> probabilities;  // [n][10], softmax
};

// Means are over all images, and 0 without images. Whatever compares with the wanted digits is
// empty or 0 where none were asked for.
struct ClassificationReport {
  ErrorRate overall;                                              // given is not wanted
  std::array<ErrorRate, kDigits> by_digit{};                      // by wanted digit
  std::array<std::array<int64_t, kDigits>, kDigits> confusion{};  // [wanted][given], images
  std::array<int64_t, kDigits> histogram{};                       // by given digit, images
  double kl = 0;                       // of the histogram to equal shares, in nats: 0 .. ln 10
  double mean_confidence = 0;          // of the most probable digit
  double unsure_share = 0;             // images whose most probable digit is below kUnsureBelow
  double mean_wanted_probability = 0;  // of the wanted digit
};

// Throws Error(kBadInput) for a digit outside of 0..9 and for a probability that is not finite or
// not within 0 .. 1 (such as a logit).
ClassificationReport SummarizeClassification(const JudgedImages& images);

// The indices of at most `limit` images whose given digit is not the wanted one, the most probable
// given digit first, ties by index. Throws as above.
std::vector<int64_t> MostConfidentlyWrong(const JudgedImages& images, int64_t limit);

}  // namespace numeral
