// A classifier alone: images to digits.
//
// Refuses: networks that do not take an image and give ten logits. Called by evaluation and at the
// end of a classifier's training.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/weights.h"
#include "engine/engine.h"
#include "inference/network_values.h"

namespace numeral {

// What a classifier makes of `count` images.
struct Readings {
  int64_t count = 0;
  int feature_count = 0;
  std::vector<float> probabilities;  // [count][10], softmax in double
  std::vector<int> digits;           // [count], the first largest
  std::vector<float> features;       // [count][feature_count], what enters the last layer
};

class Classifier {
 public:
  // Images of one enqueued phase.
  static constexpr int kRows = 250;

  // `source` names it in messages.
  Classifier(const NetworkDescription& description, const NetworkValues& values, Engine& engine,
             const std::string& source);
  // Of a weights file.
  Classifier(const Weights& weights, Engine& engine);

  // `pixels` are [n][28][28]. Throws Error(kFailure) where a logit is not finite.
  Readings Read(const std::vector<uint8_t>& pixels);

 private:
  Graph graph_;
  std::array<double, 2> pixel_range_;
  std::string source_;
  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<Executable> executable_;
};

// Share of images whose digit is read wrongly.
double ErrorShare(const Readings& readings, const std::vector<uint8_t>& labels);

}  // namespace numeral
