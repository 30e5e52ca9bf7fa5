// Every op of the CPU engine against the reference (support/op_cases.h has the shapes).
#include "tests/cpu/bf16_engine.h"
#include "tests/support/compare.h"
#include "tests/support/op_cases.h"

namespace numeral {
namespace {

void CheckOnCpu(const std::vector<OpCase>& cases) { CheckCases(*MakeCpuEngine(), cases); }

TEST_CASE("cpu: sources") { CheckOnCpu(SourceCases()); }
TEST_CASE("cpu: convolutions") { CheckOnCpu(ConvCases()); }
TEST_CASE("cpu: products") { CheckOnCpu(DenseCases()); }
TEST_CASE("cpu: bias, activation and dropout") { CheckOnCpu(BiasActCases()); }
TEST_CASE("cpu: batch norm") { CheckOnCpu(BatchNormCases()); }
TEST_CASE("cpu: sums and products of two") { CheckOnCpu(BinaryCases()); }
TEST_CASE("cpu: pools") { CheckOnCpu(PoolCases()); }
TEST_CASE("cpu: shape changes") { CheckOnCpu(RearrangeCases()); }
TEST_CASE("cpu: losses and accuracies") { CheckOnCpu(LossCases()); }
TEST_CASE("cpu: updates") { CheckOnCpu(UpdateCases()); }
TEST_CASE("cpu: conversions") { CheckOnCpu(ConvertCases()); }

TEST_CASE("cpu: every op with bf16 activations", "[bf16]") {
  const auto engine = MakeCpuEngine({.threads = 2});  // weight gradients split a batch
  if (!HasBf16(*engine)) return;
  std::vector<OpCase> cases;
  for (const OpCase& op_case : AllCases()) {
    if (auto bf16 = WithBf16Activations(op_case)) cases.push_back(std::move(*bf16));
  }
  CheckCases(*engine, cases);
}

TEST_CASE("cpu: every op is supported") {
  const auto engine = MakeCpuEngine();
  for (const OpCase& op_case : AllCases()) {
    INFO(op_case.name);
    CHECK(engine->Supports(op_case.op()));
  }
}

}  // namespace
}  // namespace numeral
