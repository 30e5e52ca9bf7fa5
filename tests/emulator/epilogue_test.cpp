// Neighbouring ops of a layer as one node: which are, and that it does what they do one by one.
#include "cuda/engine/epilogue.h"

#include <fmt/format.h>

#include <array>

#include "cuda/kernels/thin_dense.h"
#include "tests/emulator/joined_ops.h"
#include "tests/support/op_cases.h"

namespace numeral::cuda {
namespace {

// ---- bias and activation behind a product

enum class Kind { kConvForward, kConvBackwardData, kDenseForward, kDenseBackwardData };
struct Layer {
  Kind kind;
  int n, image, channels, features, window, stride;  // dense: channels in, features out
};
// Images and features of one channel, layers with narrow inputs and outputs; channels in whole
// packs and not.
constexpr Layer kLayers[] = {
    {Kind::kConvForward, 3, 9, 1, 16, 5, 2},       {Kind::kConvForward, 3, 7, 1, 13, 3, 1},
    {Kind::kConvForward, 3, 6, 11, 1, 3, 1},       {Kind::kConvBackwardData, 3, 9, 1, 8, 5, 2},
    {Kind::kConvBackwardData, 3, 6, 16, 1, 3, 1},  {Kind::kConvBackwardData, 3, 5, 13, 1, 2, 1},
    {Kind::kDenseForward, 5, 1, 40, 1, 1, 1},      {Kind::kDenseForward, 7, 1, 23, 10, 1, 1},
    {Kind::kDenseForward, 6, 1, 10, 72, 1, 1},     {Kind::kDenseForward, 6, 1, 5, 37, 1, 1},
    {Kind::kDenseBackwardData, 5, 1, 72, 1, 1, 1}, {Kind::kDenseBackwardData, 5, 1, 23, 3, 1, 1},
    {Kind::kDenseBackwardData, 5, 1, 4, 50, 1, 1}};

// Where the linear result is, and who else needs it.
enum class Place { kSameTensor, kSameMemory, kTransient, kPersistent, kReadLater, kViewReadLater };

struct Setting {
  Layer layer;
  Activation activation;
  float dropout_rate;
  bool backward;
  DType dtype;
  Place place;
  bool grad_bias = false;
};

class Chain {
 public:
  explicit Chain(const Setting& setting) : s_(setting) {
    const Layer& l = s_.layer;
    const bool conv = l.kind == Kind::kConvForward || l.kind == Kind::kConvBackwardData;
    ConvGeometry g{.n = l.n, .h = l.image, .w = l.image + 1, .c = l.channels, .k = l.features};
    g.r = g.s = l.window;
    g.stride_h = g.stride_w = l.stride;
    g.p = (g.h - g.r) / g.stride_h + 1;
    g.q = (g.w - g.s) / g.stride_w + 1;
    const Shape image = conv ? Shape::Spatial(g.h, g.w, g.c) : Shape::Flat(l.channels);
    const Shape features = conv ? Shape::Spatial(g.p, g.q, g.k) : Shape::Flat(l.features);
    const bool to_features = l.kind == Kind::kConvForward || l.kind == Kind::kDenseForward;
    const TensorId input = plan_.Add("input", l.n, to_features ? image : features, s_.dtype);
    const TensorId weight = plan_.AddVector("weight", g.r * g.s * l.channels * l.features);
    plan_.SetUniform(input, -1, 1);
    plan_.SetUniform(weight, -1, 1);
    linear_ = plan_.Add("linear", l.n, to_features ? features : image, s_.dtype);
    switch (l.kind) {
      case Kind::kConvForward:
        ops_.push_back(ConvForward{g, input, weight, kNoTensor, linear_, {}});
        break;
      case Kind::kConvBackwardData:
        ops_.push_back(ConvBackwardData{g, input, weight, linear_});
        break;
      case Kind::kDenseForward:
        ops_.push_back(
            DenseForward{l.n, l.channels, l.features, input, weight, kNoTensor, linear_, {}});
        break;
      case Kind::kDenseBackwardData:
        ops_.push_back(DenseBackwardData{l.n, l.channels, l.features, input, weight, linear_});
        break;
    }
    AddResult();
    ops_.push_back(s_.backward ? Op(Backward()) : Op(Forward()));
  }

