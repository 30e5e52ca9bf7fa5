// One Catch assertion for a whole tensor.
#pragma once

#include <vector>

#include "tests/catch.h"
#include "tests/support/compare.h"

namespace numeral {

inline void CheckValues(const std::vector<double>& actual, const std::vector<double>& expected,
                        const Tolerance& tolerance = tolerance::kByHand) {
  ValueComparison comparison(tolerance);
  comparison.Add("values", actual, expected);
  INFO(comparison.Summary());
  CHECK(comparison.passed());
}

}  // namespace numeral
