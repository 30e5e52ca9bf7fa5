// The result of an evaluation, as a table for people and as JSON.
//
// Owns: the names under which the figures are known. Called by `evaluate`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "metrics/evaluation.h"

namespace numeral {

// Who says which digit a generated image should be. A labeler's opinion is no truth: where it is
// the source, errors are disagreement and not S1.
enum class LabelsFrom { kNobody, kCondition, kFolders, kDigit, kLabeler };

// Everything measured of one set of images against the real ones held out of training.
struct MeasuredImages {
  ClassificationReport by_classifier;
  std::optional<ClassificationReport> by_judge;  // without a judge of its own: none
  std::optional<Comparison> comparison;          // too few images: none
  // To the nearest training image (nearest.h), over the first kNearestImages of the set.
  double nearest_mean = 0, nearest_least = 0;
  std::optional<double> cas;  // accuracy on real test images of a classifier trained on these
};

inline constexpr int64_t kNearestImages = 1000;

struct EvaluationResult {
  std::string classifier, judge, labeler;  // weights files; the last two may be empty
  std::string source;                      // "runs/dcgan/g.bin", "fakes/"
  std::string real;                        // "mnist test"
  double latent_scale = 1;
  int64_t compared = 0;  // images of each kind in the comparisons, and that CAS learns from
  uint64_t seed = 1;
  ClassificationReport s0;
  std::optional<ClassificationReport> s0_judge;
  LabelsFrom labels_from = LabelsFrom::kNobody;
  std::optional<MeasuredImages> generated;
  std::optional<MeasuredImages> training;  // real training images, measured like generated ones
};

std::string ToTable(const EvaluationResult& result);
std::string ToJsonText(const EvaluationResult& result);

}  // namespace numeral
