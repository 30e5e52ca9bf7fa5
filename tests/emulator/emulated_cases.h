// Op cases on the CUDA engine as it runs on the emulator.
#pragma once

#include <optional>
#include <vector>

#include "cuda/engine/cuda_engine.h"
#include "tests/emulator/stream.h"
#include "tests/support/compare.h"

namespace numeral {

// Every case in fp32 and, where it has activations, in bf16, each under three schedules.
inline void CheckEmulated(const std::vector<OpCase>& cases) {
  std::vector<OpCase> all = cases;
  for (const OpCase& op_case : cases) {
    std::optional<OpCase> rounded = WithBf16Activations(op_case);
    if (rounded) all.push_back(std::move(*rounded));
  }
  for (const uint64_t seed : {1, 2, 3}) {
    emulator::SetSeed(seed);
    CheckCases(*cuda::MakeCudaEngine({}), all);
  }
}

}  // namespace numeral
