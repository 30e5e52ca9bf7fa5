// Which ops are the head of a discriminator, and that its nodes do what they do one by one.
#include <cmath>

#include "cuda/engine/compile_phase.h"
#include "cuda/engine/head.h"
#include "tests/emulator/joined_ops.h"
#include "tests/emulator/plan_on_device.h"
#include "tests/support/op_cases.h"

namespace numeral::cuda {
namespace {

// What is in the way of a head, or of a part of it.
enum class Odd {
  kNothing,
  kLogitsKept,        // the host reads the product without its bias
  kLogitsRead,        // another op does
  kGradientKept,      // the host reads what is between the dense layer and its activation
  kGradientRead,      // another op does
  kResultOnLinear,    // which blocks may not have read yet
  kResultOnX,         // which the gradient of the weight reads; there is no backward then
  kGradientOnLinear,  // that of the generator's loss
  kBiasOnWeight,      // a gradient that the last block writes lies on what others read
  kHalfFed,           // no gradient for the fakes
  kSwapped,           // the halves' gradients
  kOtherSlope,        // backward
  kTanh,              // on the logits
  kNoBackward,
};

struct Setting {
  int real = 5, fake = 7, pixels = 3, channels = 8;
  bool forward = true, bias = true, parameters = true, generator = true, in_place = true;
  float dropout_rate = 0.3f;
  Activation activation = {ActivationKind::kLeakyRelu, 0.3f};
  LossKind kind = LossKind::kBce;
  GradientMode mode = GradientMode::kOverwrite;
  Odd odd = Odd::kNothing;
};

class Discriminator {
 public:
  explicit Discriminator(const Setting& setting) : s_(setting) {
    const int n = s_.real + s_.fake, in = s_.pixels * s_.channels;
    const TensorId x = Forward(n);
    const TensorId weight = plan_.AddVector("weight", in);
    plan_.SetUniform(weight, -1, 1);
    const TensorId product = Output("product", n, Shape::Flat(1));
    ops_.push_back(DenseForward{n, in, 1, x, weight, kNoTensor, product, {}});
    const TensorId logits = Logits(product, n);
    const TensorId grads = Output("grads", n, Shape::Flat(1));
    Losses(logits, grads);
    if (s_.parameters) {
      const TensorId grad_bias = Gradient("grad_bias", 1);
      const TensorId grad_weight = Gradient("grad_weight", in);
      ops_.push_back(BiasActBackward{kNoTensor, grads, grads, grad_bias, {}, 0, s_.mode});
      ops_.push_back(DenseBackwardWeight{n, in, 1, x, grads, grad_weight, s_.mode});
    }
    const bool on_x = s_.odd == Odd::kResultOnX;
    const TensorId between = on_x ? plan_.AddOverlay("between", x)
                                  : Output("between", n, Shape::Spatial(s_.pixels, 1, s_.channels));
    if (on_x) SetLinear(between);
    ops_.push_back(DenseBackwardData{n, in, 1, grads, weight, between});
    if (on_x || s_.odd == Odd::kNoBackward) {
      results_.push_back("between");
    } else {
      Backward(x, between, weight);
    }
    if (s_.odd == Odd::kLogitsRead) Read(product);
    if (s_.odd == Odd::kGradientRead) Read(between);
  }

  const std::vector<std::string>& results() const { return results_; }
  OpCase Finish() {
    const OpCase op_case = plan_.Finish("head", ops_.back(), tolerance::kProduct);
    return WithOps(op_case, ops_, transient_);
  }

 private:
  TensorId Output(const std::string& name, int rows, const Shape& shape) {
    const TensorId id = plan_.Add(name, rows, shape);
    plan_.SetReals(id, std::vector<float>(static_cast<size_t>(plan_.info(id).elems()), NAN));
    return id;
  }
  TensorId Gradient(const std::string& name, int elems) {
    const TensorId id = Output(name, 1, Shape::Flat(elems));
    if (s_.mode == GradientMode::kAccumulate) plan_.SetUniform(id, -1, 1);
    results_.push_back(name);
    return id;
  }
  TensorId Step() {
    if (step_ == kNoTensor) step_ = plan_.AddStep(17);
    return step_;
  }
  void Read(TensorId id) {
    ops_.push_back(BiasActForward{id, kNoTensor, id, {}, 0, {}, kNoTensor});
  }

  // Also what lies on it, or the case would fill that with something else.
  void SetLinear(TensorId id) {
    const auto values = RandomValues<float>(static_cast<size_t>(plan_.info(id).elems()), 1);
    plan_.SetReals(id, {values.begin(), values.end()});
  }

