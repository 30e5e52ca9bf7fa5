#include <fmt/format.h>

#include <cmath>

#include "tests/support/op_cases.h"
#include "util/random.h"

namespace numeral {

namespace {

struct Setting {
  int rows;
  Shape in, out;
  PoolGeometry geometry;
  bool ties = false;  // few distinct values, so that windows have equal maxima

  std::string Name() const {
    return fmt::format("{}x{} to {}, {}x{} window{}", rows, ToString(in), ToString(out), geometry.r,
                       geometry.s, ties ? ", ties" : "");
  }
};

const std::vector<Setting>& Settings() {
  static const std::vector<Setting> settings = {
      {1, Shape::Spatial(2, 2, 1), Shape::Spatial(1, 1, 1), {2, 2, 2, 2, 0, 0}},
      {3, Shape::Spatial(8, 6, 17), Shape::Spatial(4, 3, 17), {2, 2, 2, 2, 0, 0}},
      // Overlapping windows with padding: elements that win several times.
      {2, Shape::Spatial(7, 7, 24), Shape::Spatial(4, 4, 24), {3, 3, 2, 2, 1, 1}, true},
      // Unequal sides; rows and columns left over.
      {5, Shape::Spatial(5, 7, 3), Shape::Spatial(3, 3, 3), {3, 2, 1, 2, 0, 0}},
      {2, Shape::Spatial(5, 4, 3), Shape::Spatial(3, 4, 3), {2, 3, 2, 1, 1, 1}, true},
  };
  return settings;
}

void FillInput(OneOpPlan& plan, TensorId x, bool ties) {
  if (!ties) return plan.SetUniform(x, -1, 1);
  std::vector<float> values(static_cast<size_t>(plan.info(x).elems()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(ChoiceFromBits(DrawBits(5, 5, 5, i), 3)) - 2;
  }
  plan.SetReals(x, values);
}

OpCase ForwardCase(const Setting& s, bool training) {
  OneOpPlan plan;
  const TensorId x = plan.Add("x", s.rows, s.in);
  FillInput(plan, x, s.ties);
  const TensorId y = plan.Add("y", s.rows, s.out);
  const TensorId argmax = training ? plan.Add("argmax", s.rows, s.out, DType::kI32) : kNoTensor;
  return plan.Finish(s.Name() + (training ? "" : ", inference"),
                     MaxPoolForward{s.geometry, x, y, argmax}, tolerance::kExact);
}

OpCase BackwardCase(const Setting& s, GradientMode mode) {
  OneOpPlan plan;
  const TensorId grad_y = plan.Add("grad_y", s.rows, s.out);
  const TensorId argmax = plan.Add("argmax", s.rows, s.out, DType::kI32);
  plan.SetIntegers(argmax, ReferenceResult(ForwardCase(s, true)).Integers("argmax"));
  const TensorId grad_x = plan.Add("grad_x", s.rows, s.in);
  return plan.Finish(fmt::format("{}, {}", s.Name(), Describe(mode)),
                     MaxPoolBackward{s.geometry, grad_y, argmax, grad_x, mode},
                     tolerance::kElementwise);
}

OpCase GlobalForwardCase(int rows, const Shape& shape, bool training, bool ties) {
  OneOpPlan plan;
  const TensorId x = plan.Add("x", rows, shape);
  FillInput(plan, x, ties);
  const Shape channels = Shape::Flat(shape.c);
  const TensorId y = plan.Add("y", rows, channels);
  const TensorId argmax = training ? plan.Add("argmax", rows, channels, DType::kI32) : kNoTensor;
  return plan.Finish(fmt::format("{}x{}{}{}", rows, ToString(shape), training ? "" : ", inference",
                                 ties ? ", ties" : ""),
                     GlobalMaxPoolForward{x, y, argmax}, tolerance::kExact);
}

OpCase GlobalBackwardCase(int rows, const Shape& shape, GradientMode mode) {
  OneOpPlan plan;
  const Shape channels = Shape::Flat(shape.c);
  const TensorId grad_y = plan.Add("grad_y", rows, channels);
  const TensorId argmax = plan.Add("argmax", rows, channels, DType::kI32);
  const OpCase forward = GlobalForwardCase(rows, shape, true, false);
  plan.SetIntegers(argmax, ReferenceResult(forward).Integers("argmax"));
  const TensorId grad_x = plan.Add("grad_x", rows, shape);
  return plan.Finish(fmt::format("{}x{}, {}", rows, ToString(shape), Describe(mode)),
                     GlobalMaxPoolBackward{grad_y, argmax, grad_x, mode}, tolerance::kElementwise);
}

}  // namespace

std::vector<OpCase> PoolCases() {
  std::vector<OpCase> cases;
  for (const Setting& setting : Settings()) {
    for (const bool training : {true, false}) cases.push_back(ForwardCase(setting, training));
    for (const GradientMode mode : kBothModes) cases.push_back(BackwardCase(setting, mode));
  }
  struct Global {
    int rows;
    Shape shape;
  };
  for (const auto& [rows, shape] :
       {Global{1, Shape::Spatial(1, 1, 1)}, Global{3, Shape::Spatial(7, 5, 17)},
        Global{2, Shape::Spatial(14, 14, 24)}, Global{7, Shape::Spatial(2, 3, 3)},
        Global{1, Shape::Spatial(28, 27, 8)}, Global{2, Shape::Spatial(3, 2, 272)}}) {
    cases.push_back(GlobalForwardCase(rows, shape, true, false));
    cases.push_back(GlobalForwardCase(rows, shape, true, true));
    cases.push_back(GlobalForwardCase(rows, shape, false, true));
    for (const GradientMode mode : kBothModes) {
      cases.push_back(GlobalBackwardCase(rows, shape, mode));
    }
  }
  return cases;
}

}  // namespace numeral
