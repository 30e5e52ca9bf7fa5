// What the page asks for, from JSON text to checked values.
//
// Refuses, in one sentence that names the key: text that is no JSON object, keys that nobody knows,
// wrong types, values out of range, latents that do not fit the source. Throws Error(kBadInput).
// Called by the drawing side of the page's server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "render/number.h"

namespace numeral {

// JavaScript knows no larger whole numbers.
inline constexpr int64_t kLargestServedSeed = (int64_t{1} << 53) - 1;

// What requests are checked against.
struct SourceFacts {
  bool knows_digits = false, needs_digits = false;
  int64_t latent_size = 0;
  int64_t most_digits = 0;  // of one request
};

// {"digits": "2026", "seed": 1}, or {"count": 8, "seed": 1} where digits cannot be asked for.
struct DrawRequest {
  std::vector<int32_t> digits;
  uint64_t seed = 1;
};
DrawRequest ParseDrawRequest(const std::string& text, const SourceFacts& facts);

// {"latents": [[...], ...], "digits": "2026"}; the digits may be missing or null where the source
// need not be told.
struct ImagesRequest {
  std::vector<float> latents;   // [n][latent_size]
  std::vector<int32_t> digits;  // [n], kAnyDigit where not given
};
ImagesRequest ParseImagesRequest(const std::string& text, const SourceFacts& facts);

// The same with an optional "layout": {"min_spacing", "max_spacing", "thousands_spacing", "scale",
// "seed"}, each optional.
struct StripRequest {
  ImagesRequest images;
  NumberLayout layout;
};
StripRequest ParseStripRequest(const std::string& text, const SourceFacts& facts);

// {"latent": [...]}
std::vector<float> ParseLatentRequest(const std::string& text, const SourceFacts& facts);

}  // namespace numeral
