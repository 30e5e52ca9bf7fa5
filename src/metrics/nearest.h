// The training image nearest to each generated one: does a generator repeat what it was shown?
//
// Exact: sums of squared differences of bytes are integers below 2^26. The distances of held-out
// real images to the training set are the measure of what is usual (Meehan, Chaudhuri, Dasgupta, "A
// Non-Parametric Test to Detect Data-Copying in Generative Models", AISTATS 2020). Results do not
// depend on the number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace numeral {

struct NearestImages {
  std::vector<double> distance;  // [n], Euclidean, of pixels in 0..1: from 0 to 28
  std::vector<int64_t> index;    // [n], of the training image; the first one of several as near
};

// `images` are [n][28][28], `training` [m][28][28]. Throws Error(kBadInput) for an empty training
// set; no images give an empty result.
NearestImages FindNearestImages(std::span<const uint8_t> images, std::span<const uint8_t> training);

}  // namespace numeral
