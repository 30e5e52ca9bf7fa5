#include <fmt/format.h>

#include "tests/support/op_cases.h"

namespace numeral {

namespace {

struct Size {
  int rows;
  Shape shape;
};
const Size kSizes[] = {{1, Shape::Spatial(3, 3, 5)},   {3, Shape::Flat(17)},
                       {2, Shape::Spatial(7, 5, 24)},  {5, Shape::Spatial(1, 1, 1)},
                       {2, Shape::Spatial(28, 27, 8)},   // many pixels
                       {3, Shape::Spatial(2, 2, 272)}};  // many channels

const char* Describe(BinaryKind kind) { return kind == BinaryKind::kAdd ? "add" : "multiply"; }

OpCase ForwardCase(const Size& size, BinaryKind kind, bool spread) {
  OneOpPlan plan;
  const TensorId a = plan.Add("a", size.rows, size.shape);
  const TensorId b = plan.Add("b", size.rows, spread ? Shape::Flat(size.shape.c) : size.shape);
  const TensorId y = plan.Add("y", size.rows, size.shape);
  return plan.Finish(fmt::format("{} {}x{}{}", Describe(kind), size.rows, ToString(size.shape),
                                 spread ? ", spread" : ""),
                     BinaryForward{kind, spread, a, b, y}, tolerance::kElementwise);
}

// The three gradients there are: of an operand of full shape beside one of full shape or a spread
// one, and of a spread one.
OpCase BackwardCase(const Size& size, BinaryKind kind, bool reduce, bool spread_other,
                    GradientMode mode) {
  OneOpPlan plan;
  const Shape channels = Shape::Flat(size.shape.c);
  const TensorId grad_y = plan.Add("grad_y", size.rows, size.shape);
  const TensorId other = kind == BinaryKind::kAdd
                             ? kNoTensor
                             : plan.Add("other", size.rows, spread_other ? channels : size.shape);
  const TensorId grad_x = plan.Add("grad_x", size.rows, reduce ? channels : size.shape);
  return plan.Finish(
      fmt::format("{} {}x{}{}{}, {}", Describe(kind), size.rows, ToString(size.shape),
                  reduce ? ", reduce" : "", spread_other ? ", other spread" : "", Describe(mode)),
      BinaryBackward{kind, reduce, spread_other, grad_y, other, grad_x, mode}, tolerance::kSum);
}

}  // namespace

std::vector<OpCase> BinaryCases() {
  std::vector<OpCase> cases;
  for (const Size& size : kSizes) {
    for (const BinaryKind kind : {BinaryKind::kAdd, BinaryKind::kMultiply}) {
      cases.push_back(ForwardCase(size, kind, false));
      if (size.shape.spatial) cases.push_back(ForwardCase(size, kind, true));
      for (const GradientMode mode : kBothModes) {
        cases.push_back(BackwardCase(size, kind, false, false, mode));
        if (!size.shape.spatial) continue;
        cases.push_back(BackwardCase(size, kind, false, true, mode));
        cases.push_back(BackwardCase(size, kind, true, false, mode));
      }
    }
  }
  for (const int elems : {1, 17, 1000}) {
    OneOpPlan plan;
    const TensorId source = plan.AddVector("source", elems);
    const TensorId target = plan.AddVector("target", elems);
    cases.push_back(
        plan.Finish(fmt::format("{}", elems), Accumulate{source, target}, tolerance::kElementwise));
  }
  return cases;
}

}  // namespace numeral
