// How much of the real images' variety generated images reach, and how many of them look real, by
// the balls around every image that reach to its k-th neighbour.
//
// Precision and recall: Kynkaanniemi, Karras, Laine, Lehtinen, Aila, "Improved Precision and Recall
// Metric for Assessing Generative Models", NeurIPS 2019. Density and coverage: Naeem, Oh, Uh, Choi,
// Yoo, "Reliable Fidelity and Diversity Metrics for Generative Models", ICML 2020.
//
// Distances are Euclidean between rows of features, summed in single precision as squares of
// differences (the expansion a^2 + b^2 - 2ab would lose close neighbours to cancellation). The ball
// around an image of a set has as radius its distance to the k-th nearest other image of that set:
// only the image itself is left out, a duplicate of it is a neighbour at distance 0. A ball holds
// what is at its radius or nearer; radii and distances between the same two rows are the same bits.
// Results do not depend on the number of threads. Time is quadratic in the images, memory linear.
#pragma once

#include "metrics/features.h"

namespace numeral {

inline constexpr int kDefaultNeighbours = 3;
inline constexpr int kMostNeighbours = 64;

// Shares of 1 but for density, which has no upper bound.
struct Neighbourhood {
  double precision = 0;  // generated images within any real image's ball
  double recall = 0;     // real images within any generated image's ball
  double density = 0;    // real balls that hold a generated image, on average, divided by k
  double coverage = 0;   // real images whose ball holds any generated image
};

// Throws Error(kBadInput) for k outside of 1 .. kMostNeighbours, for sets of k or fewer images, for
// rows of different sizes, for values that are not finite or that lie so far apart that their
// squared distance is not.
Neighbourhood CompareNeighbourhoods(const Features& real, const Features& generated,
                                    int k = kDefaultNeighbours);

}  // namespace numeral
