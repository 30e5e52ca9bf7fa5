// Images before their judges: which digits are read, and how the features compare with real ones.
//
// Owns: what is measured of a set of images, by which network. The classifier reads digits (S0,
// S1); the judge's features carry every distance. Called by `evaluate` and by the training loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "inference/classifier.h"
#include "metrics/classification.h"
#include "metrics/features.h"
#include "metrics/frechet.h"
#include "metrics/neighbours.h"

namespace numeral {

// The judge may be the classifier itself.
class Judges {
 public:
  // Loads weights files; an empty `judge` means the classifier's. `if_absent` describes files that
  // do not describe themselves.
  Judges(const std::string& classifier, const std::string& judge, Engine& engine,
         const std::optional<NetworkDescription>& if_absent = {});

  Classifier& classifier() { return *classifier_; }
  Classifier& judge() { return judge_ ? *judge_ : *classifier_; }
  bool has_judge() const { return judge_ != nullptr; }

 private:
  std::unique_ptr<Classifier> classifier_, judge_;
};

// Digits as read by the classifier and by the judge, and the judge's features. Without a judge of
// its own, `by_judge` is empty.
struct JudgedSet {
  Readings by_classifier, by_judge;
  Features features;
};
JudgedSet Judge(Judges& judges, const std::vector<uint8_t>& pixels);

// What generated images are compared with.
struct RealImages {
  Features features;
  FeatureStatistics statistics;
};
RealImages AsReal(Features features);

struct Comparison {
  double fid_c = 0, rfid = 0;
  Neighbourhood neighbourhood;
  double variance_ratio = 0;  // total variance of the features, as a share of the real images'
};
// Throws Error(kBadInput) for sets too small to compare.
Comparison Compare(const RealImages& real, const Features& generated);

// `wanted` is empty where no digits were asked for.
ClassificationReport Report(const Readings& readings, const std::vector<int>& wanted);

// What the training loop asks for.
struct Quality {
  ClassificationReport classification;
  bool conditional = false;  // digits were asked for: classification.overall is S1
  Comparison comparison;
};

// `count` different images drawn by seed, or all of them where there are no more; labels with them.
Dataset DrawImages(const Dataset& data, int64_t count, uint64_t seed);

}  // namespace numeral