  TensorId Forward(int n) {
    linear_ = plan_.Add("linear", n, Shape::Spatial(s_.pixels, 1, s_.channels));
    SetLinear(linear_);
    if (!s_.forward) return linear_;
    const TensorId x =
        s_.in_place ? plan_.AddOverlay("x", linear_) : Output("x", n, plan_.info(linear_).shape);
    if (s_.in_place) SetLinear(x);
    BiasActForward op{linear_, kNoTensor, x, s_.activation, s_.dropout_rate, {}, kNoTensor};
    op.bias = plan_.AddVector("act_bias", s_.channels);
    plan_.SetUniform(op.bias, -1, 1);
    if (s_.dropout_rate > 0) {
      op.dropout_rows = {{0, 5}, {s_.real, 6}};
      op.step = Step();
    }
    ops_.push_back(op);
    if (s_.odd != Odd::kResultOnX) results_.push_back("x");
    return x;
  }

  TensorId Logits(TensorId product, int n) {
    results_.push_back(s_.bias ? "logits" : "product");
    if (!s_.bias) return product;
    const bool apart = s_.odd == Odd::kLogitsKept || s_.odd == Odd::kLogitsRead || !s_.in_place;
    const TensorId logits =
        apart ? Output("logits", n, Shape::Flat(1)) : plan_.AddOverlay("logits", product);
    const TensorId bias = plan_.AddVector("bias", 1);
    plan_.SetUniform(bias, -1, 1);
    const Activation act{s_.odd == Odd::kTanh ? ActivationKind::kTanh : ActivationKind::kIdentity};
    ops_.push_back(BiasActForward{product, bias, logits, act, 0, {}, kNoTensor});
    if (apart && s_.odd != Odd::kLogitsKept) transient_.push_back(product);
    return logits;
  }

  void Losses(TensorId logits, TensorId grads) {
    metrics_ = plan_.Add("metrics", 5, Shape::Flat(kMetricCount));
    plan_.SetReals(metrics_, std::vector<float>(5 * kMetricCount, -7));
    const bool swapped = s_.odd == Odd::kSwapped;
    AddLoss(LossPart::kReal, plan_.AddRows("real", logits, 0, s_.real),
            plan_.AddRows("grad_real", grads, swapped ? s_.fake : 0, s_.real));
    const TensorId fake = plan_.AddRows("fake", logits, s_.real, s_.fake);
    if (s_.odd != Odd::kHalfFed) {
      AddLoss(LossPart::kFake, fake,
              plan_.AddRows("grad_fake", grads, swapped ? 0 : s_.real, s_.fake));
    } else {
      plan_.SetUniform(grads, -1, 1);
    }
    if (s_.generator) {
      const TensorId grad = s_.odd == Odd::kGradientOnLinear
                                ? plan_.AddRows("grad_generator", linear_, 3, s_.fake)
                                : Output("grad_generator", s_.fake, Shape::Flat(1));
      AddLoss(LossPart::kGenerator, fake, grad);
      results_.push_back("grad_generator");
    }
    results_.push_back("grads");
    results_.push_back("metrics");
  }
  void AddLoss(LossPart part, TensorId logits, TensorId grad) {
    const bool generator = part == LossPart::kGenerator;
    const bool relative = generator && s_.kind == LossKind::kBce;
    ops_.push_back(Loss{s_.kind, part, generator ? 1.0f : 0.5f, 0.1f, relative ? 0.5f : 0.0f,
                        logits, kNoTensor, grad, metrics_, Step(),
                        generator ? Metric::kGLoss : Metric::kDLoss, part == LossPart::kFake});
    if (generator) return;
    ops_.push_back(
        Accuracy{s_.kind, part, logits, kNoTensor, metrics_, Step(),
                 part == LossPart::kReal ? Metric::kDAccuracyReal : Metric::kDAccuracyFake});
  }

  void Backward(TensorId x, TensorId between, TensorId weight) {
    const TensorInfo info = plan_.info(between);
    const TensorId result = s_.odd == Odd::kResultOnLinear
                                ? plan_.AddOverlay("result", linear_)
                                : Output("result", static_cast<int>(info.rows), info.shape);
    BiasActBackward op{x, between, result, kNoTensor, s_.activation, s_.dropout_rate, s_.mode};
    if (s_.odd == Odd::kOtherSlope) op.activation.slope += 0.25f;
    if (s_.parameters) {
      op.grad_bias = s_.odd == Odd::kBiasOnWeight ? plan_.AddRows("grad_act_bias", weight, 0, 1)
                                                  : Gradient("grad_act_bias", s_.channels);
    }
    ops_.push_back(op);
    results_.push_back("result");
    if (s_.odd == Odd::kGradientKept) {
      results_.push_back("between");
    } else {
      transient_.push_back(between);
    }
  }

