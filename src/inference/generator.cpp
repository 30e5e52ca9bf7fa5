#include "inference/generator.h"

#include <algorithm>

#include "data/dataset.h"
#include "data/pixels.h"
#include "inference/forward_options.h"
#include "inference/noise.h"
#include "plan/inference.h"
#include "util/error.h"

namespace numeral {
namespace {

Graph BuildGenerator(const NetworkDescription& description, const std::string& source) {
  NetworkSpec network = description.network;
  network.name = "generator";  // the plan's tensors are called by it, whatever the file's role
  for (const InputSpec& input : network.inputs) {
    if (input.kind == InputSpec::Kind::kImage) {
      BadInput("{}: the network takes images: it is no generator", source);
    }
  }
  Graph graph = BuildGraph(network, description.convention, source);
  if (graph.output_shape() != Shape::Spatial(kImageSide, kImageSide, 1)) {
    BadInput("{}: the network gives {}, a generator gives images of 28x28x1", source,
             ToString(graph.output_shape()));
  }
  return graph;
}

// Rows [first, first + used) of a matrix, padded to `rows`.
template <typename T>
std::vector<T> Part(const std::vector<T>& all, size_t first, size_t used, size_t rows,
                    size_t width) {
  NUMERAL_CHECK(all.size() >= (first + used) * width);
  std::vector<T> part(rows * width, T{});
  const auto begin = all.begin() + static_cast<int64_t>(first * width);
  std::copy(begin, begin + static_cast<int64_t>(used * width), part.begin());
  return part;
}

}  // namespace

std::vector<float> RunSamplePhase(Executable& executable, const Plan& plan, const Graph& generator,
                                  int phase_rows, const GeneratorInputs& inputs) {
  const int phase = plan.FindPhase(PhaseKind::kSample, phase_rows);
  const auto rows = static_cast<size_t>(phase_rows), count = static_cast<size_t>(inputs.count);
  std::vector<float> images;
  images.reserve(count * kImagePixels);
  const bool conditional = generator.FindInput(InputSpec::Kind::kDigit) >= 0;
  NUMERAL_CHECK(inputs.digits.size() == (conditional ? count : 0));
  for (size_t first = 0; first < count; first += rows) {
    const size_t used = std::min(rows, count - first);
    size_t latent = 0;
    for (const InputSpec& input : generator.inputs) {
      if (input.kind != InputSpec::Kind::kLatent) continue;
      executable.WriteAll(
          RequireTensor(plan, "sample/" + input.name),
          Part(inputs.latents.at(latent++), first, used, rows, static_cast<size_t>(input.shape.c)));
    }
    if (!inputs.digits.empty()) {
      executable.WriteAll(RequireTensor(plan, "sample.digits"),
                          Part(inputs.digits, first, used, rows, 1));
    }
    executable.Enqueue(phase);
    const auto part =
        executable.ReadAll<float>(RequireTensor(plan, "sample.images"), phase_rows * kImagePixels);
    images.insert(images.end(), part.begin(),
                  part.begin() + static_cast<int64_t>(used * kImagePixels));
  }
  return images;
}

std::vector<int32_t> EveryDigit(int64_t count) {
  std::vector<int32_t> digits;
  for (int64_t i = 0; i < count; ++i) digits.push_back(static_cast<int32_t>(i % kDigits));
  return digits;
}

Generator::Generator(const NetworkDescription& description, const NetworkValues& values,
                     Engine& engine, const std::string& source)
    : graph_(BuildGenerator(description, source)),
      pixel_range_(description.pixel_range),
      conditional_(graph_.FindInput(InputSpec::Kind::kDigit) >= 0) {
  plan_ = std::make_shared<const Plan>(CompileGeneratorPlan(graph_, ForwardOptions(engine, kRows)));
  executable_ = engine.Compile(plan_);
  SetValues(values);
}

Generator::Generator(const Weights& weights, Engine& engine)
    : Generator(weights.description,
                MatchWeights(BuildGenerator(weights.description, weights.source), weights), engine,
                weights.source) {}

void Generator::SetValues(const NetworkValues& values) {
  WriteValues(*executable_, *plan_, graph_, graph_.name, values);
  executable_->Enqueue(plan_->FindPhase(PhaseKind::kPrepare, 0));
}

int64_t Generator::latent_size() const {
  int64_t size = 0;
  for (const InputSpec& input : graph_.inputs) {
    if (input.kind == InputSpec::Kind::kLatent) size += input.shape.c;
  }
  return size;
}

GeneratorInputs Generator::DrawInputs(uint64_t seed, int64_t count, double scale,
                                      std::vector<int32_t> digits, int64_t first) const {
  NUMERAL_CHECK(digits.size() == (conditional_ ? static_cast<size_t>(count) : 0));
  GeneratorInputs inputs{count, {}, std::move(digits)};
  for (const InputSpec& input : graph_.inputs) {
    if (input.kind != InputSpec::Kind::kLatent) continue;
    std::vector<float>& values = inputs.latents.emplace_back(
        DrawNoise(input, seed, "generate/" + input.name, 0, first, count));
    for (float& value : values) value *= static_cast<float>(scale);
  }
  return inputs;
}

GeneratorInputs Generator::Split(std::span<const float> latents,
                                 std::vector<int32_t> digits) const {
  const int64_t row = latent_size(), count = static_cast<int64_t>(latents.size()) / row;
  NUMERAL_CHECK(count * row == static_cast<int64_t>(latents.size()));
  GeneratorInputs inputs{count, {}, std::move(digits)};
  int64_t begin = 0;
  for (const InputSpec& input : graph_.inputs) {
    if (input.kind != InputSpec::Kind::kLatent) continue;
    std::vector<float>& part = inputs.latents.emplace_back();
    for (int64_t i = 0; i < count; ++i) {
      const auto from = latents.begin() + i * row + begin;
      part.insert(part.end(), from, from + input.shape.c);
    }
    begin += input.shape.c;
  }
  return inputs;
}

std::vector<float> Generator::Join(const GeneratorInputs& inputs) const {
  std::vector<float> latents;
  for (int64_t i = 0; i < inputs.count; ++i) {
    for (const std::vector<float>& part : inputs.latents) {
      const int64_t size = static_cast<int64_t>(part.size()) / inputs.count;
      latents.insert(latents.end(), part.begin() + i * size, part.begin() + (i + 1) * size);
    }
  }
  return latents;
}

std::vector<uint8_t> Generator::Draw(const GeneratorInputs& inputs) {
  return ToPixels(RunSamplePhase(*executable_, *plan_, graph_, kRows, inputs), pixel_range_[0],
                  pixel_range_[1]);
}

}  // namespace numeral
