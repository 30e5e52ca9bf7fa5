#include "metrics/neighbours.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <span>

#include "metrics/distances.h"
#include "util/error.h"

namespace numeral {
namespace {

using distances::ForEachDistance;
using distances::Panels;

void Check(const Features& features, std::string_view name, int k) {
  CheckFeatures(features, name);
  if (features.count <= k) {
    BadInput("{} neighbours need more than {} {} images, there are {}", k, k, name, features.count);
  }
}

// Puts a value into a sorted list in place of its last one.
void Insert(float value, std::span<float> sorted) {
  size_t place = sorted.size() - 1;
  for (; place > 0 && sorted[place - 1] > value; --place) sorted[place] = sorted[place - 1];
  sorted[place] = value;
}

// The squared distance of every image to its k-th nearest other one.
std::vector<float> SquaredRadii(const Features& features, const Panels& panels, int k,
                                std::string_view name) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto width = static_cast<size_t>(k);
  std::vector<float> nearest(static_cast<size_t>(features.count) * width, kInfinity);
  ForEachDistance(features, panels,
                  [&](int64_t row, int64_t first, std::span<const float> squared) {
                    const std::span<float> sorted(nearest.data() + row * k, width);
                    for (size_t i = 0; i < squared.size(); ++i) {
                      const bool itself = first + static_cast<int64_t>(i) == row;
                      if (squared[i] < sorted.back() && !itself) Insert(squared[i], sorted);
                    }
                  });
  std::vector<float> radii(static_cast<size_t>(features.count));
  for (size_t i = 0; i < radii.size(); ++i) {
    radii[i] = nearest[(i + 1) * width - 1];
    if (!std::isfinite(radii[i])) {
      BadInput(
          "the features of image {} of the {} images are too far from all others to be compared in "
          "single precision: take another classifier",
          i, name);
    }
  }
  return radii;
}

double Share(const std::vector<uint8_t>& flags) {
  return static_cast<double>(std::count(flags.begin(), flags.end(), 1)) /
         static_cast<double>(flags.size());
}

}  // namespace

Neighbourhood CompareNeighbourhoods(const Features& real, const Features& generated, int k) {
  if (k < 1 || k > kMostNeighbours) {
    BadInput("{} neighbours were asked for: take 1 to {}", k, kMostNeighbours);
  }
  CheckSameSize(real.size, generated.size);
  Check(real, "real", k);
  Check(generated, "generated", k);
  const Panels real_panels(real), generated_panels(generated);
  const std::vector<float> real_radii = SquaredRadii(real, real_panels, k, "real");
  const std::vector<float> generated_radii =
      SquaredRadii(generated, generated_panels, k, "generated");

  std::vector<uint8_t> precise(generated_radii.size()), recalled(real_radii.size());
  std::vector<uint8_t> covered(real_radii.size());
  int64_t held = 0;  // pairs of a real ball and a generated image in it
  ForEachDistance(real, generated_panels,
                  [&](int64_t row, int64_t first, std::span<const float> squared) {
                    const float radius = real_radii[row];
                    int held_here = 0, holding = 0;
                    for (size_t i = 0; i < squared.size(); ++i) {
                      held_here += squared[i] <= radius;
                      holding += squared[i] <= generated_radii[first + i];
                    }
                    if (holding > 0) recalled[row] = 1;
                    if (held_here == 0) return;
                    covered[row] = 1;
                    std::atomic_ref(held).fetch_add(held_here, std::memory_order_relaxed);
                    for (size_t i = 0; i < squared.size(); ++i) {
                      if (squared[i] > radius) continue;
                      std::atomic_ref(precise[first + i]).store(1, std::memory_order_relaxed);
                    }
                  });
  return {.precision = Share(precise),
          .recall = Share(recalled),
          .density = static_cast<double>(held) / (static_cast<double>(k) * generated.count),
          .coverage = Share(covered)};
}

}  // namespace numeral
