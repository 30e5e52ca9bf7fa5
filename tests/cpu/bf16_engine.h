// The CPU engine for tests of bf16, which few processors have.
#pragma once

#include <algorithm>

#include "engine/engine.h"
#include "tests/catch.h"

namespace numeral {

// False, with a word why, where the test must be skipped.
inline bool HasBf16(const Engine& engine) {
  const Capabilities& capabilities = engine.capabilities();
  const bool has = std::count(capabilities.precisions.begin(), capabilities.precisions.end(),
                              Precision::kBf16) > 0;
  if (!has) WARN("skipped: the cpu engine computes in " << capabilities.precisions_text);
  return has;
}

}  // namespace numeral
