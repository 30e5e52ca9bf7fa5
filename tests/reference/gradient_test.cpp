// Every backward op of the reference against central differences of its forward op, in double.
#include <functional>
#include <numeric>

#include "tests/reference/engine.h"
#include "tests/support/check_values.h"
#include "tests/support/op_cases.h"
#include "util/error.h"
#include "util/random.h"

namespace numeral {
namespace {

constexpr double kStep = 1e-5;

struct Gradient {
  TensorId input, grad;
};

// Runs `forward`, takes loss = sum(weights * y) with random weights, runs `backward` on grad_y =
// weights and compares with differences of the loss by every element of every input.
class GradientCheck {
 public:
  GradientCheck(OneOpPlan& tensors, const Op& forward, const std::vector<Op>& backward) {
    const OpCase op_case = tensors.Finish("forward", forward, {});
    auto plan = std::make_shared<Plan>(*op_case.plan);
    plan->phases.emplace_back();
    for (const Op& op : backward) plan->phases.back().ops.push_back({op, "backward"});
    plan_ = plan;
    executable_ = std::make_unique<reference::ReferenceExecutable>(plan_);
    WriteInputs(op_case, *executable_);
  }

  void Run(TensorId y, TensorId grad_y, const std::vector<Gradient>& gradients) {
    std::vector<double> weights(static_cast<size_t>(plan_->tensor(y).elems()));
    for (size_t i = 0; i < weights.size(); ++i) {
      weights[i] = SignedUnitFromBits(DrawBits(11, 12, 13, i));
    }
    Run(y, weights, grad_y, gradients);
  }

  void Run(TensorId y, const std::vector<double>& weights, TensorId grad_y,
           const std::vector<Gradient>& gradients) {
    executable_->Enqueue(0);
    if (grad_y != kNoTensor) executable_->WriteDoubles(grad_y, weights);
    executable_->Enqueue(1);
    // All gradients before any difference: the forward op of a loss writes them again.
    std::vector<std::vector<double>> analytic;
    for (const Gradient& pair : gradients) analytic.push_back(executable_->ReadDoubles(pair.grad));
    for (size_t i = 0; i < gradients.size(); ++i) {
      INFO(plan_->tensor(gradients[i].input).name);
      CheckValues(analytic[i], Differences(gradients[i].input, y, weights),
                  tolerance::kFiniteDifference);
    }
  }

