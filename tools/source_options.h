// Who draws the digits of `generate`: its options, and the source that follows from them.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "inference/digit_source.h"

namespace numeral {

struct SourceOptions {
  std::string generator, generators, latent_predictor, classifier, latents;
  std::string generator_config, classifier_config;
  double min_confidence = 0, latent_scale = 1;
  int digit = kAnyDigit;
  uint64_t seed = 1;
};

void DeclareSource(CLI::App& app, SourceOptions& options);

struct NamedSource {
  std::string name;  // of the generators, for people
  std::unique_ptr<DigitSource> source;
  int64_t latents = 0;  // that --latents gave; 0: as many as one likes
};

// Loads the weights files. `note` is told what was chosen where nothing was said. Throws
// Error(kBadInput).
NamedSource MakeSource(const SourceOptions& options, Engine& engine,
                       const std::function<void(const std::string&)>& note);

}  // namespace numeral