  OpCase Finish() {
    const bool tells = s_.place == Place::kReadLater || s_.place == Place::kViewReadLater;
    const TensorId read = s_.place == Place::kViewReadLater
                              ? plan_.AddRows("part", linear_, 1, s_.layer.n - 1)
                              : linear_;
    const OpCase op_case = plan_.Finish(Name(), ops_.back(), ProductTolerance(s_.dtype));
    std::vector<Op> ops = ops_;
    std::vector<TensorId> transient;
    if (s_.place == Place::kTransient || tells) transient.push_back(linear_);
    if (read != linear_) transient.push_back(read);
    if (tells) ops.push_back(BiasActForward{read, kNoTensor, read, {}, 0, {}, kNoTensor});
    return WithOps(op_case, ops, transient);
  }

 private:
  std::string Name() const {
    return fmt::format("{} {} -> {}, {}, dropout {}, {}, {}, place {}", OpName(ops_[0]),
                       s_.layer.channels, s_.layer.features, Describe(s_.activation),
                       s_.dropout_rate, s_.backward ? "backward" : "forward",
                       s_.dtype == DType::kF32 ? "fp32" : "bf16", static_cast<int>(s_.place));
  }
  void AddResult() {
    const TensorInfo info = plan_.info(linear_);
    result_ = s_.place == Place::kSameTensor ? linear_
              : s_.place == Place::kSameMemory
                  ? plan_.AddOverlay("result", linear_)
                  : plan_.Add("result", info.rows, info.shape, s_.dtype);
  }
  BiasActForward Forward() {
    BiasActForward op{linear_, kNoTensor, result_, s_.activation, s_.dropout_rate, {}, kNoTensor};
    op.bias = plan_.AddVector("bias", plan_.info(linear_).shape.c);
    if (s_.dropout_rate > 0) {
      op.dropout_rows = {{0, 5}, {2, 6}};
      op.step = plan_.AddStep(17);
    }
    return op;
  }
  // What was dropped is a negative zero.
  BiasActBackward Backward() {
    const TensorInfo info = plan_.info(linear_);
    BiasActBackward op{kNoTensor, linear_, result_, kNoTensor, s_.activation, s_.dropout_rate, {}};
    op.y = plan_.Add("y", info.rows, info.shape, s_.dtype);
    std::vector<float> y(static_cast<size_t>(info.elems()));
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] = i % 3 == 1 ? -0.0f : static_cast<float>(i % 7) * 0.25f - 0.75f;
    }
    plan_.SetReals(op.y, y);
    if (s_.grad_bias) op.grad_bias = plan_.AddVector("grad_bias", info.shape.c);
    return op;
  }

  Setting s_;
  OneOpPlan plan_;
  TensorId linear_ = kNoTensor, result_ = kNoTensor;
  std::vector<Op> ops_;
};

const char* ResultName(Place place) { return place == Place::kSameTensor ? "linear" : "result"; }

TEST_CASE("A thin product does the bias and activation behind it", "[emulator][epilogue]") {
  int cases = 0;
  for (const Layer& layer : kLayers) {
    for (const Activation& activation : AllActivations()) {
      for (const bool backward : {false, true}) {
        for (const DType dtype : {DType::kF32, DType::kBF16}) {
          // Alternately, and not in step with the loops.
          const float rate = ++cases % 3 == 0 ? 0.0f : 0.3f;
          const auto place = static_cast<Place>(cases % 5 % 3);
          Check(Chain({layer, activation, rate, backward, dtype, place}).Finish(),
                {ResultName(place)}, 1);
        }
      }
    }
  }
}

