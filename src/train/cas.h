// The Classification Accuracy Score: how well does a classifier that has seen generated images
// alone read real ones? Ravuri & Vinyals, "Classification Accuracy Score for Conditional Generative
// Models", NeurIPS 2019.
//
// Finds what the other metrics miss: digits that are right one by one, but too alike to learn from.
// Called by `evaluate --full`.
#pragma once

#include <cstdint>
#include <functional>

#include "data/dataset.h"
#include "engine/engine.h"

namespace numeral {

// Part of the metric's definition: 19 times through 10,000 images.
inline constexpr int kCasBatch = 128;
inline constexpr int64_t kCasSteps = 1482;

// Trains a small convolutional classifier for `steps` steps of 128 images on `images`, from
// scratch, by `seed`, and returns its accuracy on `test`. `progress` is told the share done. Throws
// Error(kBadInput) for fewer than 128 images.
double ClassificationAccuracyScore(const Dataset& images, const Dataset& test, Engine& engine,
                                   uint64_t seed, const std::function<void(double)>& progress,
                                   int64_t steps = kCasSteps);

}  // namespace numeral
