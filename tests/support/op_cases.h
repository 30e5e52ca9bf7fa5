// The cases of every op, by family, for any engine: batch 1, primes, channels off the vector width.
#pragma once

#include <vector>

#include "tests/support/one_op.h"

namespace numeral {

std::vector<OpCase> SourceCases();
std::vector<OpCase> ConvCases();
std::vector<OpCase> DenseCases();
std::vector<OpCase> BiasActCases();
std::vector<OpCase> BatchNormCases();
std::vector<OpCase> BinaryCases();
std::vector<OpCase> PoolCases();
std::vector<OpCase> RearrangeCases();
std::vector<OpCase> LossCases();
std::vector<OpCase> UpdateCases();
std::vector<OpCase> ConvertCases();

// All of the above.
std::vector<OpCase> AllCases();

// ---- shared by the families
// -------------------------------------------------------------------------

// One of each kind, with ReLU and a leaky one.
const std::vector<Activation>& AllActivations();
std::string Describe(const Activation& activation);
inline const char* Describe(GradientMode mode) {
  return mode == GradientMode::kOverwrite ? "overwrite" : "accumulate";
}
inline constexpr GradientMode kBothModes[] = {GradientMode::kOverwrite, GradientMode::kAccumulate};

}  // namespace numeral