TEST_CASE("In fp32 a joined product gives the bits of two nodes", "[emulator][epilogue]") {
  emulator::SetSeed(1);
  for (const Layer& layer : kLayers) {
    for (const bool backward : {false, true}) {
      Setting setting{layer,       {ActivationKind::kTanh}, 0.3f, backward,
                      DType::kF32, Place::kTransient};
      const OpCase joined = Chain(setting).Finish();
      setting.place = Place::kPersistent;
      const OpCase apart = Chain(setting).Finish();
      INFO(joined.name);
      CHECK(NodesOf(joined) == 1);
      CHECK(NodesOf(apart) == 2);
      CHECK(OneOpRun(joined).Reals("result") == OneOpRun(apart).Reals("result"));
    }
  }
}

TEST_CASE("A product stays apart where its result is needed", "[emulator][epilogue]") {
  const Activation leaky{ActivationKind::kLeakyRelu, 0.2f};
  for (const Layer& layer : kLayers) {
    const auto check = [&](Setting setting, const std::vector<std::string>& results, int nodes) {
      Check(Chain(setting).Finish(), results, nodes);
      setting.dtype = DType::kBF16;  // which rounds twice here, unlike the reference
      CHECK(NodesOf(Chain(setting).Finish()) == nodes);
    };
    Setting setting{layer, leaky, 0.3f, false, DType::kF32, Place::kPersistent};
    check(setting, {"result"}, 2);
    setting.place = Place::kReadLater;
    check(setting, {"result"}, 3);
    setting.place = Place::kViewReadLater;
    check(setting, {"result"}, 3);
    setting.place = Place::kSameTensor;
    setting.backward = setting.grad_bias = true;
    check(setting, {"linear", "grad_bias"}, 2);
  }
}

// The result lies on the product's input, which other blocks may not have read yet.
TEST_CASE("A product stays apart where its result lies on its input", "[emulator][epilogue]") {
  OneOpPlan plan;
  const TensorId input = plan.Add("input", 70, Shape::Flat(16));
  const TensorId weight = plan.AddVector("weight", 16 * 16);
  const TensorId linear = plan.Add("linear", 70, Shape::Flat(16));
  const TensorId result = plan.AddOverlay("result", input);
  plan.SetUniform(input, -1, 1);
  plan.SetUniform(weight, -1, 1);
  const BiasActForward act{linear, kNoTensor, result, {ActivationKind::kTanh}, 0, {}, kNoTensor};
  const DenseForward dense{70, 16, 16, input, weight, kNoTensor, linear, {}};
  const OpCase op_case = plan.Finish("on its input", act, tolerance::kProduct);
  Check(WithOps(op_case, {dense, act}, {linear}), {"result"}, 2);
}

// Ranges of dropout that begin within a row, which plans do not have.
TEST_CASE("An epilogue draws for any ranges of elements", "[emulator][epilogue]") {
  const DenseShape shape{3, 5, 20};
  const DeviceTensor<float> x(RandomValues<float>(15, 1)), weight(RandomValues<float>(100, 2));
  const DeviceTensor<float> linear(60), apart(60), joined(60);
  const DeviceMemory step(sizeof(int64_t));
  const int64_t running = 4;
  NUMERAL_CUDA(cudaMemcpy(step.data(), &running, sizeof running, cudaMemcpyHostToDevice));
  BiasActForwardArgs<float> act = {};
  act.x = linear.data();
  act.y = apart.data();
  act.channels = 20;
  act.activation = {ActivationKind::kLeakyRelu, 0.2f};
  act.dropout_rate = 0.5f;
  act.ranges[0] = {0, 10, 5};
  act.ranges[1] = {10, 50, 6};
  act.range_count = 2;
  act.step = reinterpret_cast<const int64_t*>(step.data());
  LaunchThinDenseForward<float>({shape, x.data(), weight.data(), linear.data()}, nullptr);
  LaunchBiasActForward(act, nullptr);
  LaunchThinDenseForward<float>({shape, x.data(), weight.data(), joined.data(), act}, nullptr);
  CHECK(joined.Read() == apart.Read());
}

