// Dense layers of small batches with what follows them as one node: against the reference, and
// where they stay apart.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "cuda/engine/dense_tile.h"
#include "tests/emulator/joined_ops.h"
#include "tests/support/op_cases.h"

namespace numeral::cuda {
namespace {

struct Sizes {
  int n, in, out;
};
// Rows within and off the tiles of 16, up to 64 and above; depths within a stage, through all
// four and around; columns off the tiles of 8 and 16; copies of 16, 8 and 4 bytes.
constexpr Sizes kSizes[] = {{1, 20, 18},   {5, 24, 40},   {17, 100, 34}, {64, 96, 24},
                            {65, 258, 32}, {128, 66, 50}, {33, 320, 26}};

enum class Behind { kAct, kNorm, kNormWithBias };
// Where the result of the product is, and who else needs it.
enum class Place { kInPlace, kTransient, kPersistent, kReadLater };

struct Setting {
  Sizes sizes;
  Precision precision = Precision::kFp32;
  Behind behind = Behind::kAct;
  Activation activation = {ActivationKind::kLeakyRelu, 0.2f};
  float dropout_rate = 0;
  Place place = Place::kInPlace;
  bool bias = true;  // forward: there is one; backward: it has a gradient
  GradientMode mode = GradientMode::kOverwrite;

  DType dtype() const { return precision == Precision::kBf16 ? DType::kBF16 : DType::kF32; }
};

const char* NameOf(Precision precision) {
  return precision == Precision::kFp32 ? "fp32" : precision == Precision::kTf32 ? "tf32" : "bf16";
}

std::string Describe(const Setting& s) {
  return fmt::format("{}x{} -> {}, {}, behind {}, {}, dropout {}, place {}, bias {}, {}", s.sizes.n,
                     s.sizes.in, s.sizes.out, NameOf(s.precision), static_cast<int>(s.behind),
                     Describe(s.activation), s.dropout_rate, static_cast<int>(s.place), s.bias,
                     Describe(s.mode));
}

// Operands that bf16 and TF32 hold as they are, so that sums and results alone are rounded.
class LayerPlan {
 public:
  explicit LayerPlan(const Setting& setting) : s_(setting) {}

  TensorId Matrix(const std::string& name, int columns) {
    const TensorId id = plan_.Add(name, s_.sizes.n, Shape::Flat(columns), s_.dtype());
    SetExact(id, 2);
    return id;
  }
  TensorId Weight() {
    const TensorId id = plan_.AddVector("weight", s_.sizes.in * s_.sizes.out);
    SetExact(id, 1);
    ops_.push_back(PrepareWeight{id});
    return id;
  }
  TensorId Vector(const std::string& name, int elems) {
    const TensorId id = plan_.AddVector(name, elems);
    plan_.SetUniform(id, 0.5, 1.5);
    return id;
  }
  TensorId Step() { return plan_.AddStep(17); }
  // What the next op makes of `linear`.
  TensorId Result(const std::string& name, TensorId linear, int columns) {
    if (s_.place == Place::kInPlace) return plan_.AddOverlay(name, linear);
    if (s_.place != Place::kPersistent) transient_.push_back(linear);
    return Matrix(name, columns);
  }
  // Which is what a product gives, read by an op behind all others where the setting says so.
  TensorId Linear(const std::string& name, int columns) {
    const TensorId id = Matrix(name, columns);
    if (s_.place == Place::kReadLater) {
      later_ = Accumulate{id, Matrix("later", columns)};
    }
    return id;
  }

  void Append(const Op& op) { ops_.push_back(op); }
  void SetReals(TensorId id, const std::vector<float>& values) { plan_.SetReals(id, values); }

  OpCase Finish(const Tolerance& tolerance) {
    if (later_) ops_.push_back(*later_);
    OpCase op_case = WithOps(plan_.Finish(Describe(s_), ops_.back(), tolerance), ops_, transient_);
    Plan plan = *op_case.plan;
    plan.precision = s_.precision;
    op_case.plan = std::make_shared<const Plan>(std::move(plan));
    return op_case;
  }

 private:
  void SetExact(TensorId id, double size) {
    std::vector<float> values;
    uint64_t state = static_cast<uint64_t>(id) + 1;
    for (int64_t i = 0; i < plan_.info(id).elems(); ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const auto draw = static_cast<double>(state >> 57) / 64 - 1;  // 7 bits
      values.push_back(static_cast<float>(size * draw));
    }
    plan_.SetReals(id, values);
  }

