// Promises of plan/ops.h that a comparison within tolerances cannot see: NaN, signs of zero, and
// that joined batches draw what separate ones draw.
#include <cmath>
#include <limits>

#include "engine/engine.h"
#include "tests/catch.h"
#include "tests/support/op_cases.h"
#include "util/random.h"

namespace numeral {
namespace {

constexpr uint64_t kSeed = 31;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Outcome {
  std::shared_ptr<const Plan> plan;
  std::unique_ptr<Executable> executable;

  std::vector<float> Reals(const std::string& name) {
    const TensorId id = plan->FindTensor(name);
    return executable->ReadAll<float>(id, plan->tensor(id).elems());
  }
  std::vector<int32_t> Integers(const std::string& name) {
    const TensorId id = plan->FindTensor(name);
    return executable->ReadAll<int32_t>(id, plan->tensor(id).elems());
  }
};

Outcome RunOnCpu(OneOpPlan& plan, const Op& op) {
  const OpCase op_case = plan.Finish("contract", op, {});
  Outcome outcome{op_case.plan, MakeCpuEngine()->Compile(op_case.plan)};
  WriteInputs(op_case, *outcome.executable);
  outcome.executable->Enqueue(0);
  return outcome;
}

// Values of [-1, 1) with a NaN at one place.
std::vector<float> WithNaN(size_t count, size_t place) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = SignedUnitFromBits(DrawBits(1, 2, 3, i));
  values[place] = kNaN;
  return values;
}

std::vector<size_t> NaNs(const std::vector<float>& values) {
  std::vector<size_t> places;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) places.push_back(i);
  }
  return places;
}

std::vector<size_t> Range(size_t begin, size_t end) {
  std::vector<size_t> places;
  for (size_t i = begin; i < end; ++i) places.push_back(i);
  return places;
}

TEST_CASE("cpu: NaN goes through activations and stays where it is") {
  constexpr size_t kCount = 5 * 37, kPlace = 100;
  for (const Activation& activation : AllActivations()) {
    INFO(Describe(activation));
    OneOpPlan plan;
    const TensorId x = plan.Add("x", 5, Shape::Flat(37));
    plan.SetReals(x, WithNaN(kCount, kPlace));
    const TensorId bias = plan.AddVector("bias", 37);
    const TensorId y = plan.Add("y", 5, Shape::Flat(37));
    const auto values =
        RunOnCpu(plan, BiasActForward{x, bias, y, activation, 0, {}, kNoTensor}).Reals("y");
    CHECK(NaNs(values) == std::vector<size_t>{kPlace});
  }
}

TEST_CASE("cpu: NaN goes through the epilogues of products and convolutions") {
  for (const Activation& activation : AllActivations()) {
    INFO(Describe(activation));
    {
      OneOpPlan plan;
      const TensorId x = plan.Add("x", 3, Shape::Flat(5));
      plan.SetReals(x, WithNaN(15, 7));
      const TensorId weight = plan.Add("weight", 17, Shape::Flat(5));
      const TensorId bias = plan.AddVector("bias", 17);
      const TensorId y = plan.Add("y", 3, Shape::Flat(17));
      const auto values =
          RunOnCpu(plan, DenseForward{3, 5, 17, x, weight, bias, y, activation}).Reals("y");
      CHECK(NaNs(values) == Range(17, 34));
    }
    OneOpPlan plan;
    const ConvGeometry g{2, 3, 3, 2, 5, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0};
    const TensorId image = plan.Add("image", 2, Shape::Spatial(3, 3, 2));
    plan.SetReals(image, WithNaN(36, 20));
    const TensorId weight = plan.Add("weight", 5, Shape::Spatial(1, 1, 2));
    const TensorId bias = plan.AddVector("bias", 5);
    const TensorId features = plan.Add("features", 2, Shape::Spatial(3, 3, 5));
    const auto values =
        RunOnCpu(plan, ConvForward{g, image, weight, bias, features, activation}).Reals("features");
    CHECK(NaNs(values) == Range(50, 55));
  }
}

