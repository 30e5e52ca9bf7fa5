// Elementwise ops and batch norm of the reference against values worked out by hand.
#include <cmath>
#include <limits>

#include "tests/support/check_values.h"
#include "tests/support/one_op.h"
#include "util/random.h"

namespace numeral {
namespace {

ReferenceResult Result(OneOpPlan& plan, const Op& op) {
  return ReferenceResult(plan.Finish("by hand", op, {}));
}

std::vector<double> ActivationOf(const Activation& activation, const std::vector<float>& x) {
  OneOpPlan plan;
  const TensorId source = plan.AddVector("x", static_cast<int>(x.size()));
  plan.SetReals(source, x);
  const TensorId y = plan.AddVector("y", static_cast<int>(x.size()));
  return Result(plan, BiasActForward{source, kNoTensor, y, activation, 0, {}, kNoTensor})
      .Doubles("y");
}

TEST_CASE("reference: activations") {
  CheckValues(ActivationOf({ActivationKind::kIdentity}, {-2, 0.5}), {-2, 0.5});
  CheckValues(ActivationOf({ActivationKind::kLeakyRelu, 0}, {-2, 0, 0.5}), {0, 0, 0.5});
  CheckValues(ActivationOf({ActivationKind::kLeakyRelu, 0.25f}, {-2, 0, 0.5}), {-0.5, 0, 0.5});
  CheckValues(ActivationOf({ActivationKind::kTanh}, {0, 0.5}), {0, 0.46211715726000973});
  CheckValues(ActivationOf({ActivationKind::kSigmoid}, {0, 0.5}), {0.5, 0.6224593312018546});
  CheckValues(ActivationOf({ActivationKind::kTanh}, {-100, 100}), {-1, 1});
  CheckValues(ActivationOf({ActivationKind::kSigmoid}, {-1000, 1000}), {0, 1});
}

TEST_CASE("reference: NaN goes through every activation, and ReLU of minus infinity is 0") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const ActivationKind kind : {ActivationKind::kIdentity, ActivationKind::kLeakyRelu,
                                    ActivationKind::kTanh, ActivationKind::kSigmoid}) {
    CHECK(std::isnan(ActivationOf({kind, 0}, {nan})[0]));
  }
  CheckValues(ActivationOf({ActivationKind::kLeakyRelu, 0}, {-infinity}), {0});
}

TEST_CASE("reference: dropout keeps what the draws say and marks it by the sign of zero") {
  constexpr int kRows = 4, kFeatures = 8;
  constexpr float kRate = 0.25f;
  constexpr uint64_t kSeed = 5;
  OneOpPlan plan(kSeed);
  BiasActForward op;
  op.x = plan.Add("x", kRows, Shape::Flat(kFeatures));
  std::vector<float> x(kRows * kFeatures, -3.0f);
  for (size_t i = 0; i < x.size(); i += 2) x[i] = 3;
  plan.SetReals(op.x, x);
  op.bias = kNoTensor;
  op.y = plan.Add("y", kRows, Shape::Flat(kFeatures));
  op.activation = {ActivationKind::kLeakyRelu, 0};
  op.dropout_rate = kRate;
  op.dropout_rows = {{0, 100}, {3, 200}};
  op.step = plan.AddStep(6);
  const std::vector<double> y = Result(plan, op).Doubles("y");
  int dropped_count = 0;
  for (int row = 0; row < kRows; ++row) {
    for (int feature = 0; feature < kFeatures; ++feature) {
      const auto i = static_cast<size_t>(row * kFeatures + feature);
      // Row 3 begins the second segment and counts from 0 again.
      const uint32_t bits = row < 3 ? DrawBits(kSeed, 100, 6, i)
                                    : DrawBits(kSeed, 200, 6, static_cast<uint64_t>(feature));
      const bool dropped = bits < 0x40000000u;
      dropped_count += dropped ? 1 : 0;
      CHECK(std::signbit(y[i]) == dropped);
      CHECK(y[i] == (dropped || x[i] < 0 ? 0 : 4));
    }
  }
  CHECK(dropped_count > 0);
  CHECK(dropped_count < kRows * kFeatures);
}

TEST_CASE("reference: gradient of bias, activation and dropout") {
  OneOpPlan plan;
  BiasActBackward op;
  op.y = plan.Add("y", 3, Shape::Flat(2));
  plan.SetReals(op.y, {2, -2, -0.0f, 0.0f, 4, -0.0f});
  op.grad_y = plan.Add("grad_y", 3, Shape::Flat(2));
  plan.SetReals(op.grad_y, {1, 2, 4, 8, 16, 32});
  op.grad_x = plan.Add("grad_x", 3, Shape::Flat(2));
  op.grad_bias = plan.AddVector("grad_bias", 2);
  plan.SetReals(op.grad_bias, {100, 200});
  op.activation = {ActivationKind::kLeakyRelu, 0.25f};
  op.dropout_rate = 0.5f;
  op.bias_mode = GradientMode::kAccumulate;
  const auto result = Result(plan, op);
  CheckValues(result.Doubles("grad_x"), {2, 1, 0, 4, 32, 0});
  CheckValues(result.Doubles("grad_bias"), {134, 205});
}