  Setting s_;
  OneOpPlan plan_;
  std::vector<Op> ops_;
  std::vector<TensorId> transient_;
  std::optional<Op> later_;
};

Tolerance ToleranceOf(const Setting& s, const Tolerance& fp32) {
  return s.dtype() == DType::kF32 ? fp32 : StoredAs<bf16>({1e-2, 1e-2});
}

// Nodes of weights that are rounded before.
int64_t Prepared(const Setting& s) { return s.dtype() == DType::kBF16 ? 1 : 0; }

// ---- forward

OpCase MakeForward(const Setting& s) {
  LayerPlan plan(s);
  const auto [n, in, out] = s.sizes;
  const TensorId x = plan.Matrix("x", in), weight = plan.Weight();
  const TensorId product = plan.Linear("product", out);
  plan.Append(DenseForward{n, in, out, x, weight, kNoTensor, product, {}});
  TensorId linear = product;
  if (s.behind != Behind::kNorm) {
    BiasActForward act{product, kNoTensor, kNoTensor, {}, 0, {}, kNoTensor};
    if (s.bias) act.bias = plan.Vector("bias", out);
    if (s.behind == Behind::kAct) {
      act.activation = s.activation;
      act.dropout_rate = s.dropout_rate;
    }
    if (act.dropout_rate > 0) {
      act.dropout_rows = {{0, 5}, {n / 2, 6}};
      act.step = plan.Step();
    }
    linear = act.y = plan.Result("linear", product, out);
    plan.Append(act);
  }
  if (s.behind != Behind::kAct) {
    BatchNormForward norm{};
    norm.x = linear;
    norm.y = plan.Matrix("y", out);
    norm.scale = plan.Vector("scale", out);
    norm.shift = plan.Vector("shift", out);
    norm.mean = plan.Vector("mean", out);
    norm.inv_std = plan.Vector("inv_std", out);
    norm.running_mean = plan.Vector("running_mean", out);
    norm.running_variance = plan.Vector("running_variance", out);
    norm.epsilon = 0.8f;
    norm.keep = 0.9f;
    norm.unbiased_running_variance = s.mode == GradientMode::kAccumulate;
    norm.activation = s.activation;
    plan.Append(norm);
  }
  return plan.Finish(
      ToleranceOf(s, s.behind == Behind::kAct ? Tolerance{6e-5, 2e-5} : Tolerance{1e-4, 5e-5}));
}

std::vector<std::string> ResultsOfForward(const Setting& s) {
  if (s.behind == Behind::kAct) return {"linear"};
  return {s.behind == Behind::kNorm ? "product" : "linear",
          "y",
          "mean",
          "inv_std",
          "running_mean",
          "running_variance"};
}

constexpr Precision kPrecisions[] = {Precision::kFp32, Precision::kTf32, Precision::kBf16};

TEST_CASE("A dense layer of a small batch does bias, activation and dropout behind it",
          "[emulator][dense_tile]") {
  int cases = 0;
  for (const Sizes& sizes : kSizes) {
    for (const Precision precision : kPrecisions) {
      Setting s{sizes, precision};
      ++cases;
      s.activation = AllActivations()[static_cast<size_t>(cases) % AllActivations().size()];
      s.dropout_rate = cases % 3 == 0 ? 0.0f : 0.3f;
      s.place = cases % 2 == 0 ? Place::kInPlace : Place::kTransient;
      s.bias = cases % 5 != 0;
      Check(MakeForward(s), ResultsOfForward(s), 1 + Prepared(s));
    }
  }
}

// Rows off the tiles of two warps, columns off the tile, a chunk that a copy of 8 bytes ends.
TEST_CASE("A wide dense layer of little depth does what is behind it", "[emulator][dense_tile]") {
  const auto check = [](const Sizes& sizes, Precision precision, Behind behind,
                        float dropout_rate) {
    Setting s{sizes, precision, behind};
    s.dropout_rate = dropout_rate;
    if (behind == Behind::kAct) s.place = Place::kTransient;
    Check(MakeForward(s), ResultsOfForward(s), 1 + Prepared(s));
  };
  check({150, 40, 2066}, Precision::kTf32, Behind::kNormWithBias, 0);
  check({150, 100, 2052}, Precision::kBf16, Behind::kAct, 0.3f);
  check({256, 18, 2050}, Precision::kBf16, Behind::kNormWithBias, 0);
  check({1, 18, 2050}, Precision::kTf32, Behind::kAct, 0);
}

TEST_CASE("A dense layer of a small batch does batch normalisation behind it",
          "[emulator][dense_tile]") {
  int cases = 0;
  for (const Sizes& sizes : kSizes) {
    for (const Precision precision : kPrecisions) {
      Setting s{sizes, precision};
      ++cases;
      s.behind = cases % 3 == 0 ? Behind::kNorm : Behind::kNormWithBias;
      s.activation = AllActivations()[static_cast<size_t>(cases) % AllActivations().size()];
      s.place = cases % 2 == 0 ? Place::kInPlace : Place::kTransient;
      if (s.behind == Behind::kNorm) s.place = Place::kPersistent;
      s.bias = cases % 5 != 0;
      s.mode = kBothModes[cases % 2];
      Check(MakeForward(s), ResultsOfForward(s), 1 + Prepared(s));
    }
  }
}

// ---- backward

OpCase MakeBackward(const Setting& s) {
  LayerPlan plan(s);
  const auto [n, in, out] = s.sizes;
  const TensorId grad_y = plan.Matrix("grad_y", out), weight = plan.Weight();
  const TensorId product = plan.Linear("product", in);
  plan.Append(DenseBackwardData{n, in, out, grad_y, weight, product});
  const bool reads_y = s.activation != Activation{} || s.dropout_rate > 0;
  const TensorId y = reads_y ? plan.Matrix("y", in) : kNoTensor;
  if (reads_y) {
    std::vector<float> values(static_cast<size_t>(n) * static_cast<size_t>(in));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = i % 3 == 1 ? -0.0f : static_cast<float>(i % 7) * 0.25f - 0.75f;
    }
    plan.SetReals(y, values);
  }
  if (s.behind == Behind::kAct) {
    BiasActBackward act{y, product, kNoTensor, kNoTensor, s.activation, s.dropout_rate, s.mode};
    if (s.bias) act.grad_bias = plan.Vector("grad_bias", in);
    act.grad_x = plan.Result("grad_x", product, in);
    plan.Append(act);
  } else {
    BatchNormBackward norm{};
    norm.x = plan.Matrix("x", in);
    norm.y = y;
    norm.grad_y = product;
    norm.scale = plan.Vector("scale", in);
    norm.mean = plan.Vector("mean", in);
    norm.inv_std = plan.Vector("inv_std", in);
    norm.grad_x = plan.Result("grad_x", product, in);
    norm.grad_scale = plan.Vector("grad_scale", in);
    norm.grad_shift = plan.Vector("grad_shift", in);
    norm.mode = s.mode;
    norm.activation = s.activation;
    plan.Append(norm);
    if (s.bias) {
      const TensorId grad_bias = plan.Vector("grad_bias", in);
      const GradientMode other = s.mode == kBothModes[0] ? kBothModes[1] : kBothModes[0];
      plan.Append(BiasActBackward{kNoTensor, norm.grad_x, norm.grad_x, grad_bias, {}, 0, other});
    }
  }
  return plan.Finish(ToleranceOf(s, {2e-4, 5e-5}));
}

// Sums over the batch in bf16: gradients of size 20, of which each is rounded.
std::vector<std::string> ResultsOfBackward(const Setting& s) {
  std::vector<std::string> results{"grad_x"};
  if (s.behind != Behind::kAct) results.insert(results.end(), {"grad_scale", "grad_shift"});
  // Of the gradients that memory has, which are rounded behind batch normalisation.
  if (s.bias && (s.behind == Behind::kAct || s.dtype() == DType::kF32)) {
    results.push_back("grad_bias");
  }
  return results;
}

TEST_CASE("A dense layer's way back does the gradient of the activation in front of it",
          "[emulator][dense_tile]") {
  int cases = 0;
  for (const Sizes& sizes : kSizes) {
    for (const Precision precision : kPrecisions) {
      Setting s{sizes, precision};
      ++cases;
      s.activation = AllActivations()[static_cast<size_t>(cases) % AllActivations().size()];
      s.dropout_rate = cases % 3 == 0 ? 0.0f : 0.3f;
      s.place = cases % 2 == 0 ? Place::kInPlace : Place::kTransient;
      s.bias = cases % 4 != 0;
      s.mode = kBothModes[cases % 2];
      Check(MakeBackward(s), ResultsOfBackward(s), 1 + Prepared(s));
    }
  }
}

TEST_CASE("A dense layer's way back does the gradient of batch normalisation in front of it",
          "[emulator][dense_tile]") {
  int cases = 0;
  for (const Sizes& sizes : kSizes) {
    for (const Precision precision : kPrecisions) {
      Setting s{sizes, precision};
      ++cases;
      s.behind = Behind::kNorm;
      s.activation = AllActivations()[static_cast<size_t>(cases) % AllActivations().size()];
      s.place = cases % 2 == 0 ? Place::kInPlace : Place::kTransient;
      s.bias = cases % 4 != 0;
      s.mode = kBothModes[cases % 2];
      Check(MakeBackward(s), ResultsOfBackward(s), 1 + Prepared(s));
    }
  }
}

// ---- numerics

double SumOfColumn(const std::vector<double>& values, size_t column, size_t columns) {
  double sum = 0;
  for (size_t i = column; i < values.size(); i += columns) sum += values[i];
  return sum;
}

TEST_CASE("Batch normalisation in a dense tile is of what memory has in bf16",
          "[emulator][dense_tile]") {
  emulator::SetSeed(1);
  Setting s{{40, 34, 24}, Precision::kBf16, Behind::kNormWithBias};
  const OneOpRun forward(MakeForward(s));
  const std::vector<double> linear = forward.Reals("linear"), mean = forward.Reals("mean");
  for (size_t c = 0; c < 24; ++c) CHECK(std::abs(mean[c] - SumOfColumn(linear, c, 24) / 40) < 1e-6);

  s.mode = GradientMode::kAccumulate;  // and the bias's is overwritten
  const OneOpRun backward(MakeBackward(s));
  const std::vector<double> grad_x = backward.Reals("grad_x"),
                            grad_bias = backward.Reals("grad_bias");
  for (size_t c = 0; c < 34; ++c) {
    CHECK(std::abs(grad_bias[c] - SumOfColumn(grad_x, c, 34)) < 2e-5);
  }
}

TEST_CASE("The engine hands its precision to dense tiles", "[emulator][dense_tile]") {
  emulator::SetSeed(1);
  const auto run = [](Precision precision, bool backward) {
    const Setting s{{20, 200, 40}, precision};
    OpCase op_case = backward ? MakeBackward(s) : MakeForward(s);
    for (auto& [id, bytes] : op_case.writes) {  // fractions of more than 10 bits
      auto* values = reinterpret_cast<float*>(bytes.data());
      for (size_t i = 0; i < bytes.size() / sizeof(float); ++i) values[i] *= 1.001f;
    }
    return OneOpRun(op_case).Reals(backward ? "grad_x" : "linear");
  };
  for (const bool backward : {false, true}) {
    const std::vector<double> fp32 = run(Precision::kFp32, backward),
                              tf32 = run(Precision::kTf32, backward);
    CHECK_FALSE(std::equal(fp32.begin(), fp32.end(), tf32.begin(),
                           [](double a, double b) { return tolerance::kProduct.Accepts(a, b); }));
  }
}

// ---- apart

TEST_CASE("A dense layer stays apart where its result is needed", "[emulator][dense_tile]") {
  for (const bool backward : {false, true}) {
    for (const auto& [place, nodes] : {std::pair{Place::kPersistent, 2}, {Place::kReadLater, 3}}) {
      Setting s{{20, 40, 36}};
      s.place = place;
      s.bias = false;
      const OpCase op_case = backward ? MakeBackward(s) : MakeForward(s);
      Check(op_case, {backward ? "grad_x" : "linear"}, nodes);
    }
  }
}

TEST_CASE("A dense layer stays apart where its sizes are not a tile's", "[emulator][dense_tile]") {
  Setting s{{129, 20, 24}};
  Check(MakeForward(s), {"linear"}, 2);
  Check(MakeBackward(s), {"grad_x", "grad_bias"}, 2);
  s.behind = Behind::kNormWithBias;
  Check(MakeForward(s), ResultsOfForward(s), 3);
  Check(MakeBackward(s), ResultsOfBackward(s), 3);
}

// The result lies on the product's input, which other blocks may not have read yet.
TEST_CASE("A dense layer stays apart where its result lies on its input",
          "[emulator][dense_tile]") {
  OneOpPlan plan;
  const TensorId input = plan.Add("input", 40, Shape::Flat(32));
  const TensorId weight = plan.AddVector("weight", 32 * 32);
  const TensorId linear = plan.Add("linear", 40, Shape::Flat(32));
  const TensorId result = plan.AddOverlay("result", input);
  plan.SetUniform(input, -1, 1);
  plan.SetUniform(weight, -1, 1);
  const BiasActForward act{linear, kNoTensor, result, {ActivationKind::kTanh}, 0, {}, kNoTensor};
  const DenseForward dense{40, 32, 32, input, weight, kNoTensor, linear, {}};
  const OpCase op_case = plan.Finish("on its input", act, tolerance::kProduct);
  Check(WithOps(op_case, {dense, act}, {linear}), {"result"}, 2);
}

// A layer's outputs as the features of pixels, which are several columns each.
TEST_CASE("A dense layer stays apart from what is done to the features of pixels",
          "[emulator][dense_tile]") {
  constexpr int kRows = 6, kFeatures = 4, kIn = 20, kOut = 9 * kFeatures;
  const Shape shape = Shape::Spatial(3, 3, kFeatures);
  for (const int which : {0, 1, 2, 3}) {
    OneOpPlan plan;
    const TensorId small = plan.Add("small", kRows, Shape::Flat(kIn));
    const TensorId weight = plan.AddVector("weight", kIn * kOut);
    const TensorId columns = plan.Add("columns", kRows, Shape::Flat(kOut));
    const TensorId pixels = plan.Add("pixels", kRows, shape), x = plan.Add("x", kRows, shape);
    const auto vector = [&](const char* name) { return plan.AddVector(name, kFeatures); };
    const TensorId scale = vector("scale"), shift = vector("shift"), mean = vector("mean"),
                   inv_std = vector("inv_std"), running_mean = vector("running_mean"),
                   running_variance = vector("running_variance");
    const bool forward = which < 2;
    const Op product =
        forward ? Op(DenseForward{kRows, kIn, kOut, small, weight, kNoTensor, columns, {}})
                : Op(DenseBackwardData{kRows, kOut, kIn, small, weight, columns});
    const Op behind[] = {
        BiasActForward{pixels, scale, pixels, {ActivationKind::kTanh}, 0, {}, kNoTensor},
        BatchNormForward{pixels,
                         scale,
                         shift,
                         x,
                         mean,
                         inv_std,
                         running_mean,
                         running_variance,
                         0.1f,
                         0.9f,
                         false,
                         {}},
        BiasActBackward{kNoTensor, pixels, pixels, mean, {}, 0, {}},
        BatchNormBackward{
            x, kNoTensor, pixels, scale, mean, inv_std, pixels, shift, running_mean, {}, {}}};
    OpCase op_case = plan.Finish("of pixels", behind[which], tolerance::kStatistics);
    op_case = WithOps(op_case, {product, behind[which]}, {});
    Plan changed = *op_case.plan;
    changed.tensors[static_cast<size_t>(pixels)].offset_bytes =
        changed.tensor(columns).offset_bytes;
    op_case.plan = std::make_shared<const Plan>(std::move(changed));
    INFO(which);
    CHECK(NodesOf(op_case) == 2);
  }
}

// y = norm(act(x * weight^T)): no tile does an activation on both sides.
TEST_CASE("A dense layer with an activation leaves batch normalisation alone",
          "[emulator][dense_tile]") {
  Setting s{{20, 40, 36}};
  s.behind = Behind::kNormWithBias;
  OpCase op_case = MakeForward(s);
  Plan plan = *op_case.plan;
  for (PhaseOp& op : plan.phases[0].ops) {
    if (auto* act = std::get_if<BiasActForward>(&op.op)) act->activation = s.activation;
  }
  op_case.plan = std::make_shared<const Plan>(plan);
  Check(op_case, ResultsOfForward(s), 2);

  op_case = MakeBackward(s);
  plan = *op_case.plan;
  auto& last = std::get<BiasActBackward>(plan.phases[0].ops.back().op);
  last.y = plan.FindTensor("y");
  last.activation = s.activation;
  op_case.plan = std::make_shared<const Plan>(plan);
  Check(op_case, ResultsOfBackward(s), 2);
}

TEST_CASE("A dense layer is a tile where its operands are aligned to copies",
          "[emulator][dense_tile]") {
  for (const Behind behind : {Behind::kAct, Behind::kNormWithBias}) {
    Setting s{{20, 40, 36}, Precision::kFp32, behind};
    Check(WithMisalignedTensors(MakeForward(s)), ResultsOfForward(s), 1);
    Check(WithMisalignedTensors(MakeBackward(s)), ResultsOfBackward(s), 1);
    s.precision = Precision::kBf16;
    for (const auto& [op_case, input] :
         {std::pair{MakeForward(s), "x"}, {MakeBackward(s), "grad_y"}}) {
      CHECK(NodesOf(op_case) == 2);  // one of them rounds the weight
      for (const char* name : {input, "weight"}) {
        Plan plan = *op_case.plan;
        const TensorId id = plan.FindTensor(name);
        TensorInfo& info = plan.tensors[static_cast<size_t>(id)];
        info.offset_bytes += BytesOf(info.dtype);
        OpCase moved = op_case;
        moved.plan = std::make_shared<const Plan>(std::move(plan));
        INFO(name);
        CHECK(NodesOf(moved) > 2);
      }
    }
  }
}

}  // namespace
}  // namespace numeral::cuda
