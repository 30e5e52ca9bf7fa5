#include <fmt/format.h>

#include "tests/support/op_cases.h"

namespace numeral {

namespace {

const char* Name(DType dtype) { return dtype == DType::kF32 ? "fp32" : "bf16"; }

OpCase ConvertCase(int elems, DType from, DType to) {
  OneOpPlan plan;
  const TensorId x = plan.Add("x", 1, Shape::Flat(elems), from);
  const TensorId y = plan.Add("y", 1, Shape::Flat(elems), to);
  // One rounding to the nearest is at most half the distance between bf16 numbers.
  const bool rounds = from == DType::kF32 && to == DType::kBF16;
  return plan.Finish(fmt::format("{} from {} to {}", elems, Name(from), Name(to)), Convert{x, y},
                     rounds ? Tolerance{0, 0x1p-8} : tolerance::kExact);
}

}  // namespace

std::vector<OpCase> ConvertCases() {
  std::vector<OpCase> cases;
  for (const int elems : {1, 7, 24, 1009}) {
    for (const DType from : {DType::kF32, DType::kBF16}) {
      for (const DType to : {DType::kF32, DType::kBF16}) {
        cases.push_back(ConvertCase(elems, from, to));
      }
    }
  }
  return cases;
}

}  // namespace numeral