TEST_CASE("cpu: NaN wins over numbers in pools") {
  OneOpPlan plan;
  const TensorId x = plan.Add("x", 1, Shape::Spatial(4, 4, 3));
  plan.SetReals(x, WithNaN(48, (1 * 4 + 2) * 3 + 1));
  {
    const TensorId y = plan.Add("y", 1, Shape::Spatial(2, 2, 3));
    const TensorId argmax = plan.Add("argmax", 1, Shape::Spatial(2, 2, 3), DType::kI32);
    auto outcome = RunOnCpu(plan, MaxPoolForward{{2, 2, 2, 2, 0, 0}, x, y, argmax});
    const auto values = outcome.Reals("y");
    CHECK(NaNs(values) == std::vector<size_t>{4});
    CHECK(outcome.Integers("argmax")[4] == 6);
  }
  const TensorId y = plan.Add("global", 1, Shape::Flat(3));
  const TensorId argmax = plan.Add("pixel", 1, Shape::Flat(3), DType::kI32);
  auto outcome = RunOnCpu(plan, GlobalMaxPoolForward{x, y, argmax});
  const auto values = outcome.Reals("global");
  CHECK(NaNs(values) == std::vector<size_t>{1});
  CHECK(outcome.Integers("pixel")[1] == 6);
}

TEST_CASE("cpu: NaN in a batch reaches its channel's norm and no other") {
  OneOpPlan plan;
  BatchNormForward op;
  op.x = plan.Add("x", 4, Shape::Flat(3));
  plan.SetReals(op.x, WithNaN(12, 7));
  op.scale = plan.AddVector("scale", 3);
  op.shift = plan.AddVector("shift", 3);
  op.y = plan.Add("y", 4, Shape::Flat(3));
  op.mean = plan.AddVector("mean", 3);
  op.inv_std = plan.AddVector("inv_std", 3);
  op.running_mean = plan.AddVector("running_mean", 3);
  op.running_variance = plan.AddVector("running_variance", 3);
  op.epsilon = 1e-5f;
  op.keep = 0.9f;
  op.unbiased_running_variance = true;
  op.activation = {ActivationKind::kLeakyRelu, 0};
  const auto values = RunOnCpu(plan, op).Reals("y");
  CHECK(NaNs(values) == std::vector<size_t>{1, 4, 7, 10});
}

// A forward op with dropout over rows of 24 features. `x` has values that any activation may turn
// into zeros of either sign: zeros, and negative numbers too small for their product with a slope.
struct DropoutRun {
  BiasActForward op;
  std::vector<float> y;
};
DropoutRun RunDropout(const Activation& activation, int rows, std::vector<DropoutRows> segments) {
  OneOpPlan plan(kSeed);
  DropoutRun run;
  run.op.x = plan.Add("x", rows, Shape::Flat(24));
  std::vector<float> x(static_cast<size_t>(rows) * 24);
  constexpr float kTricky[] = {0.0f, -0.0f, -1e-45f, 1e-45f, -2.0f, 3.0f, -1e-38f};
  for (size_t i = 0; i < x.size(); ++i) x[i] = kTricky[i % 7];
  plan.SetReals(run.op.x, x);
  run.op.bias = kNoTensor;
  run.op.y = plan.Add("y", rows, Shape::Flat(24));
  run.op.activation = activation;
  run.op.dropout_rate = 0.3f;
  run.op.dropout_rows = std::move(segments);
  run.op.step = plan.AddStep(17);
  run.y = RunOnCpu(plan, run.op).Reals("y");
  return run;
}

TEST_CASE("cpu: the sign of zero says what was dropped") {
  constexpr int kRows = 20;
  for (const Activation& activation : AllActivations()) {
    INFO(Describe(activation));
    const DropoutRun run = RunDropout(activation, kRows, {{0, 5}});
    int dropped_count = 0;
    for (size_t i = 0; i < run.y.size(); ++i) {
      const bool dropped = DrawBits(kSeed, 5, 17, i) < DropoutThreshold(0.3f);
      dropped_count += dropped ? 1 : 0;
      CHECK((run.y[i] == 0 && std::signbit(run.y[i])) == dropped);
    }
    CHECK(dropped_count > 0);
  }
}

TEST_CASE("cpu: a joined batch drops what its parts drop apart") {
  const Activation leaky{ActivationKind::kLeakyRelu, 0.2f};
  const std::vector<float> joined = RunDropout(leaky, 14, {{0, 5}, {7, 6}}).y;
  const std::vector<float> first = RunDropout(leaky, 7, {{0, 5}}).y;
  const std::vector<float> second = RunDropout(leaky, 7, {{0, 6}}).y;
  // 7 rows of 24 are a multiple of the 7 tricky values, so both parts have the same x.
  std::vector<float> parts = first;
  parts.insert(parts.end(), second.begin(), second.end());
  CHECK(joined == parts);
}

}  // namespace
}  // namespace numeral
