// What a judge sees in images: one row of features for each of them.
//
// Owns the form in which the distances between sets of images (frechet.h, neighbours.h) take their
// input, and refuses rows that no distance can be taken from.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace numeral {

struct Features {
  int64_t count = 0;          // images
  int size = 0;               // features of an image
  std::vector<float> values;  // [count][size]

  const float* Row(int64_t image) const { return values.data() + image * size; }
};

// Throws Error(kBadInput) that names image and feature where one is not finite. `name` says whose
// features they are, as in "the {name} images".
void CheckFeatures(const Features& features, std::string_view name);

// Throws Error(kBadInput) where two sets have rows of different sizes.
void CheckSameSize(int real_size, int generated_size);

}  // namespace numeral
