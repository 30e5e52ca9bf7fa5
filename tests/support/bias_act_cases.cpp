#include <fmt/format.h>

#include "tests/support/op_cases.h"
#include "util/random.h"

namespace numeral {

namespace {

// How the result lies to its source.
enum class Place { kApart, kSameTensor, kSameMemory };
constexpr Place kPlaces[] = {Place::kApart, Place::kSameTensor, Place::kSameMemory};

const char* Describe(Place place) {
  switch (place) {
    case Place::kApart:
      return "apart";
    case Place::kSameTensor:
      return "same tensor";
    case Place::kSameMemory:
      return "same memory";
  }
  return "";
}

TensorId AddResult(OneOpPlan& plan, const std::string& name, TensorId source, Place place) {
  switch (place) {
    case Place::kApart:
      return plan.Add(name, plan.info(source).rows, plan.info(source).shape);
    case Place::kSameTensor:
      return source;
    case Place::kSameMemory:
      return plan.AddOverlay(name, source);
  }
  return kNoTensor;
}

// The real and the fake half of a joined batch, or every row by itself.
std::vector<DropoutRows> Segments(int rows, int count) {
  std::vector<DropoutRows> segments;
  for (int i = 0; i < count; ++i) {
    segments.push_back({i * rows / count, StreamId(fmt::format("dropout/layer/{}", i))});
  }
  return segments;
}

struct Setting {
  int rows;
  Shape shape;
  Activation activation;
  float rate = 0;
  int segments = 1;
  bool bias = true;
  Place place = Place::kApart;

  std::string Name() const {
    return fmt::format("{}x{} {}, {} dropout in {}, {} bias, {}", rows, ToString(shape),
                       Describe(activation), rate, segments, bias ? "with" : "no", Describe(place));
  }
  Tolerance ToleranceOf() const {
    const bool smooth =
        activation.kind == ActivationKind::kTanh || activation.kind == ActivationKind::kSigmoid;
    return smooth ? tolerance::kTranscendental : tolerance::kElementwise;
  }
};

OpCase ForwardCase(const Setting& s) {
  OneOpPlan plan;
  BiasActForward op;
  op.x = plan.Add("x", s.rows, s.shape);
  plan.SetUniform(op.x, -2, 2);
  op.bias = s.bias ? plan.AddVector("bias", s.shape.c) : kNoTensor;
  op.y = AddResult(plan, "y", op.x, s.place);
  op.activation = s.activation;
  op.dropout_rate = s.rate;
  op.step = kNoTensor;
  if (s.rate > 0) {
    op.dropout_rows = Segments(s.rows, s.segments);
    op.step = plan.AddStep(41);
  }
  return plan.Finish(s.Name(), op, s.ToleranceOf());
}

// Backward from what the reference's forward gives, signs of zero included.
OpCase BackwardCase(const Setting& s, bool grad_bias, GradientMode mode) {
  Setting apart = s;
  apart.place = Place::kApart;
  const bool reads_y = s.activation.kind != ActivationKind::kIdentity || s.rate > 0;
  OneOpPlan plan;
  BiasActBackward op;
  op.y = kNoTensor;
  if (reads_y) {
    op.y = plan.Add("y", s.rows, s.shape);
    plan.SetReals(op.y, ReferenceResult(ForwardCase(apart)).Reals("y"));
  }
  op.grad_y = plan.Add("grad_y", s.rows, s.shape);
  op.grad_x = AddResult(plan, "grad_x", op.grad_y, s.place);
  op.grad_bias = grad_bias ? plan.AddVector("grad_bias", s.shape.c) : kNoTensor;
  op.activation = s.activation;
  op.dropout_rate = s.rate;
  op.bias_mode = mode;
  return plan.Finish(fmt::format("{}{}", s.Name(), grad_bias ? Describe(mode) : ""), op,
                     tolerance::kSum);
}

void AddBackward(const Setting& setting, std::vector<OpCase>& cases) {
  cases.push_back(BackwardCase(setting, false, GradientMode::kOverwrite));
  for (const GradientMode mode : kBothModes) cases.push_back(BackwardCase(setting, true, mode));
}

}  // namespace

std::vector<OpCase> BiasActCases() {
  std::vector<OpCase> cases;
  for (const Activation& activation : AllActivations()) {
    for (const Place place : kPlaces) {
      for (const float rate : {0.0f, 0.3f}) {
        for (const bool bias : {false, true}) {
          const Setting setting{3, Shape::Spatial(5, 7, 17), activation, rate, 2, bias, place};
          cases.push_back(ForwardCase(setting));
          if (bias) AddBackward(setting, cases);
        }
      }
    }
  }
  const Activation leaky{ActivationKind::kLeakyRelu, 0.2f}, relu{ActivationKind::kLeakyRelu, 0};
  // Shapes off the vector width; segments from one to as many as rows; dropout above and below
  // half.
  for (const Setting& setting :
       {Setting{1, Shape::Flat(1), leaky, 0.0f}, Setting{1, Shape::Spatial(1, 1, 3), leaky, 0.5f},
        Setting{2, Shape::Spatial(4, 4, 24), relu, 0.5f, 1},
        Setting{7, Shape::Flat(13), relu, 0.3f, 7}, Setting{7, Shape::Flat(13), leaky, 0.9f, 3},
        Setting{5, Shape::Spatial(28, 28, 1), leaky, 0.25f, 5},
        Setting{64, Shape::Flat(1), {ActivationKind::kSigmoid}, 0.0f},
        Setting{3, Shape::Flat(12), leaky, 0.5f, 3}, Setting{2, Shape::Flat(132), relu}}) {
    cases.push_back(ForwardCase(setting));
    AddBackward(setting, cases);
  }
  // Sums over so many rows, and so many columns, that an engine divides them.
  for (const Setting& setting :
       {Setting{2, Shape::Spatial(24, 25, 37), relu},
        Setting{5, Shape::Spatial(15, 15, 68), leaky, 0.3f, 2},
        Setting{6, Shape::Spatial(28, 28, 32), {ActivationKind::kTanh}},
        Setting{5000, Shape::Flat(1), {}, 0.3f}, Setting{9, Shape::Flat(1004), relu}}) {
    cases.push_back(ForwardCase(setting));
    cases.push_back(BackwardCase(setting, true, GradientMode::kAccumulate));
  }
  return cases;
}

}  // namespace numeral
