// Generators with made-up weights, for images that differ and that a classifier can tell apart.
#pragma once

#include <filesystem>

#include "inference/network_values.h"
#include "tests/train/small_runs.h"

namespace numeral {

// That of GanJson with latents of `latent_size` numbers, 5 at least, and all of its noise. The
// first ten pixels, which LinearClassifier reads, follow from a latent number each, two of them in
// opposite directions, and from the digit where that is given: every digit is as likely.
inline void WriteVividGenerator(const std::filesystem::path& path, bool conditional, uint64_t seed,
                                int latent_size = 6) {
  Json json = GanJson(conditional);
  json["networks"]["generator"]["inputs"]["z"]["size"] = latent_size;
  const Config config = ParseConfig(json, "vivid", "gan");
  const Graph graph = BuildGraph(config.generator, config.convention, "vivid");
  NetworkValues values = InitialNetworkValues(graph, seed);
  const auto inputs = static_cast<size_t>(latent_size + (conditional ? kDigits : 0));
  constexpr size_t kHidden = 20;
  for (std::vector<float>& weight : values) {
    const bool enters = weight.size() == kHidden * inputs;
    if (!enters && weight.size() != kHidden * kImagePixels) continue;
    for (float& value : weight) value *= 8;
    for (size_t digit = 0; digit < kDigits; ++digit) {
      const size_t width = enters ? inputs : kHidden;
      std::fill_n(weight.begin() + static_cast<int64_t>(digit * width), width, 0.0f);
      if (!enters) {
        weight[digit * width + digit] = 1;
        continue;
      }
      weight[digit * width + digit / 2] = digit % 2 == 0 ? 1.0f : -1.0f;
      if (conditional) weight[digit * width + static_cast<size_t>(latent_size) + digit] = 2;
    }
  }
  SaveWeights(path, {config.generator, config.convention, config.data.pixel_range}, graph, values);
}

// A latent predictor that nobody trained: a digit to a latent or, with `noise`, by flow matching.
inline void WritePredictor(const std::filesystem::path& path, bool noise, int latent_size = 6) {
  Json network = Json::parse(R"({"inputs": {"digit": {"kind": "digit"}}, "layers": [
                                 {"name": "all", "type": "concat", "inputs": ["digit"]}]})");
  if (noise) {
    network["inputs"]["noise"] = {{"kind", "latent"}, {"size", latent_size}};
    network["inputs"]["time"] = {{"kind", "time"}};
    network["layers"][0]["inputs"] = {"digit", "noise", "time"};
  } else {
    network["layers"].clear();
  }
  network["layers"].push_back({{"type", "dense"}, {"units", latent_size}});
  const NetworkSpec spec =
      ParseNetwork(network, "latent_predictor", Convention::kPyTorch, "predictor");
  const Graph graph = BuildGraph(spec, Convention::kPyTorch, "predictor");
  SaveWeights(path, {spec, Convention::kPyTorch, {-1, 1}}, graph, InitialNetworkValues(graph, 8));
}

}  // namespace numeral
