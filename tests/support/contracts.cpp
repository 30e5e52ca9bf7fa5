#include "tests/support/contracts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/support/op_cases.h"
#include "util/bf16.h"
#include "util/random.h"

namespace numeral {
namespace {

constexpr uint64_t kSeed = 31;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// What is held to a promise.
struct Subject {
  Engine& engine;
  bool bf16;
};

struct Outcome {
  std::shared_ptr<const Plan> plan;
  std::unique_ptr<Executable> executable;

  std::vector<float> Reals(const std::string& name) {
    const TensorId id = plan->FindTensor(name);
    const TensorInfo& info = plan->tensor(id);
    if (info.dtype == DType::kF32) return executable->ReadAll<float>(id, info.elems());
    std::vector<float> values;
    for (const uint16_t bits : executable->ReadAll<uint16_t>(id, info.elems())) {
      values.push_back(FloatFromBf16(bits));
    }
    return values;
  }
  std::vector<int32_t> Integers(const std::string& name) {
    const TensorId id = plan->FindTensor(name);
    return executable->ReadAll<int32_t>(id, plan->tensor(id).elems());
  }
};

Outcome Run(const Subject& subject, OneOpPlan& plan, const Op& op) {
  OpCase op_case = plan.Finish("contract", op, {});
  if (subject.bf16) op_case = WithBf16Activations(op_case).value_or(op_case);
  Outcome outcome{op_case.plan, subject.engine.Compile(op_case.plan)};
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

void NaNStaysInActivations(const Subject& subject) {
  constexpr size_t kCount = 5 * 37, kPlace = 100;
  for (const Activation& activation : AllActivations()) {
    INFO(Describe(activation));
    OneOpPlan plan;
    const TensorId x = plan.Add("x", 5, Shape::Flat(37));
    plan.SetReals(x, WithNaN(kCount, kPlace));
    const TensorId bias = plan.AddVector("bias", 37);
    const TensorId y = plan.Add("y", 5, Shape::Flat(37));
    const BiasActForward op{x, bias, y, activation, 0, {}, kNoTensor};
    CHECK(NaNs(Run(subject, plan, op).Reals("y")) == std::vector<size_t>{kPlace});
  }
}

// Without its epilogue where the engine has none.
template <typename Linear>
Op Supported(const Subject& subject, Linear op) {
  if (subject.engine.Supports(op)) return op;
  op.bias = kNoTensor;
  op.activation = {};
  return op;
}

void NaNGoesThroughProducts(const Subject& subject) {
  for (const Activation& activation : AllActivations()) {
    INFO(Describe(activation));
    {
      OneOpPlan plan;
      const TensorId x = plan.Add("x", 3, Shape::Flat(5));
      plan.SetReals(x, WithNaN(15, 7));
      const TensorId weight = plan.Add("weight", 17, Shape::Flat(5));
      const TensorId bias = plan.AddVector("bias", 17);
      const TensorId y = plan.Add("y", 3, Shape::Flat(17));
      const Op op = Supported(subject, DenseForward{3, 5, 17, x, weight, bias, y, activation});
      CHECK(NaNs(Run(subject, plan, op).Reals("y")) == Range(17, 34));
    }
    OneOpPlan plan;
    const ConvGeometry g{2, 3, 3, 2, 5, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0};
    const TensorId image = plan.Add("image", 2, Shape::Spatial(3, 3, 2));
    plan.SetReals(image, WithNaN(36, 20));
    const TensorId weight = plan.Add("weight", 5, Shape::Spatial(1, 1, 2));
    const TensorId bias = plan.AddVector("bias", 5);
    const TensorId features = plan.Add("features", 2, Shape::Spatial(3, 3, 5));
    const Op op = Supported(subject, ConvForward{g, image, weight, bias, features, activation});
    CHECK(NaNs(Run(subject, plan, op).Reals("features")) == Range(50, 55));
  }
}

void NaNWinsPools(const Subject& subject) {
  OneOpPlan plan;
  const TensorId x = plan.Add("x", 1, Shape::Spatial(4, 4, 3));
  plan.SetReals(x, WithNaN(48, (1 * 4 + 2) * 3 + 1));
  {
    const TensorId y = plan.Add("y", 1, Shape::Spatial(2, 2, 3));
    const TensorId argmax = plan.Add("argmax", 1, Shape::Spatial(2, 2, 3), DType::kI32);
    auto outcome = Run(subject, plan, MaxPoolForward{{2, 2, 2, 2, 0, 0}, x, y, argmax});
    CHECK(NaNs(outcome.Reals("y")) == std::vector<size_t>{4});
    CHECK(outcome.Integers("argmax")[4] == 6);
  }
  const TensorId y = plan.Add("global", 1, Shape::Flat(3));
  const TensorId argmax = plan.Add("pixel", 1, Shape::Flat(3), DType::kI32);
  auto outcome = Run(subject, plan, GlobalMaxPoolForward{x, y, argmax});
  CHECK(NaNs(outcome.Reals("global")) == std::vector<size_t>{1});
  CHECK(outcome.Integers("pixel")[1] == 6);
}

void NaNStaysInItsChannelOfNorms(const Subject& subject) {
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
  CHECK(NaNs(Run(subject, plan, op).Reals("y")) == std::vector<size_t>{1, 4, 7, 10});
}

// The result of a forward op with dropout over rows of 24 features. `x` has values that any
// activation may turn into zeros of either sign: zeros, and negative numbers too small for their
// product with a slope.
std::vector<float> RunDropout(const Subject& subject, const Activation& activation, int rows,
                              std::vector<DropoutRows> segments) {
  OneOpPlan plan(kSeed);
  BiasActForward op;
  op.x = plan.Add("x", rows, Shape::Flat(24));
  std::vector<float> x(static_cast<size_t>(rows) * 24);
  constexpr float kTricky[] = {0.0f, -0.0f, -1e-45f, 1e-45f, -2.0f, 3.0f, -1e-38f};
  for (size_t i = 0; i < x.size(); ++i) x[i] = kTricky[i % 7];
  plan.SetReals(op.x, x);
  op.bias = kNoTensor;
  op.y = plan.Add("y", rows, Shape::Flat(24));
  op.activation = activation;
  op.dropout_rate = 0.3f;
  op.dropout_rows = std::move(segments);
  op.step = plan.AddStep(17);
  return Run(subject, plan, op).Reals("y");
}

void SignOfZeroSaysDropped(const Subject& subject) {
  for (const Activation& activation : AllActivations()) {
    INFO(Describe(activation));
    const std::vector<float> y = RunDropout(subject, activation, 20, {{0, 5}});
    int dropped_count = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      const bool dropped = DrawBits(kSeed, 5, 17, i) < DropoutThreshold(0.3f);
      dropped_count += dropped ? 1 : 0;
      CHECK((y[i] == 0 && std::signbit(y[i])) == dropped);
    }
    CHECK(dropped_count > 0);
  }
}

void JoinedBatchesDropAsApart(const Subject& subject) {
  const Activation leaky{ActivationKind::kLeakyRelu, 0.2f};
  const std::vector<float> joined = RunDropout(subject, leaky, 14, {{0, 5}, {7, 6}});
  const std::vector<float> first = RunDropout(subject, leaky, 7, {{0, 5}});
  const std::vector<float> second = RunDropout(subject, leaky, 7, {{0, 6}});
  // 7 rows of 24 are a multiple of the 7 tricky values, so both parts have the same x.
  std::vector<float> parts = first;
  parts.insert(parts.end(), second.begin(), second.end());
  CHECK(joined == parts);
}

void ConversionsRoundTiesToEven(const Subject& subject) {
  struct Rounding {
    float x, y;
  };
  // Numbers near 1 are 2^-7 apart in bf16.
  constexpr Rounding kRoundings[] = {
      {1 + 0x1p-8f, 1},
      {1 + 0x1.8p-7f, 1 + 0x1p-6f},
      {-1 - 0x1p-8f, -1},
      {1 + 0x1p-8f + 0x1p-23f, 1 + 0x1p-7f},
      {0x1.FFp127f, std::numeric_limits<float>::infinity()},
      {-0.0f, -0.0f},
      {0x1p-133f, 0x1p-133f},
      {kNaN, kNaN},
  };
  OneOpPlan plan;
  const int count = static_cast<int>(std::size(kRoundings));
  const TensorId x = plan.AddVector("x", count);
  const TensorId y = plan.Add("y", 1, Shape::Flat(count), DType::kBF16);
  std::vector<float> values;
  for (const Rounding& rounding : kRoundings) values.push_back(rounding.x);
  plan.SetReals(x, values);
  const std::vector<float> results = Run(subject, plan, Convert{x, y}).Reals("y");
  for (size_t i = 0; i < results.size(); ++i) {
    INFO(values[i]);
    const float expected = kRoundings[i].y;
    CHECK((std::isnan(expected)
               ? std::isnan(results[i])
               : std::bit_cast<uint32_t>(results[i]) == std::bit_cast<uint32_t>(expected)));
  }
}

struct Contract {
  const char* name;
  void (*check)(const Subject&);
};
constexpr Contract kContracts[] = {
    {"NaN goes through activations and stays where it is", NaNStaysInActivations},
    {"NaN goes through products and convolutions", NaNGoesThroughProducts},
    {"NaN wins over numbers in pools", NaNWinsPools},
    {"NaN in a batch reaches its channel's norm and no other", NaNStaysInItsChannelOfNorms},
    {"the sign of zero says what was dropped", SignOfZeroSaysDropped},
    {"a joined batch drops what its parts drop apart", JoinedBatchesDropAsApart},
    {"conversions round ties to even", ConversionsRoundTiesToEven},
};

}  // namespace

void CheckContracts(Engine& engine) {
  const std::vector<Precision>& precisions = engine.capabilities().precisions;
  const bool has_bf16 = std::count(precisions.begin(), precisions.end(), Precision::kBf16) > 0;
  for (const Contract& contract : kContracts) {
    DYNAMIC_SECTION(contract.name) { contract.check({engine, false}); }
    if (!has_bf16) continue;
    DYNAMIC_SECTION(contract.name << ", bf16") { contract.check({engine, true}); }
  }
}

}  // namespace numeral