TEST_CASE("reference: sums and products, spread and reduced") {
  OneOpPlan plan;
  const Shape image = Shape::Spatial(1, 2, 2), channels = Shape::Flat(2);
  const TensorId a = plan.Add("a", 1, image);
  plan.SetReals(a, {1, 2, 3, 4});
  const TensorId b = plan.Add("b", 1, channels);
  plan.SetReals(b, {10, 100});
  const TensorId y = plan.Add("y", 1, image);
  CheckValues(Result(plan, BinaryForward{BinaryKind::kAdd, true, a, b, y}).Doubles("y"),
              {11, 102, 13, 104});
  CheckValues(Result(plan, BinaryForward{BinaryKind::kMultiply, true, a, b, y}).Doubles("y"),
              {10, 200, 30, 400});
  CheckValues(Result(plan, BinaryForward{BinaryKind::kMultiply, false, a, a, y}).Doubles("y"),
              {1, 4, 9, 16});

  plan.SetReals(y, {1, 2, 3, 4});
  const TensorId grad = plan.Add("grad", 1, channels);
  plan.SetReals(grad, {0.5, 0.25});
  const auto reduced = Result(plan, BinaryBackward{BinaryKind::kMultiply, true, false, y, a, grad,
                                                   GradientMode::kAccumulate});
  CheckValues(reduced.Doubles("grad"), {10.5, 20.25});
  const TensorId grad_image = plan.Add("grad_image", 1, image);
  const auto spread = Result(plan, BinaryBackward{BinaryKind::kMultiply, false, true, y, b,
                                                  grad_image, GradientMode::kOverwrite});
  CheckValues(spread.Doubles("grad_image"), {10, 200, 30, 400});
  CheckValues(Result(plan, Accumulate{a, y}).Doubles("y"), {2, 4, 6, 8});
}

TEST_CASE("reference: batch norm") {
  for (const bool unbiased : {true, false}) {
    OneOpPlan plan;
    const auto vector = [&](const std::string& name, float value) {
      const TensorId id = plan.AddVector(name, 1);
      plan.SetReals(id, {value});
      return id;
    };
    const TensorId x = plan.Add("x", 2, Shape::Flat(1));
    plan.SetReals(x, {1, 3});
    BatchNormForward op;
    op.x = x;
    op.scale = vector("scale", 2);
    op.shift = vector("shift", 1);
    op.y = plan.Add("y", 2, Shape::Flat(1));
    op.mean = plan.AddVector("mean", 1);
    op.inv_std = plan.AddVector("inv_std", 1);
    op.running_mean = vector("running_mean", 4);
    op.running_variance = vector("running_variance", 1);
    op.epsilon = 0.5625f;
    op.keep = 0.75f;
    op.unbiased_running_variance = unbiased;
    op.activation = {ActivationKind::kLeakyRelu, 0.5f};
    const auto result = Result(plan, op);
    CheckValues(result.Doubles("y"), {-0.3, 2.6});
    CheckValues(result.Doubles("mean"), {2});
    CheckValues(result.Doubles("inv_std"), {0.8});
    CheckValues(result.Doubles("running_mean"), {3.5});
    CheckValues(result.Doubles("running_variance"), {unbiased ? 1.25 : 1.0});
  }
}

TEST_CASE("reference: batch norm in inference") {
  OneOpPlan plan;
  BatchNormInference op;
  const auto vector = [&](const std::string& name, const std::vector<float>& values) {
    const TensorId id = plan.AddVector(name, 2);
    plan.SetReals(id, values);
    return id;
  };
  op.x = plan.Add("x", 1, Shape::Spatial(1, 2, 2));
  plan.SetReals(op.x, {5, 0, 1, 4});
  op.scale = vector("scale", {2, 1});
  op.shift = vector("shift", {1, 0});
  op.running_mean = vector("running_mean", {1, 2});
  op.running_variance = vector("running_variance", {3.4375, 0.4375});
  op.y = plan.Add("y", 1, Shape::Spatial(1, 2, 2));
  op.epsilon = 0.5625f;
  CheckValues(Result(plan, op).Doubles("y"), {5, -2, 1, 2});
}

TEST_CASE("reference: places on the way from noise to latents") {
  OneOpPlan plan;
  FlowPath op;
  op.noise = plan.Add("noise", 3, Shape::Flat(2));
  plan.SetReals(op.noise, {1, 2, 1, 2, 1, 2});
  op.latents = plan.Add("latents", 3, Shape::Flat(2));
  plan.SetReals(op.latents, {-3, 5, -3, 5, -3, 5});
  op.times = plan.Add("times", 3, Shape::Flat(1));
  plan.SetReals(op.times, {0, 1, 0.5f});
  op.place = plan.Add("place", 3, Shape::Flat(2));
  op.velocity = plan.Add("velocity", 3, Shape::Flat(2));
  const ReferenceResult result(plan.Finish("by hand", op, {}));
  const double r = 0.7071067811865476, quarter = 1.5707963267948966;
  CheckValues(result.Doubles("place"), {1, 2, -3, 5, -2 * r, 7 * r});
  CheckValues(result.Doubles("velocity"), {quarter * -3, quarter * 5, quarter * -1, quarter * -2,
                                           quarter * -4 * r, quarter * 3 * r});
}

}  // namespace
}  // namespace numeral
