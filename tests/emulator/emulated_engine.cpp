#include "tests/emulator/emulated_engine.h"

#include "tests/catch.h"
#include "tests/emulator/stream.h"

namespace numeral::emulator {

void CheckEmulated(const std::vector<OpCase>& cases) {
  std::vector<OpCase> both = cases;
  for (const OpCase& op_case : cases) {
    if (auto bf16 = WithBf16Activations(op_case)) both.push_back(std::move(*bf16));
  }
  for (const uint64_t seed : {1, 2, 3}) {
    INFO("schedule " << seed);
    SetSeed(seed);
    CheckCases(*cuda::MakeCudaEngine({}), both);
  }
}

}  // namespace numeral::emulator