  Setting s_;
  OneOpPlan plan_;
  TensorId linear_ = kNoTensor, metrics_ = kNoTensor, step_ = kNoTensor;
  std::vector<Op> ops_;
  std::vector<TensorId> transient_;
  std::vector<std::string> results_;
};

void CheckNodes(const Setting& setting, int64_t nodes) {
  INFO("odd " << static_cast<int>(setting.odd) << ", kind " << static_cast<int>(setting.kind)
              << ", " << Describe(setting.activation) << ", dropout " << setting.dropout_rate);
  Discriminator discriminator(setting);
  Check(discriminator.Finish(), discriminator.results(), nodes);
}

TEST_CASE("The end of a discriminator is a head, and its parameters' gradients",
          "[emulator][head]") {
  for (const Activation& activation : AllActivations()) {
    CheckNodes({.activation = activation}, 2);
    CheckNodes({.pixels = 5, .channels = 3, .dropout_rate = 0, .activation = activation}, 2);
  }
  for (const LossKind kind : {LossKind::kBce, LossKind::kLeastSquares, LossKind::kHinge}) {
    CheckNodes({.kind = kind, .mode = GradientMode::kAccumulate}, 2);
  }
  CheckNodes({.in_place = false}, 2);
  CheckNodes({.forward = false}, 2);
  CheckNodes({.bias = false}, 2);
  CheckNodes({.parameters = false}, 1);
  CheckNodes({.generator = false}, 2);
  CheckNodes({.odd = Odd::kNoBackward}, 2);
  CheckNodes({.forward = false, .odd = Odd::kNoBackward}, 2);
  CheckNodes({.real = 140, .fake = 133, .pixels = 1}, 2);
}

TEST_CASE("A head is shorter, or none, where others need what it has", "[emulator][head]") {
  CheckNodes({.odd = Odd::kLogitsKept}, 6);
  CheckNodes({.odd = Odd::kLogitsRead}, 7);
  CheckNodes({.odd = Odd::kGradientKept}, 3);
  CheckNodes({.odd = Odd::kGradientRead}, 4);
  CheckNodes({.in_place = false, .odd = Odd::kResultOnLinear}, 3);
  CheckNodes({.odd = Odd::kResultOnX}, 5);
  CheckNodes({.pixels = 1, .channels = 1, .in_place = false, .odd = Odd::kGradientOnLinear}, 3);
  CheckNodes({.pixels = 1, .odd = Odd::kBiasOnWeight}, 3);
  CheckNodes({.odd = Odd::kHalfFed}, 5);
  CheckNodes({.odd = Odd::kSwapped}, 5);
  CheckNodes({.odd = Odd::kOtherSlope}, 3);
  CheckNodes({.odd = Odd::kTanh}, 5);
}

TEST_CASE("The graph of a head gives the bits of its nodes one by one", "[emulator][head]") {
  Discriminator discriminator({.real = 9, .fake = 6});
  const OpCase op_case = discriminator.Finish();
  for (const uint64_t seed : {1, 2, 3}) {
    emulator::SetSeed(seed);
    const auto executable = MakeCudaEngine({})->Compile(op_case.plan);
    const auto run = [&] {  // the first time op by op
      WriteInputs(op_case, *executable);
      executable->Enqueue(0);
      std::vector<std::vector<float>> results;
      for (const std::string& name : discriminator.results()) {
        const TensorId id = op_case.plan->FindTensor(name);
        results.push_back(executable->ReadAll<float>(id, op_case.plan->tensor(id).elems()));
      }
      return results;
    };
    const auto first = run();
    CHECK(run() == first);
    CHECK(executable->Counters().graph_launches == 1);
  }
}

TEST_CASE("What a head leaves out is a node behind it that nobody else waits for",
          "[emulator][head]") {
  PlanOnDevice device(Discriminator({}).Finish());
  const Phase& phase = device.binding().plan().phases[0];
  const auto nodes = CompilePhase(phase, device.binding(), device.workspace());
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0].op == 0);
  CHECK(nodes[0].op_count == static_cast<int>(phase.ops.size()));
  CHECK(std::holds_alternative<BiasActBackward>(phase.ops[static_cast<size_t>(nodes[1].op)].op));
  CHECK(nodes[1].op_count == 2);

  const std::span<const PhaseOp> ops(phase.ops);
  const HeadSize size = SizeOfHead(ops, device.binding());
  CHECK(size.count == ops.size());
  CHECK(size.first_left_out == static_cast<size_t>(nodes[1].op));
  CHECK(size.left_out == 2);
  CHECK(SizeOfHead({}, device.binding()).count == 0);
  CHECK(SizeOfHead(ops.subspan(1), device.binding()).count == ops.size() - 1);
  CHECK(SizeOfHead(ops.subspan(2), device.binding()).count == 0);
  CHECK(SizeOfHead(ops.first(size.first_left_out), device.binding()).count == 0);
  CHECK_THROWS_AS(MakeHeadNode(ops.subspan(2), device.binding(), device.workspace()), Error);
}

}  // namespace
}  // namespace numeral::cuda
