// Planes that several convolutions of a phase need: made once, and again after every write.
#include "cpu/shared_planes.h"

#include "cpu/dft_conv.h"
#include "tests/cpu/conv_case.h"
#include "tests/reference/engine.h"
#include "tests/support/compare.h"
#include "tests/support/one_op.h"

namespace numeral::cpu {
namespace {

using dft::Operand;

dnnl::memory FloatsInMemory(int64_t elems) {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return {FlatFloats(elems), engine, nullptr};
}

class Sharing {
 public:
  // The next op, which needs planes of the image in [first, first + 100).
  bool Need(int64_t first, const dnnl::memory& memory, Operand operand = Operand::kImage,
            const ConvGeometry& geometry = {}) {
    planes.FinishOp();
    return planes.Need({tensors_ + first, 100, operand, geometry}, memory);
  }
  void Write(int64_t first, int64_t count) { planes.Written(tensors_ + first, count); }
  void Allocate() { planes.Allocate(counters); }

  SharedPlanes planes;
  EngineCounters counters;

 private:
  std::byte tensors_[1000];
};

TEST_CASE("planes are shared until their tensor is written to") {
  Sharing sharing;
  const dnnl::memory memory = FloatsInMemory(5);
  CHECK_FALSE(sharing.Need(200, memory));
  CHECK(sharing.Need(200, memory));
  sharing.Write(100, 100);  // what lies before
  sharing.Write(300, 100);  // and behind
  CHECK(sharing.Need(200, memory));
  const auto [first, count] =
      GENERATE(std::pair{299, 100}, std::pair{101, 100}, std::pair{250, 1}, std::pair{0, 1000});
  sharing.Write(first, count);
  CHECK_FALSE(sharing.Need(200, memory));
  CHECK(sharing.Need(200, memory));
}

TEST_CASE("planes of other operands, convolutions, tensors and phases are others") {
  Sharing sharing;
  const dnnl::memory memory = FloatsInMemory(5);
  CHECK_FALSE(sharing.Need(200, memory));
  CHECK_FALSE(sharing.Need(200, memory, Operand::kFeatures));
  CHECK_FALSE(sharing.Need(200, memory, Operand::kImage, Geometry(1, 7, 7, 16, 16, 3, 3, 1, 1, 1)));
  CHECK_FALSE(sharing.Need(300, memory));
  CHECK(sharing.Need(200, memory));
  sharing.planes.BeginPhase();
  CHECK_FALSE(sharing.Need(200, memory));
}

TEST_CASE("planes that ops share get one memory, from the first op to the last") {
  Sharing sharing;
  std::vector<dnnl::memory> a, b, c, alone;
  for (int i = 0; i < 2; ++i) a.push_back(FloatsInMemory(100));
  for (int i = 0; i < 3; ++i) b.push_back(FloatsInMemory(50));
  for (int i = 0; i < 2; ++i) c.push_back(FloatsInMemory(100));
  alone.push_back(FloatsInMemory(10));
  sharing.Need(0, a[0]);
  sharing.Need(100, b[0]);
  CHECK(sharing.Need(0, a[1]));
  sharing.Need(200, c[0]);  // a is not needed any more
  CHECK(sharing.Need(100, b[1]));
  sharing.Need(300, alone[0]);
  CHECK(sharing.Need(200, c[1]));
  CHECK(sharing.Need(100, b[2]));
  int own = 0;
  alone[0].set_data_handle(&own);  // from where it was asked for
  sharing.Allocate();
  CHECK(sharing.counters.allocations == 1);
  auto* const place = static_cast<float*>(b[0].get_data_handle());
  CHECK(a[1].get_data_handle() == a[0].get_data_handle());
  CHECK(b[1].get_data_handle() == place);
  CHECK(b[2].get_data_handle() == place);
  CHECK(c[0].get_data_handle() == a[0].get_data_handle());
  CHECK(c[1].get_data_handle() == a[0].get_data_handle());
  const auto* const of_a = static_cast<const float*>(a[0].get_data_handle());
  CHECK((place >= of_a + 100 || place + 50 <= of_a));
  CHECK(alone[0].get_data_handle() == &own);
}

TEST_CASE("nothing is allocated where nothing is shared") {
  Sharing sharing;
  sharing.Need(0, FloatsInMemory(10));
  sharing.Allocate();
  CHECK(sharing.counters.allocations == 0);
}

// A tensor that is changed behind the back of a convolution that takes another's planes does not
// change its result.
TEST_CASE("DFT convolutions take each other's planes") {
  ConvCase c(Geometry(3, 7, 7, 16, 32, 3, 3, 2, 1, 1));
  EngineCounters counters;
  Workspace workspace(counters);
  Floats features(c.features.size()), image(c.image.size()), expected(c.weight.size()),
      weight(c.weight.size());
  const auto gradient = [&](Floats& to) {
    return MakeDftBackwardWeight<float>(c.g, c.image.data(), c.features.data(), to.data(),
                                        GradientMode::kOverwrite, workspace);
  };
  const Kernel forward =
      MakeDftForward<float>(c.g, c.image.data(), c.weight.data(), features.data(), workspace);
  const Kernel backward =
      MakeDftBackwardData<float>(c.g, c.features.data(), c.weight.data(), image.data(), workspace);
  const Kernel shared = gradient(weight);
  workspace.shared_planes().BeginPhase();
  const Kernel alone = gradient(expected);
  workspace.Allocate();
  forward();
  backward();
  alone();
  const ConvCase as_it_was = c;
  for (float& value : c.image) value = NAN;
  for (float& value : c.features) value = NAN;
  shared();
  CHECK(weight == expected);
  c.image = as_it_was.image;
  c.features = as_it_was.features;
  for (float& value : c.image) value *= 2;
  forward();
  shared();
  for (size_t i = 0; i < weight.size(); ++i) REQUIRE(weight[i] == 2 * expected[i]);
}

// ---- in the engine

const ConvGeometry kPaying = Geometry(32, 7, 7, 64, 64, 5, 5, 1, 2, 2);

// Convolutions of one image, which changes between them, and of one tensor of features.
OpCase PhaseThatWrites() {
  const ConvGeometry& g = kPaying;
  OneOpPlan plan;
  const TensorId image = plan.Add("image", g.n, Shape::Spatial(g.h, g.w, g.c));
  const TensorId changed = plan.AddOverlay("changed", image);
  const TensorId weight = plan.Add("weight", g.k, Shape::Spatial(g.r, g.s, g.c));
  const TensorId features = plan.Add("features", g.n, Shape::Spatial(g.p, g.q, g.k));
  const TensorId gradient = plan.Add("gradient", g.n, Shape::Spatial(g.p, g.q, g.k));
  const TensorId to_image = plan.Add("to image", g.n, Shape::Spatial(g.h, g.w, g.c));
  std::vector<TensorId> to_weight;
  for (const char* name : {"before", "after", "both", "next phase"}) {
    to_weight.push_back(plan.Add(name, g.k, Shape::Spatial(g.r, g.s, g.c)));
  }
  plan.SetUniform(image, -1, 1);
  plan.SetUniform(gradient, -1, 1);
  OpCase op_case = plan.Finish("phase", ConvForward{g, image, weight, kNoTensor, features, {}},
                               Tolerance{1e-4, 1e-5});
  Plan longer = *op_case.plan;
  const auto add = [&](const Op& op) { longer.phases[0].ops.push_back({op, "added"}); };
  const auto weight_gradient = [&](TensorId from, TensorId to) {
    add(ConvBackwardWeight{g, from, gradient, to, GradientMode::kOverwrite});
  };
  weight_gradient(image, to_weight[0]);
  add(BiasActForward{image, kNoTensor, changed, {ActivationKind::kTanh}, 0, {}, kNoTensor});
  weight_gradient(changed, to_weight[1]);
  add(ConvBackwardData{g, gradient, weight, to_image});
  weight_gradient(changed, to_weight[2]);
  longer.phases.push_back({PhaseKind::kSample, g.n, {}});
  longer.phases[1].ops.push_back(
      {ConvBackwardWeight{g, image, gradient, to_weight[3], GradientMode::kOverwrite}, "added"});
  op_case.plan = std::make_shared<const Plan>(std::move(longer));
  return op_case;
}

TEST_CASE("cpu: a convolution sees what was written since another had the same tensor") {
  const OpCase op_case = PhaseThatWrites();
  const auto cpu = MakeCpuEngine()->Compile(op_case.plan);
  const auto reference = reference::ReferenceEngine().Compile(op_case.plan);
  CHECK(cpu->Counters().primitives == 0);  // of the library
  for (Executable* executable : {cpu.get(), cpu.get(), reference.get()}) {
    WriteInputs(op_case, *executable);
    executable->Enqueue(0);
    WriteInputs(op_case, *executable);
    executable->Enqueue(1);
  }
  for (const char* name : {"before", "after", "both", "to image", "next phase"}) {
    INFO(name);
    const TensorId id = op_case.plan->FindTensor(name);
    Floats actual(static_cast<size_t>(op_case.plan->tensor(id).elems()));
    Floats expected = actual;
    cpu->Read(id, std::as_writable_bytes(std::span(actual)));
    reference->Read(id, std::as_writable_bytes(std::span(expected)));
    RequireClose(actual, {expected.begin(), expected.end()}, op_case.tolerance);
  }
}

}  // namespace
}  // namespace numeral::cpu
