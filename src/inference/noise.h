// Latents, rows at a time: what is drawn for a row does not depend on how many rows are asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/spec.h"

namespace numeral {

// [count][size] of a latent input, rows from `first` on: element row * size + feature of the stream
// of that name at `step`. Fails beyond the 2^34 elements that a step of a stream has.
std::vector<float> DrawNoise(const InputSpec& input, uint64_t seed, const std::string& stream,
                             uint64_t step, int64_t first, int64_t count);

}  // namespace numeral
