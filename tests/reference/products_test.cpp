// Convolutions and products of the reference against values worked out by hand.
#include <numeric>

#include "tests/support/check_values.h"
#include "tests/support/one_op.h"

namespace numeral {
namespace {

constexpr Activation kRelu{ActivationKind::kLeakyRelu, 0};

std::vector<float> Count(int first, int count) {
  std::vector<float> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), static_cast<float>(first));
  return values;
}

ReferenceResult Result(OneOpPlan& plan, const Op& op) {
  return ReferenceResult(plan.Finish("by hand", op, {}));
}

TEST_CASE("reference: convolution with a pad at the top and at the right") {
  // n h w c k p q r s, strides, pads top left bottom right.
  const ConvGeometry g{1, 3, 3, 1, 1, 3, 3, 2, 2, 1, 1, 1, 0, 0, 1};
  OneOpPlan plan;
  const TensorId image = plan.Add("image", 1, Shape::Spatial(3, 3, 1));
  plan.SetReals(image, Count(1, 9));
  const TensorId weight = plan.Add("weight", 1, Shape::Spatial(2, 2, 1));
  plan.SetReals(weight, {1, 10, 100, 1000});
  const TensorId features = plan.Add("features", 1, Shape::Spatial(3, 3, 1));
  const auto result = Result(plan, ConvForward{g, image, weight, kNoTensor, features, {}});
  CheckValues(result.Doubles("features"), {2100, 3200, 300, 5421, 6532, 603, 8754, 9865, 906});
}

TEST_CASE("reference: convolution mixes channels, adds the bias and activates") {
  const ConvGeometry g{1, 1, 2, 2, 2, 1, 1, 1, 2, 1, 1, 0, 0, 0, 0};
  OneOpPlan plan;
  const TensorId image = plan.Add("image", 1, Shape::Spatial(1, 2, 2));
  plan.SetReals(image, {1, 2, 3, 4});
  const TensorId weight = plan.Add("weight", 2, Shape::Spatial(1, 2, 2));
  plan.SetReals(weight, {1, 10, 100, 1000, 5, 6, 7, 8});
  const TensorId bias = plan.AddVector("bias", 2);
  plan.SetReals(bias, {-5000, 0.5});
  const TensorId features = plan.Add("features", 1, Shape::Spatial(1, 1, 2));
  const auto result = Result(plan, ConvForward{g, image, weight, bias, features, kRelu});
  CheckValues(result.Doubles("features"), {0, 5 + 12 + 21 + 32 + 0.5});
}

TEST_CASE("reference: transposed convolution spreads each pixel over its window") {
  // Two pixels side by side, stride 2, kernel 3: the middle column gets both.
  const ConvGeometry g{1, 1, 5, 1, 1, 1, 2, 1, 3, 1, 2, 0, 0, 0, 0};
  OneOpPlan plan;
  const TensorId features = plan.Add("features", 1, Shape::Spatial(1, 2, 1));
  plan.SetReals(features, {2, 3});
  const TensorId weight = plan.Add("weight", 1, Shape::Spatial(1, 3, 1));
  plan.SetReals(weight, {1, 10, 100});
  const TensorId image = plan.Add("image", 1, Shape::Spatial(1, 5, 1));
  const auto result = Result(plan, ConvBackwardData{g, features, weight, image});
  CheckValues(result.Doubles("image"), {2, 20, 203, 30, 300});
}

TEST_CASE("reference: gradient of a convolution's weight, overwritten and added") {
  const ConvGeometry g{1, 1, 3, 1, 1, 1, 2, 1, 2, 1, 1, 0, 0, 0, 0};
  for (const GradientMode mode : {GradientMode::kOverwrite, GradientMode::kAccumulate}) {
    OneOpPlan plan;
    const TensorId image = plan.Add("image", 1, Shape::Spatial(1, 3, 1));
    plan.SetReals(image, {1, 2, 4});
    const TensorId features = plan.Add("features", 1, Shape::Spatial(1, 2, 1));
    plan.SetReals(features, {10, 100});
    const TensorId grad_weight = plan.Add("grad_weight", 1, Shape::Spatial(1, 2, 1));
    plan.SetReals(grad_weight, {0.5, 0.25});
    const auto result = Result(plan, ConvBackwardWeight{g, image, features, grad_weight, mode});
    const bool add = mode == GradientMode::kAccumulate;
    CheckValues(result.Doubles("grad_weight"), {210 + (add ? 0.5 : 0), 420 + (add ? 0.25 : 0)});
  }
}

TEST_CASE("reference: products") {
  OneOpPlan plan;
  const TensorId x = plan.Add("x", 2, Shape::Flat(2));
  plan.SetReals(x, {1, 2, 3, 4});
  const TensorId weight = plan.Add("weight", 3, Shape::Flat(2));
  plan.SetReals(weight, {1, 0, 0, 1, 10, 100});
  const TensorId bias = plan.AddVector("bias", 3);
  plan.SetReals(bias, {0.5, 0, -300});
  const TensorId y = plan.Add("y", 2, Shape::Flat(3));
  const auto forward = Result(plan, DenseForward{2, 2, 3, x, weight, bias, y, kRelu});
  CheckValues(forward.Doubles("y"), {1.5, 2, 0, 3.5, 4, 130});

  plan.SetReals(y, {1, 2, 3, 4, 5, 6});
  const auto data = Result(plan, DenseBackwardData{2, 2, 3, y, weight, x});
  CheckValues(data.Doubles("x"), {31, 302, 64, 605});
  const auto weights =
      Result(plan, DenseBackwardWeight{2, 2, 3, x, y, weight, GradientMode::kOverwrite});
  CheckValues(weights.Doubles("weight"), {13, 18, 17, 24, 21, 30});
}

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

TEST_CASE("reference: the three convolutions are one trilinear form") {
  const ConvGeometry g{2, 7, 5, 3, 4, 3, 3, 3, 2, 2, 2, 1, 0, 0, 1};
  OneOpPlan plan;
  const TensorId image = plan.Add("image", g.n, Shape::Spatial(g.h, g.w, g.c));
  const TensorId features = plan.Add("features", g.n, Shape::Spatial(g.p, g.q, g.k));
  const TensorId weight = plan.Add("weight", g.k, Shape::Spatial(g.r, g.s, g.c));
  for (const TensorId id : {image, features, weight}) plan.SetUniform(id, -1, 1);
  // Each run overwrites one of the three and leaves the other two as they were.
  const auto conv = Result(plan, ConvForward{g, image, weight, kNoTensor, features, {}});
  const auto adjoint = Result(plan, ConvBackwardData{g, features, weight, image});
  const auto grad =
      Result(plan, ConvBackwardWeight{g, image, features, weight, GradientMode::kOverwrite});
  const double product = Dot(conv.Doubles("features"), adjoint.Doubles("features"));
  CHECK(std::abs(product) > 0.1);
  CheckValues({Dot(conv.Doubles("image"), adjoint.Doubles("image")),
               Dot(conv.Doubles("weight"), grad.Doubles("weight"))},
              {product, product});
}

}  // namespace
}  // namespace numeral
