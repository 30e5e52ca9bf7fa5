#include "inference/classifier.h"

#include <algorithm>
#include <cmath>

#include "data/dataset.h"
#include "inference/forward_options.h"
#include "plan/inference.h"
#include "util/error.h"

namespace numeral {
namespace {

Graph BuildClassifier(const NetworkDescription& description, const std::string& source) {
  NetworkSpec network = description.network;
  network.name = "classifier";  // the plan's tensors are called by it, whatever the file's role
  if (network.inputs.size() != 1 || network.inputs[0].kind != InputSpec::Kind::kImage) {
    BadInput("{}: the network does not take an image alone: it is no classifier", source);
  }
  Graph graph = BuildGraph(network, description.convention, source);
  if (graph.output_shape() != Shape::Flat(kDigits)) {
    BadInput("{}: the network gives {}, a classifier gives {} flat features, one per digit", source,
             ToString(graph.output_shape()), kDigits);
  }
  return graph;
}

// Softmax of one row, and the first largest.
int Softmax(const float* logits, float* probabilities) {
  const float* largest = std::max_element(logits, logits + kDigits);
  double sum = 0;
  for (int j = 0; j < kDigits; ++j) sum += std::exp(static_cast<double>(logits[j]) - *largest);
  for (int j = 0; j < kDigits; ++j) {
    probabilities[j] =
        static_cast<float>(std::exp(static_cast<double>(logits[j]) - *largest) / sum);
  }
  return static_cast<int>(largest - logits);
}

}  // namespace

Classifier::Classifier(const NetworkDescription& description, const NetworkValues& values,
                       Engine& engine, const std::string& source)
    : graph_(BuildClassifier(description, source)),
      pixel_range_(description.pixel_range),
      source_(source) {
  plan_ = std::make_shared<const Plan>(CompileClassifyPlan(graph_, ForwardOptions(engine, kRows)));
  executable_ = engine.Compile(plan_);
  WriteValues(*executable_, *plan_, graph_, graph_.name, values);
  executable_->Enqueue(plan_->FindPhase(PhaseKind::kPrepare, 0));
}

Classifier::Classifier(const Weights& weights, Engine& engine)
    : Classifier(weights.description,
                 MatchWeights(BuildClassifier(weights.description, weights.source), weights),
                 engine, weights.source) {}

Readings Classifier::Read(const std::vector<uint8_t>& pixels) {
  const auto count = static_cast<int64_t>(pixels.size()) / kImagePixels;
  const int size = FeatureCount(graph_);
  Readings readings{count, size, {}, {}, {}};
  const auto scale = static_cast<float>((pixel_range_[1] - pixel_range_[0]) / 255);
  const auto shift = static_cast<float>(pixel_range_[0]);
  readings.probabilities.resize(static_cast<size_t>(count * kDigits));
  readings.features.reserve(static_cast<size_t>(count * size));
  for (int64_t first = 0; first < count; first += kRows) {
    const int64_t used = std::min<int64_t>(kRows, count - first);
    std::vector<float> images(static_cast<size_t>(kRows) * kImagePixels, shift);
    for (int64_t i = 0; i < used * kImagePixels; ++i) {
      const uint8_t pixel = pixels[static_cast<size_t>(first * kImagePixels + i)];
      images[static_cast<size_t>(i)] = std::fma(static_cast<float>(pixel), scale, shift);
    }
    executable_->WriteAll(RequireTensor(*plan_, "classify.images"), images);
    executable_->Enqueue(plan_->FindPhase(PhaseKind::kClassify, kRows));
    const auto logits =
        executable_->ReadAll<float>(RequireTensor(*plan_, "classify.logits"), kRows * kDigits);
    for (int64_t i = 0; i < used; ++i) {
      const float* row = logits.data() + i * kDigits;
      if (!std::all_of(row, row + kDigits, [](float v) { return std::isfinite(v); })) {
        Fail("{}: the answer to image {} is not finite", source_, first + i);
      }
      readings.digits.push_back(
          Softmax(row, readings.probabilities.data() + (first + i) * kDigits));
    }
    const auto features =
        executable_->ReadAll<float>(RequireTensor(*plan_, "classify.features"), kRows * size);
    readings.features.insert(readings.features.end(), features.begin(),
                             features.begin() + used * size);
  }
  return readings;
}

double ErrorShare(const Readings& readings, const std::vector<uint8_t>& labels) {
  NUMERAL_CHECK(readings.digits.size() == labels.size() && !labels.empty());
  int64_t wrong = 0;
  for (size_t i = 0; i < labels.size(); ++i) wrong += readings.digits[i] != labels[i];
  return static_cast<double>(wrong) / static_cast<double>(labels.size());
}

}  // namespace numeral
