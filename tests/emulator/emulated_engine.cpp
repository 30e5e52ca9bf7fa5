#include "tests/emulator/emulated_engine.h"

#include "tests/catch.h"
#include "tests/emulator/stream.h"

namespace numeral::emulator {
namespace {

std::vector<OpCase> InBothTypes(const std::vector<OpCase>& cases) {
  std::vector<OpCase> both = cases;
  for (const OpCase& op_case : cases) {
    if (auto bf16 = WithBf16Activations(op_case)) both.push_back(std::move(*bf16));
  }
  return both;
}

}  // namespace

void CheckEmulated(const std::vector<OpCase>& cases) {
  const std::vector<OpCase> both = InBothTypes(cases);
  for (const uint64_t seed : {1, 2, 3}) {
    INFO("schedule " << seed);
    SetSeed(seed);
    CheckCases(*cuda::MakeCudaEngine({}), both);
  }
}

void CheckMisaligned(const std::vector<OpCase>& cases) {
  std::vector<OpCase> misaligned;
  for (const OpCase& op_case : InBothTypes(cases)) {
    misaligned.push_back(WithMisalignedTensors(op_case));
  }
  SetSeed(1);
  CheckCases(*cuda::MakeCudaEngine({}), misaligned);
}

}  // namespace numeral::emulator
