#include "metrics/evaluation.h"

#include <algorithm>

#include "util/error.h"
#include "util/permutation.h"
#include "util/random.h"

namespace numeral {

Judges::Judges(const std::string& classifier, const std::string& judge, Engine& engine,
               const std::optional<NetworkDescription>& if_absent)
    : classifier_(std::make_unique<Classifier>(LoadWeights(classifier, if_absent), engine)) {
  if (!judge.empty()) {
    judge_ = std::make_unique<Classifier>(LoadWeights(judge, if_absent), engine);
  }
}

JudgedSet Judge(Judges& judges, const std::vector<uint8_t>& pixels) {
  JudgedSet set;
  set.by_classifier = judges.classifier().Read(pixels);
  if (judges.has_judge()) set.by_judge = judges.judge().Read(pixels);
  Readings& seen = judges.has_judge() ? set.by_judge : set.by_classifier;
  set.features = {seen.count, seen.feature_count, std::move(seen.features)};
  return set;
}

RealImages AsReal(Features features) {
  FeatureStatistics statistics = ComputeStatistics(features, "real");
  return {std::move(features), std::move(statistics)};
}

Comparison Compare(const RealImages& real, const Features& generated) {
  const FeatureStatistics statistics = ComputeStatistics(generated, "generated");
  Comparison comparison;
  comparison.fid_c = FrechetDistance(real.statistics, statistics);
  comparison.rfid = RelativeFrechetDistance(comparison.fid_c, real.statistics);
  comparison.variance_ratio = Trace(statistics) / Trace(real.statistics);
  comparison.neighbourhood = CompareNeighbourhoods(real.features, generated);
  return comparison;
}

ClassificationReport Report(const Readings& readings, const std::vector<int>& wanted) {
  return SummarizeClassification({wanted, readings.digits, readings.probabilities});
}

Dataset DrawImages(const Dataset& data, int64_t count, uint64_t seed) {
  if (count >= data.count()) return data;
  Dataset drawn;
  drawn.name = data.name;
  const Permutation order(static_cast<uint64_t>(data.count()), seed, StreamId("draw images"), 0);
  for (int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<int64_t>(order(static_cast<uint64_t>(i)));
    const auto begin = data.pixels.begin() + index * kImagePixels;
    drawn.pixels.insert(drawn.pixels.end(), begin, begin + kImagePixels);
    drawn.labels.push_back(data.labels[static_cast<size_t>(index)]);
  }
  return drawn;
}

}  // namespace numeral