// ---- gradients of a dense layer

struct GradientCase {
  int n, in, out;
  bool bias, data;
  GradientMode mode = GradientMode::kOverwrite, bias_mode = GradientMode::kOverwrite;
  bool bias_in_place = true, data_on_x = false;
};

OpCase MakeGradients(const GradientCase& c, DType dtype) {
  OneOpPlan plan;
  const TensorId x = plan.Add("x", c.n, Shape::Flat(c.in), dtype);
  const TensorId grad_y = plan.Add("grad_y", c.n, Shape::Flat(c.out), dtype);
  const TensorId grad_linear =
      c.bias_in_place ? grad_y : plan.Add("grad_linear", c.n, Shape::Flat(c.out), dtype);
  const TensorId weight = plan.AddVector("weight", c.in * c.out);
  const TensorId grad_weight = plan.AddVector("grad_weight", c.in * c.out);
  const TensorId grad_bias = plan.AddVector("grad_bias", c.out);
  const TensorId grad_x = c.data_on_x ? plan.AddOverlay("grad_x", x)
                                      : plan.Add("grad_x", c.n, Shape::Flat(c.in), dtype);
  for (const TensorId id : {x, grad_y, weight, grad_weight, grad_bias}) plan.SetUniform(id, -1, 1);
  std::vector<Op> ops;
  if (c.bias) {
    ops.push_back(BiasActBackward{kNoTensor, grad_y, grad_linear, grad_bias, {}, 0, c.bias_mode});
  }
  ops.push_back(DenseBackwardWeight{c.n, c.in, c.out, x, grad_linear, grad_weight, c.mode});
  if (c.data) ops.push_back(DenseBackwardData{c.n, c.in, c.out, grad_linear, weight, grad_x});
  const std::string name =
      fmt::format("gradients of {}x{} -> {}, {} {} {} {}", c.n, c.in, c.out, c.bias, c.data,
                  Describe(c.mode), dtype == DType::kF32 ? "fp32" : "bf16");
  return WithOps(plan.Finish(name, ops.back(), ProductTolerance(dtype)), ops, {});
}

std::vector<std::string> ResultsOf(const GradientCase& c) {
  std::vector<std::string> results{"grad_weight"};
  if (c.bias) results.push_back("grad_bias");
  if (c.data) results.push_back("grad_x");
  return results;
}

TEST_CASE("Gradients of a dense layer with few outputs are one node", "[emulator][epilogue]") {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    for (const GradientMode mode : kBothModes) {
      for (const auto& [n, in, out] :
           {std::array{1, 1, 1}, {67, 80, 1}, {130, 23, 5}, {200, 264, 16}, {33, 40, 10}}) {
        for (const auto& [bias, data] : {std::pair{true, false}, {false, true}, {true, true}}) {
          GradientCase c{n, in, out, bias, data, mode};
          c.bias_mode = mode == kBothModes[0] ? kBothModes[1] : kBothModes[0];
          Check(MakeGradients(c, dtype), ResultsOf(c), 1);
        }
      }
    }
  }
}

TEST_CASE("Gradients that share memory, or a wide output, stay apart", "[emulator][epilogue]") {
  GradientCase c{67, 12, 5, true, true};
  c.bias_in_place = false;
  Check(MakeGradients(c, DType::kF32), ResultsOf(c), 2);
  c.bias_in_place = true;
  c.data_on_x = true;
  Check(MakeGradients(c, DType::kF32), ResultsOf(c), 2);
  const GradientCase wide{67, 12, 17, true, true};
  Check(MakeGradients(wide, DType::kF32), ResultsOf(wide), 3);
}

}  // namespace
}  // namespace numeral::cuda
