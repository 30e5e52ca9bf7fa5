#include <fmt/format.h>

#include "tests/support/op_cases.h"

namespace numeral {

namespace {

struct Setting {
  int rows;
  Shape shape;
  Activation activation;
  bool unbiased = true;
  double mean = 0.5;  // of x, whose values lie within 1 of it

  std::string Name() const {
    return fmt::format("{}x{} around {}, {}, {}", rows, ToString(shape), mean, Describe(activation),
                       unbiased ? "unbiased" : "biased");
  }
  Tolerance ToleranceOf() const {
    return mean > 10 ? tolerance::kLargeMean : tolerance::kStatistics;
  }
};

const std::vector<Setting>& Settings() {
  static const std::vector<Setting> settings = [] {
    const Activation leaky{ActivationKind::kLeakyRelu, 0.2f};
    std::vector<Setting> list = {
        {2, Shape::Flat(1), {}},
        {5, Shape::Flat(17), {}, false},
        {16, Shape::Spatial(1, 1, 2), leaky},
        {1, Shape::Spatial(4, 4, 5), leaky},
        {4, Shape::Spatial(7, 7, 24), {ActivationKind::kTanh}},
        {3, Shape::Spatial(14, 14, 3), {}, true, 100},
        {64, Shape::Flat(33), leaky, false, -3},
        // One value per channel: its deviation is 0.
        {1, Shape::Flat(3), {}, false},
        // So many rows, and so many columns, that an engine divides them.
        {2, Shape::Spatial(24, 25, 37), leaky, true, 100},
        {5, Shape::Spatial(15, 15, 68), leaky, false},
        {6, Shape::Spatial(28, 28, 32), {}},
        {9, Shape::Flat(1004), {ActivationKind::kTanh}},
        {2, Shape::Flat(132), leaky},
    };
    for (const Activation& activation : AllActivations()) {
      list.push_back({3, Shape::Spatial(3, 5, 3), activation});
    }
    return list;
  }();
  return settings;
}

OpCase ForwardCase(const Setting& s) {
  OneOpPlan plan;
  BatchNormForward op;
  op.x = plan.Add("x", s.rows, s.shape);
  plan.SetUniform(op.x, s.mean - 1, s.mean + 1);
  op.scale = plan.AddVector("scale", s.shape.c);
  plan.SetUniform(op.scale, 0.5, 1.5);
  op.shift = plan.AddVector("shift", s.shape.c);
  op.y = plan.Add("y", s.rows, s.shape);
  op.mean = plan.AddVector("mean", s.shape.c);
  op.inv_std = plan.AddVector("inv_std", s.shape.c);
  op.running_mean = plan.AddVector("running_mean", s.shape.c);
  op.running_variance = plan.AddVector("running_variance", s.shape.c);
  plan.SetUniform(op.running_variance, 0.5, 2);
  // Large where the variance may be 0, so that 1 / sqrt(epsilon) does not blow the roundings up.
  op.epsilon = s.rows * s.shape.Pixels() == 1 ? 0.1f : 1e-5f;
  op.keep = 0.9f;
  op.unbiased_running_variance = s.unbiased;
  op.activation = s.activation;
  return plan.Finish(s.Name(), op, s.ToleranceOf());
}

OpCase InferenceCase(const Setting& s, bool in_place) {
  OneOpPlan plan;
  BatchNormInference op;
  op.x = plan.Add("x", s.rows, s.shape);
  op.scale = plan.AddVector("scale", s.shape.c);
  op.shift = plan.AddVector("shift", s.shape.c);
  op.running_mean = plan.AddVector("running_mean", s.shape.c);
  op.running_variance = plan.AddVector("running_variance", s.shape.c);
  plan.SetUniform(op.running_variance, 0.5, 2);
  op.y = in_place ? plan.AddOverlay("y", op.x) : plan.Add("y", s.rows, s.shape);
  op.epsilon = 1e-3f;
  op.activation = s.activation;
  return plan.Finish(s.Name() + (in_place ? ", in place" : ""), op, tolerance::kTranscendental);
}

OpCase BackwardCase(const Setting& s, bool in_place, bool params, GradientMode mode) {
  const ReferenceResult forward(ForwardCase(s));
  OneOpPlan plan;
  BatchNormBackward op;
  const auto given = [&](const std::string& name, int rows, const Shape& shape) {
    const TensorId id = plan.Add(name, rows, shape);
    plan.SetReals(id, forward.Reals(name));
    return id;
  };
  const Shape channels = Shape::Flat(s.shape.c);
  op.x = given("x", s.rows, s.shape);
  op.y = given("y", s.rows, s.shape);
  op.scale = given("scale", 1, channels);
  op.mean = given("mean", 1, channels);
  op.inv_std = given("inv_std", 1, channels);
  op.grad_y = plan.Add("grad_y", s.rows, s.shape);
  op.grad_x = in_place ? plan.AddOverlay("grad_x", op.grad_y) : plan.Add("grad_x", s.rows, s.shape);
  op.grad_scale = params ? plan.AddVector("grad_scale", s.shape.c) : kNoTensor;
  op.grad_shift = params ? plan.AddVector("grad_shift", s.shape.c) : kNoTensor;
  op.mode = mode;
  op.activation = s.activation;
  return plan.Finish(fmt::format("{}{}{}", s.Name(), in_place ? ", in place" : "",
                                 params ? fmt::format(", {}", Describe(mode)) : ""),
                     op, s.ToleranceOf());
}

}  // namespace

std::vector<OpCase> BatchNormCases() {
  std::vector<OpCase> cases;
  for (const Setting& setting : Settings()) {
    cases.push_back(ForwardCase(setting));
    for (const bool in_place : {false, true}) {
      cases.push_back(InferenceCase(setting, in_place));
      cases.push_back(BackwardCase(setting, in_place, false, GradientMode::kOverwrite));
      for (const GradientMode mode : kBothModes) {
        cases.push_back(BackwardCase(setting, in_place, true, mode));
      }
    }
  }
  return cases;
}

}  // namespace numeral
