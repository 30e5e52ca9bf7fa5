#include "tests/catch.h"
#include "tests/support/compare.h"
#include "util/error.h"

namespace numeral {

void CheckCases(Engine& engine, const std::vector<OpCase>& cases) {
  int run = 0;
  for (const OpCase& op_case : cases) {
    INFO(op_case.name);
    if (!engine.Supports(op_case.op())) {
      CHECK(op_case.needs_epilogue);
      continue;
    }
    ++run;
    try {
      const ValueComparison comparison = CompareWithReference(engine, op_case);
      INFO(comparison.Summary());
      CHECK(comparison.passed());
    } catch (const Error& error) {
      FAIL_CHECK(error.what());
    }
  }
  REQUIRE(run > 0);
}

}  // namespace numeral
