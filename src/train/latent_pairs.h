// What a latent predictor learns from: latents of a frozen generator, each with the digit that a
// classifier reads from its image.
//
// A function of the config's seed and /pairs and of the weights in both files: a run that is
// resumed makes them again, and knows by FingerprintOf whether they are the same.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config/spec.h"
#include "engine/engine.h"

namespace numeral {

struct LatentPairs {
  int latent_size = 0;
  std::vector<float> latents;   // [count][latent_size]
  std::vector<uint8_t> digits;  // [count]
  int64_t count() const { return static_cast<int64_t>(digits.size()); }
};

// Told now and then: the pairs kept so far, and the latents drawn for them.
using PairsProgress = std::function<void(int64_t kept, int64_t drawn)>;

// Draws latents and keeps those whose image is read with config.pairs.min_confidence, per_digit of
// each digit, in the order drawn. Throws Error(kBadInput) where a file is not named or holds no
// unconditional generator with one latent or no classifier, where config.latent_predictor does not
// give latents of the generator's size, and where max_draws latents have too few of a digit.
LatentPairs DrawLatentPairs(const Config& config, Engine& engine, const PairsProgress& progress);

// Equal for the same pairs; 16 hexadecimal digits.
std::string FingerprintOf(const LatentPairs& pairs);

}  // namespace numeral
