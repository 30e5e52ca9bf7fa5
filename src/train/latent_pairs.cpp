#include "train/latent_pairs.h"

#include <algorithm>
#include <array>
#include <span>

#include "inference/classifier.h"
#include "inference/generator.h"
#include "inference/noise.h"
#include "util/error.h"

namespace numeral {
namespace {

Weights LoadNamed(const Config& config, const std::string& path, const char* key) {
  if (path.empty()) {
    BadInput(
        "{}: /pairs/{} is empty: a latent predictor learns what a generator draws and a "
        "classifier reads; give --{} FILE",
        config.name, key, key);
  }
  return LoadWeights(path);
}

// The one latent that the generator takes.
InputSpec LatentOf(const Weights& generator) {
  const std::vector<InputSpec>& inputs = generator.description.network.inputs;
  for (const InputSpec& input : inputs) {
    if (input.kind == InputSpec::Kind::kDigit) {
      BadInput("{}: the generator asks for its digit already; it needs no latent predictor",
               generator.source);
    }
  }
  if (inputs.size() != 1 || inputs[0].kind != InputSpec::Kind::kLatent) {
    BadInput(
        "{}: the network takes {} inputs; a latent predictor is for generators with one latent",
        generator.source, inputs.size());
  }
  return inputs[0];
}

void CheckSize(const Config& config, const InputSpec& latent, const std::string& source) {
  const Shape output =
      BuildGraph(config.latent_predictor, config.convention, config.name).output_shape();
  if (output != latent.shape) {
    BadInput("{}: /networks/latent_predictor: the output is {}, the latents of {} are {}",
             config.name, ToString(output), source, ToString(latent.shape));
  }
}

class Collector {
 public:
  Collector(const PairsSpec& spec, int latent_size) : spec_(spec) {
    pairs_.latent_size = latent_size;
  }

  bool Full() const { return pairs_.count() == int64_t{spec_.per_digit} * kDigits; }
  int64_t kept() const { return pairs_.count(); }
  LatentPairs Take() { return std::move(pairs_); }

  void Add(const std::vector<float>& latents, const Readings& readings) {
    const auto size = static_cast<int64_t>(pairs_.latent_size);
    for (int64_t i = 0; i < readings.count; ++i) {
      const int digit = readings.digits[static_cast<size_t>(i)];
      const double confidence = readings.probabilities[static_cast<size_t>(i * kDigits + digit)];
      int& found = found_[static_cast<size_t>(digit)];
      if (found == spec_.per_digit || confidence < spec_.min_confidence) continue;
      ++found;
      pairs_.digits.push_back(static_cast<uint8_t>(digit));
      pairs_.latents.insert(pairs_.latents.end(), latents.begin() + i * size,
                            latents.begin() + (i + 1) * size);
    }
  }

  [[noreturn]] void GiveUp(const std::string& generator) const {
    const auto rarest = std::min_element(found_.begin(), found_.end());
    BadInput(
        "{}: of {} images {} are read as a {} with confidence {} or more, {} are asked for; "
        "lower /pairs/min_confidence or /pairs/per_digit, or raise /pairs/max_draws",
        generator, spec_.max_draws, *rarest, rarest - found_.begin(), spec_.min_confidence,
        spec_.per_digit);
  }

 private:
  const PairsSpec& spec_;
  LatentPairs pairs_;
  std::array<int, kDigits> found_{};
};

}  // namespace

LatentPairs DrawLatentPairs(const Config& config, Engine& engine, const PairsProgress& progress) {
  const PairsSpec& spec = config.pairs;
  const Weights weights = LoadNamed(config, spec.generator, "generator");
  const Weights reader = LoadNamed(config, spec.classifier, "classifier");
  const InputSpec latent = LatentOf(weights);
  CheckSize(config, latent, weights.source);
  Generator generator(weights, engine);
  Classifier classifier(reader, engine);
  Collector collector(spec, latent.shape.c);
  uint64_t batch = 0;
  for (int64_t drawn = 0; !collector.Full(); ++batch) {
    const int64_t count = std::min<int64_t>(Generator::kRows, spec.max_draws - drawn);
    if (count == 0) collector.GiveUp(weights.source);
    GeneratorInputs inputs{
        count, {DrawNoise(latent, config.seed, "pairs/latents", batch, 0, count)}, {}};
    collector.Add(inputs.latents[0], classifier.Read(generator.Draw(inputs)));
    drawn += count;
    progress(collector.kept(), drawn);
  }
  return collector.Take();
}

// FNV-1a, 64 bits.
std::string FingerprintOf(const LatentPairs& pairs) {
  uint64_t hash = 14695981039346656037u;
  const auto take = [&](std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) hash = (hash ^ static_cast<uint8_t>(b)) * 1099511628211u;
  };
  take(std::as_bytes(std::span(pairs.latents)));
  take(std::as_bytes(std::span(pairs.digits)));
  return fmt::format("{:016x}", hash);
}

}  // namespace numeral
