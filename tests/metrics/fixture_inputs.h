// The inputs of fixtures.json, drawn by the integer formulas of make_fixtures.py.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "data/dataset.h"
#include "metrics/features.h"
#include "tests/catch.h"

namespace numeral {

using Json = nlohmann::json;

inline Json ReadFixtures(const char* key) {
  std::ifstream file(NUMERAL_SOURCE_DIR "/tests/metrics/fixtures.json");
  const Json fixtures = Json::parse(file).at(key);
  REQUIRE(!fixtures.empty());
  return fixtures;
}

// The upper halves of a linear congruential generator (Numerical Recipes' constants).
class Draws {
 public:
  explicit Draws(uint32_t seed) : state_(seed) {}
  int operator()(int bound) {
    state_ = 1664525u * state_ + 1013904223u;
    return static_cast<int>(state_ >> 16) % bound;
  }

 private:
  uint32_t state_;
};

inline Features DrawFeatures(const Json& spec) {
  Draws draw(spec.at("seed"));
  Features features{spec.at("count"), spec.at("size"), {}};
  const int levels = spec.at("levels"), shift = spec.at("shift"), rank = spec.at("rank");
  const int64_t distinct = spec.at("distinct");
  const float divisor = spec.at("divisor");
  features.values.resize(static_cast<size_t>(features.count * features.size));
  for (int64_t image = 0; image < features.count; ++image) {
    float* row = features.values.data() + image * features.size;
    for (int j = 0; j < features.size; ++j) {
      if (image >= distinct) {
        row[j] = features.Row(image % distinct)[j];
      } else if (j < rank) {
        row[j] = static_cast<float>((draw(levels) - levels / 2) * (1 + j % 3) + shift) / divisor;
      } else {
        row[j] = row[j % rank] * 0.5f + row[(j + 1) % rank];
      }
    }
  }
  return features;
}

struct DrawnJudgement {
  std::vector<int> wanted, given;    // given is the first of the most probable digits
  std::vector<float> probabilities;  // [n][10]
};

inline DrawnJudgement DrawJudgement(uint32_t seed, int count) {
  Draws draw(seed);
  DrawnJudgement judged;
  for (int i = 0; i < count; ++i) {
    const int wanted = draw(10);
    const int favourite = draw(4) == 0 ? draw(10) : wanted;
    int weights[10], sum = 1;
    for (int digit = 0; digit < 10; ++digit) {
      weights[digit] = draw(8);
      if (digit == favourite) weights[digit] += draw(300);
      sum += weights[digit];
    }
    ++weights[favourite];
    judged.wanted.push_back(wanted);
    judged.given.push_back(static_cast<int>(std::max_element(weights, weights + 10) - weights));
    for (const int weight : weights) {
      judged.probabilities.push_back(static_cast<float>(weight) / static_cast<float>(sum));
    }
  }
  return judged;
}

struct DrawnImages {
  std::vector<uint8_t> training, images;
};

// The last ten training images are the first ten again; images are copies of them, near copies and
// others.
inline DrawnImages DrawImages(uint32_t seed, int training_count, int count) {
  Draws draw(seed);
  DrawnImages drawn;
  for (int i = 0; i < (training_count - 10) * kImagePixels; ++i) {
    drawn.training.push_back(static_cast<uint8_t>(draw(256)));
  }
  const std::vector<uint8_t> first(drawn.training.begin(),
                                   drawn.training.begin() + 10 * kImagePixels);
  drawn.training.insert(drawn.training.end(), first.begin(), first.end());
  for (int i = 0; i < count; ++i) {
    const uint8_t* source = drawn.training.data() + i * 7 % training_count * kImagePixels;
    for (int p = 0; p < kImagePixels; ++p) {
      const bool copied = i % 4 < 2;
      const int changed = i % 4 == 1 && p % 3 == 0 ? 1 : 0;
      drawn.images.push_back(static_cast<uint8_t>(copied ? source[p] ^ changed : draw(256)));
    }
  }
  return drawn;
}

}  // namespace numeral
