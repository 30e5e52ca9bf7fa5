// How far generated images are from real ones as a whole: the Frechet distance between Gaussians
// fitted to their features.
//
// Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, "GANs Trained by a Two Time-Scale Update Rule
// Converge to a Local Nash Equilibrium", NeurIPS 2017 (FID), after Dowson & Landau, "The Frechet
// distance between multivariate normal distributions", 1982. The features are a digit classifier's
// here, not Inception's: values compare only between runs judged by the same classifier. All
// arithmetic is in double and on one thread. Every accepted input gives a finite number:
// covariances may have any rank, sets may be smaller than their rows, all images may be the same.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "metrics/features.h"

namespace numeral {

struct FeatureStatistics {
  int size = 0;                    // features of an image
  std::vector<double> mean;        // [size]
  std::vector<double> covariance;  // [size][size], unbiased: divided by count - 1
  int64_t count = 0;               // images
};

// Throws Error(kBadInput) for fewer than 2 images and for features that are not finite; `name` says
// whose they are, as in "the {name} images".
FeatureStatistics ComputeStatistics(const Features& features, std::string_view name);

// The sum of the variances of all features, in squared units of the features.
double Trace(const FeatureStatistics& statistics);

// |mu_r - mu_g|^2 + tr(S_r + S_g - 2 (S_r^1/2 S_g S_r^1/2)^1/2), in squared units of the features;
// 0 or more, symmetric. Where covariances have no full rank it is good to about 1e-7 of their
// traces. Throws Error(kBadInput) for rows of different sizes, for statistics of fewer than 2
// images and for values that are not finite.
double FrechetDistance(const FeatureStatistics& real, const FeatureStatistics& generated);

// A Frechet distance without units (rFID): as a share of the real images' total variance, which
// carries over between classifiers better. Throws Error(kBadInput) where the real images do not
// vary.
double RelativeFrechetDistance(double distance, const FeatureStatistics& real);

}  // namespace numeral