 private:
  std::vector<double> Differences(TensorId input, TensorId y, const std::vector<double>& weights) {
    const std::vector<double> original = executable_->ReadDoubles(input);
    std::vector<double> differences;
    for (size_t i = 0; i < original.size(); ++i) {
      const auto loss_at = [&](double value) {
        std::vector<double> moved = original;
        moved[i] = value;
        executable_->WriteDoubles(input, moved);
        executable_->Enqueue(0);
        const std::vector<double> result = executable_->ReadDoubles(y);
        return std::inner_product(result.begin(), result.end(), weights.begin(), 0.0);
      };
      differences.push_back((loss_at(original[i] + kStep) - loss_at(original[i] - kStep)) /
                            (2 * kStep));
    }
    executable_->WriteDoubles(input, original);
    return differences;
  }

  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<reference::ReferenceExecutable> executable_;
};

constexpr GradientMode kWrite = GradientMode::kOverwrite;

TensorId Like(OneOpPlan& plan, const std::string& name, TensorId other) {
  return plan.Add(name, plan.info(other).rows, plan.info(other).shape);
}

TEST_CASE("gradient: convolution and transposed convolution") {
  const ConvGeometry g{2, 5, 4, 2, 3, 2, 4, 3, 2, 2, 1, 1, 1, 0, 0};
  OneOpPlan plan;
  const TensorId image = plan.Add("image", g.n, Shape::Spatial(g.h, g.w, g.c));
  const TensorId features = plan.Add("features", g.n, Shape::Spatial(g.p, g.q, g.k));
  const TensorId weight = plan.Add("weight", g.k, Shape::Spatial(g.r, g.s, g.c));
  const TensorId grad_image = Like(plan, "grad_image", image);
  const TensorId grad_features = Like(plan, "grad_features", features);
  const TensorId grad_weight = Like(plan, "grad_weight", weight);
  GradientCheck(plan, ConvForward{g, image, weight, kNoTensor, features, {}},
                {ConvBackwardData{g, grad_features, weight, grad_image},
                 ConvBackwardWeight{g, image, grad_features, grad_weight, kWrite}})
      .Run(features, grad_features, {{image, grad_image}, {weight, grad_weight}});
  plan.SetUniform(features, -1, 1);
  GradientCheck(plan, ConvBackwardData{g, features, weight, image},
                {ConvForward{g, grad_image, weight, kNoTensor, grad_features, {}},
                 ConvBackwardWeight{g, grad_image, features, grad_weight, kWrite}})
      .Run(image, grad_image, {{features, grad_features}, {weight, grad_weight}});
}

TEST_CASE("gradient: product") {
  OneOpPlan plan;
  const TensorId x = plan.Add("x", 3, Shape::Flat(4));
  const TensorId weight = plan.Add("weight", 2, Shape::Flat(4));
  const TensorId y = plan.Add("y", 3, Shape::Flat(2));
  const TensorId grad_x = Like(plan, "grad_x", x), grad_y = Like(plan, "grad_y", y);
  const TensorId grad_weight = Like(plan, "grad_weight", weight);
  GradientCheck(plan, DenseForward{3, 4, 2, x, weight, kNoTensor, y, {}},
                {DenseBackwardData{3, 4, 2, grad_y, weight, grad_x},
                 DenseBackwardWeight{3, 4, 2, x, grad_y, grad_weight, kWrite}})
      .Run(y, grad_y, {{x, grad_x}, {weight, grad_weight}});
}

TEST_CASE("gradient: bias, activation and dropout") {
  for (const Activation& activation : AllActivations()) {
    for (const float rate : {0.0f, 0.4f}) {
      INFO(Describe(activation) << ", dropout " << rate);
      OneOpPlan plan;
      const TensorId x = plan.Add("x", 3, Shape::Spatial(2, 3, 2));
      const TensorId bias = plan.AddVector("bias", 2);
      const TensorId y = Like(plan, "y", x);
      const TensorId grad_x = Like(plan, "grad_x", x), grad_y = Like(plan, "grad_y", y);
      const TensorId grad_bias = plan.AddVector("grad_bias", 2);
      const TensorId step = plan.AddStep(3);
      BiasActForward forward{x, bias, y, activation, rate, {}, kNoTensor};
      if (rate > 0) {
        forward.dropout_rows = {{0, 1}, {2, 9}};
        forward.step = step;
      }
      GradientCheck(plan, forward,
                    {BiasActBackward{y, grad_y, grad_x, grad_bias, activation, rate, kWrite}})
          .Run(y, grad_y, {{x, grad_x}, {bias, grad_bias}});
    }
  }
}

TEST_CASE("gradient: batch norm") {
  for (const Activation& activation : AllActivations()) {
    INFO(Describe(activation));
    OneOpPlan plan;
    BatchNormForward f;
    f.x = plan.Add("x", 3, Shape::Spatial(2, 2, 2));
    f.scale = plan.AddVector("scale", 2);
    f.shift = plan.AddVector("shift", 2);
    f.y = Like(plan, "y", f.x);
    f.mean = plan.AddVector("mean", 2);
    f.inv_std = plan.AddVector("inv_std", 2);
    f.running_mean = plan.AddVector("running_mean", 2);
    f.running_variance = plan.AddVector("running_variance", 2);
    f.epsilon = 0.1f;
    f.keep = 0.9f;
    f.unbiased_running_variance = true;
    f.activation = activation;
    const TensorId grad_x = Like(plan, "grad_x", f.x), grad_y = Like(plan, "grad_y", f.y);
    const TensorId grad_scale = plan.AddVector("grad_scale", 2);
    const TensorId grad_shift = plan.AddVector("grad_shift", 2);
    GradientCheck(plan, f,
                  {BatchNormBackward{f.x, f.y, grad_y, f.scale, f.mean, f.inv_std, grad_x,
                                     grad_scale, grad_shift, kWrite, activation}})
        .Run(f.y, grad_y, {{f.x, grad_x}, {f.scale, grad_scale}, {f.shift, grad_shift}});
  }
}

TEST_CASE("gradient: sums and products of two") {
  for (const BinaryKind kind : {BinaryKind::kAdd, BinaryKind::kMultiply}) {
    for (const bool spread : {false, true}) {
      INFO((kind == BinaryKind::kAdd ? "add" : "multiply") << (spread ? ", spread" : ""));
      const bool multiply = kind == BinaryKind::kMultiply;
      OneOpPlan plan;
      const TensorId a = plan.Add("a", 2, Shape::Spatial(2, 3, 2));
      const TensorId b = plan.Add("b", 2, spread ? Shape::Flat(2) : Shape::Spatial(2, 3, 2));
      const TensorId y = Like(plan, "y", a), grad_y = Like(plan, "grad_y", y);
      const TensorId grad_a = Like(plan, "grad_a", a), grad_b = Like(plan, "grad_b", b);
      GradientCheck(
          plan, BinaryForward{kind, spread, a, b, y},
          {BinaryBackward{kind, false, spread && multiply, grad_y, multiply ? b : kNoTensor, grad_a,
                          kWrite},
           BinaryBackward{kind, spread, false, grad_y, multiply ? a : kNoTensor, grad_b, kWrite}})
          .Run(y, grad_y, {{a, grad_a}, {b, grad_b}});
    }
  }
}

// Ops of one input and one output.
struct Shapes {
  Shape in, out;
};
void CheckUnary(const Shapes& shapes, const std::function<Op(TensorId x, TensorId y)>& forward,
                const std::function<Op(TensorId grad_y, TensorId grad_x)>& backward) {
  OneOpPlan plan;
  const TensorId x = plan.Add("x", 2, shapes.in), y = plan.Add("y", 2, shapes.out);
  const TensorId grad_x = Like(plan, "grad_x", x), grad_y = Like(plan, "grad_y", y);
  GradientCheck(plan, forward(x, y), {backward(grad_y, grad_x)}).Run(y, grad_y, {{x, grad_x}});
}

TEST_CASE("gradient: shape changes") {
  CheckUnary(
      {Shape::Spatial(2, 3, 2), Shape::Spatial(4, 6, 2)},
      [](TensorId x, TensorId y) {
        return UpsampleForward{2, x, y};
      },
      [](TensorId grad_y, TensorId grad_x) {
        return UpsampleBackward{2, grad_y, grad_x, kWrite};
      });
  CheckUnary(
      {Shape::Spatial(2, 3, 8), Shape::Spatial(4, 6, 2)},
      [](TensorId x, TensorId y) {
        return PixelShuffleForward{2, x, y};
      },
      [](TensorId grad_y, TensorId grad_x) {
        return PixelShuffleBackward{2, grad_y, grad_x, kWrite};
      });
  const FeatureOrder from = FeatureOrder::Of(Shape::Spatial(2, 3, 2));
  const FeatureOrder to =
      FeatureOrder::Concat({FeatureOrder::Plain(4), FeatureOrder::Of(Shape::Spatial(2, 2, 2))});
  CheckUnary(
      {Shape::Flat(12), Shape::Flat(12)},
      [&](TensorId x, TensorId y) {
        return Permute{x, y, from, to, kWrite};
      },
      [&](TensorId grad_y, TensorId grad_x) {
        return Permute{grad_y, grad_x, to, from, kWrite};
      });
}

TEST_CASE("gradient: concat") {
  OneOpPlan plan;
  const TensorId a = plan.Add("a", 2, Shape::Spatial(2, 2, 1));
  const TensorId b = plan.Add("b", 2, Shape::Spatial(2, 2, 3));
  const TensorId y = plan.Add("y", 2, Shape::Spatial(2, 2, 4));
  const TensorId grad_a = Like(plan, "grad_a", a), grad_b = Like(plan, "grad_b", b);
  const TensorId grad_y = Like(plan, "grad_y", y);
  GradientCheck(
      plan, ConcatForward{{a, b}, y},
      {ConcatBackward{0, grad_y, grad_a, kWrite}, ConcatBackward{1, grad_y, grad_b, kWrite}})
      .Run(y, grad_y, {{a, grad_a}, {b, grad_b}});
}

TEST_CASE("gradient: pools") {
  const PoolGeometry geometry{3, 2, 2, 1, 1, 0};
  OneOpPlan plan;
  const TensorId x = plan.Add("x", 2, Shape::Spatial(5, 4, 2));
  const TensorId grad_x = Like(plan, "grad_x", x);
  {
    const TensorId y = plan.Add("y", 2, Shape::Spatial(3, 3, 2));
    const TensorId grad_y = Like(plan, "grad_y", y);
    const TensorId argmax = plan.Add("argmax", 2, Shape::Spatial(3, 3, 2), DType::kI32);
    GradientCheck(plan, MaxPoolForward{geometry, x, y, argmax},
                  {MaxPoolBackward{geometry, grad_y, argmax, grad_x, kWrite}})
        .Run(y, grad_y, {{x, grad_x}});
  }
  const TensorId y = plan.Add("global", 2, Shape::Flat(2));
  const TensorId grad_y = Like(plan, "grad_global", y);
  const TensorId argmax = plan.Add("global_argmax", 2, Shape::Flat(2), DType::kI32);
  GradientCheck(plan, GlobalMaxPoolForward{x, y, argmax},
                {GlobalMaxPoolBackward{grad_y, argmax, grad_x, kWrite}})
      .Run(y, grad_y, {{x, grad_x}});
}

TEST_CASE("gradient: losses") {
  for (const LossKind kind : {LossKind::kBce, LossKind::kDigitOrZeros, LossKind::kSoftmax,
                              LossKind::kLeastSquares, LossKind::kHinge, LossKind::kCrossEntropy}) {
    for (const LossPart part : {LossPart::kReal, LossPart::kFake, LossPart::kGenerator}) {
      if (kind == LossKind::kCrossEntropy && part != LossPart::kReal) continue;
      INFO("kind " << static_cast<int>(kind) << ", part " << static_cast<int>(part));
      const int outputs = OutputsOf(kind);
      OneOpPlan plan;
      Loss op{};
      op.kind = kind;
      op.part = part;
      op.weight = 0.5f;
      op.label_smoothing = 0.25f;
      op.logits = plan.Add("logits", 5, Shape::Flat(outputs));
      plan.SetUniform(op.logits, -3, 3);
      op.labels = plan.Add("labels", 5, Shape::Flat(1), DType::kI32);
      plan.SetDigits(op.labels);
      op.grad = Like(plan, "grad", op.logits);
      op.metrics = plan.Add("metrics", 1, Shape::Flat(kMetricCount));
      op.step = plan.AddStep(0);
      op.metric = Metric::kGLoss;
      GradientCheck(plan, op, {})
          .Run(op.metrics, {0, 1, 0, 0, 0, 0}, kNoTensor, {{op.logits, op.grad}});
    }
  }
}

TEST_CASE("gradient: squared error") {
  OneOpPlan plan;
  SquaredError op;
  op.prediction = plan.Add("prediction", 5, Shape::Flat(3));
  op.target = plan.Add("target", 5, Shape::Flat(3));
  op.grad = Like(plan, "grad", op.prediction);
  op.metrics = plan.Add("metrics", 1, Shape::Flat(kMetricCount));
  op.step = plan.AddStep(0);
  op.metric = Metric::kLoss;
  GradientCheck(plan, op, {})
      .Run(op.metrics, {0, 0, 0, 0, 1, 0}, kNoTensor, {{op.prediction, op.grad}});
}

}  // namespace
}  // namespace numeral
