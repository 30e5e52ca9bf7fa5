// One evaluation, from weights files and data to figures and pictures.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "metrics/report.h"

namespace numeral {

struct EvaluationOptions {
  std::string classifier, judge, labeler, generator, fake_dir, classifier_config, generator_config;
  std::string dataset = "mnist", split = "test", data_dir, device = "auto", out, json;
  int64_t samples = 10000, s0_samples = 0;
  double latent_scale = 1;
  int digit = -1;
  uint64_t seed = 1;
  bool full = false, quiet = false;
};

// The images that are judged, and what is known of them.
struct Fakes {
  std::string source;
  std::vector<uint8_t> pixels;
  std::vector<int> wanted;  // empty where nobody knows
  LabelsFrom labels_from = LabelsFrom::kNobody;
  std::filesystem::path out;  // where pictures go
};

class Evaluation {
 public:
  // Loads classifiers and real images.
  explicit Evaluation(const EvaluationOptions& options);

  // Prints the table; writes JSON and pictures where the options say.
  void Run();

 private:
  void Note(const std::string& text) const;
  Dataset Load(const std::string& split) const;
  std::optional<Fakes> FindFakes() const;
  Fakes ReadFakes() const;
  Fakes DrawFakes(const std::string& path) const;
  Classifier LoadLabeler() const;
  JudgedSet MeasureS0();
  Features FeaturesOfPart(const Dataset& part, const JudgedSet& judged) const;
  void MeasureFakes(const Fakes& fakes, const JudgedSet& judged_real,
                    const std::filesystem::path& out);
  // Without `real`, or of few images: no comparison.
  MeasuredImages Classify(const JudgedSet& judged, const std::vector<int>& wanted) const;
  void MeasureCas(LabelsFrom labels, const Dataset& generated, const Dataset& training);
  double Cas(const std::string& what, const Dataset& images) const;
  void DrawPictures(const Fakes& fakes, const JudgedSet& judged,
                    const std::filesystem::path& out) const;

  EvaluationOptions o_;
  std::unique_ptr<Engine> engine_;
  mutable Judges judges_;
  Dataset real_;
  EvaluationResult result_;
};

}  // namespace numeral
