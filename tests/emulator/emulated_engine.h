// The CUDA engine over the fake runtime.
#pragma once

#include "cuda/engine/cuda_engine.h"
#include "tests/support/compare.h"

namespace numeral::emulator {

// Holds the engine against the reference in fp32 and, where an op has activations, with these as
// bf16; under three schedules.
void CheckEmulated(const std::vector<OpCase>& cases);

// The same with every tensor one element off the alignment that 16-byte accesses need; under one
// schedule.
void CheckMisaligned(const std::vector<OpCase>& cases);

}  // namespace numeral::emulator
