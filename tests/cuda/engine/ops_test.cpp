// Every op of the CUDA engine against the reference, with fp32 and with bf16 activations.
#include "tests/catch.h"
#include "tests/cuda/engine/tested_engine.h"
#include "tests/support/compare.h"
#include "tests/support/op_cases.h"

namespace numeral {

TEST_CASE("cuda: every op in fp32", "[gpu][ops]") { CheckCases(*MakeTestedEngine(), AllCases()); }

TEST_CASE("cuda: every op with bf16 activations", "[gpu][ops]") {
  std::vector<OpCase> cases;
  for (const OpCase& op_case : AllCases()) {
    if (auto bf16 = WithBf16Activations(op_case)) cases.push_back(std::move(*bf16));
  }
  CheckCases(*MakeTestedEngine(), cases);
}

}  // namespace numeral
