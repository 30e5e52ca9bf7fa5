#include "inference/latent_predictor.h"

#include <algorithm>
#include <cmath>

#include "inference/forward_options.h"
#include "inference/noise.h"
#include "plan/inference.h"
#include "util/error.h"

namespace numeral {
namespace {

Graph BuildPredictor(const NetworkDescription& description, const std::string& source) {
  NetworkSpec network = description.network;
  // The plan's tensors are called by it, whatever the file's role.
  network.name = "latent_predictor";
  const auto count = [&](InputSpec::Kind kind) {
    return std::count_if(network.inputs.begin(), network.inputs.end(),
                         [&](const InputSpec& input) { return input.kind == kind; });
  };
  const auto noise = count(InputSpec::Kind::kLatent), times = count(InputSpec::Kind::kTime);
  if (count(InputSpec::Kind::kDigit) != 1 || count(InputSpec::Kind::kImage) != 0 ||
      noise != times || noise > 1) {
    BadInput(
        "{}: the network does not take a digit, alone or with noise and a time: it is no "
        "latent predictor",
        source);
  }
  Graph graph = BuildGraph(network, description.convention, source);
  const Shape& output = graph.output_shape();
  const int input = graph.FindInput(InputSpec::Kind::kLatent);
  const bool fits = input < 0 || graph.inputs[static_cast<size_t>(input)].shape == output;
  if (output.spatial || !fits) {
    BadInput("{}: the network gives {}, which is no latent", source, ToString(output));
  }
  return graph;
}

}  // namespace

LatentPredictor::LatentPredictor(const NetworkDescription& description, const NetworkValues& values,
                                 Engine& engine, const std::string& source)
    : graph_(BuildPredictor(description, source)),
      source_(source),
      noise_(graph_.FindInput(InputSpec::Kind::kLatent)),
      time_(graph_.FindInput(InputSpec::Kind::kTime)) {
  plan_ = std::make_shared<const Plan>(CompilePredictorPlan(graph_, ForwardOptions(engine, kRows)));
  executable_ = engine.Compile(plan_);
  WriteValues(*executable_, *plan_, graph_, graph_.name, values);
  executable_->Enqueue(plan_->FindPhase(PhaseKind::kPrepare, 0));
}

LatentPredictor::LatentPredictor(const Weights& weights, Engine& engine)
    : LatentPredictor(weights.description,
                      MatchWeights(BuildPredictor(weights.description, weights.source), weights),
                      engine, weights.source) {}

std::vector<float> LatentPredictor::Predict(const std::vector<int32_t>& digits, uint64_t seed,
                                            int64_t first, double guidance) {
  const auto size = static_cast<int64_t>(latent_size());
  const auto count = static_cast<int64_t>(digits.size());
  std::vector<float> latents;
  latents.reserve(static_cast<size_t>(count * size));
  // A row has the same place in a phase whatever it is asked for with: products may round their
  // last rows in another way than the others.
  for (int64_t row = first; row < first + count;) {
    const int64_t begin = row / kRows * kRows;
    const int64_t end = std::min(begin + kRows, first + count);
    std::vector<int32_t> asked(kRows, 0);
    std::copy(digits.begin() + (row - first), digits.begin() + (end - first),
              asked.begin() + (row - begin));
    executable_->WriteAll(RequireTensor(*plan_, "predict.digits"), asked);
    const std::vector<float> part =
        varied() ? Follow(DrawNoise(graph_.inputs[static_cast<size_t>(noise_)], seed, "predict", 0,
                                    begin, kRows),
                          static_cast<float>(guidance))
                 : Run({}, 0);
    latents.insert(latents.end(), part.begin() + (row - begin) * size,
                   part.begin() + (end - begin) * size);
    row = end;
  }
  if (!std::all_of(latents.begin(), latents.end(), [](float v) { return std::isfinite(v); })) {
    Fail("{}: a latent is not finite", source_);
  }
  return latents;
}

std::vector<float> LatentPredictor::Run(const std::vector<float>& places, float time) {
  const auto tensor = [&](int input) {
    return RequireTensor(*plan_, "predict/" + graph_.inputs[static_cast<size_t>(input)].name);
  };
  if (varied()) {
    executable_->WriteAll(tensor(noise_), places);
    executable_->WriteAll(tensor(time_), std::vector<float>(kRows, time));
  }
  executable_->Enqueue(plan_->FindPhase(PhaseKind::kPredict, kRows));
  return executable_->ReadAll<float>(RequireTensor(*plan_, "predict.output"),
                                     int64_t{kRows} * latent_size());
}

// Heun's method: a step by the mean of the velocities at its two ends.
std::vector<float> LatentPredictor::Follow(std::vector<float> places, float guidance) {
  constexpr float kStep = 1.0f / kFlowSteps;
  const float way = guidance * kStep;
  for (int step = 0; step < kFlowSteps; ++step) {
    const std::vector<float> here = Run(places, static_cast<float>(step) * kStep);
    std::vector<float> ahead = places;
    for (size_t i = 0; i < ahead.size(); ++i) ahead[i] += way * here[i];
    const std::vector<float> there = Run(ahead, static_cast<float>(step + 1) * kStep);
    for (size_t i = 0; i < places.size(); ++i) places[i] += way / 2 * (here[i] + there[i]);
  }
  return places;
}

}  // namespace numeral
