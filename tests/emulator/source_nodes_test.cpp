// Which sources one node does, and that it does what theirs do one after the other.
#include "cuda/engine/sources.h"
#include "cuda/kernels/sources.h"
#include "tests/catch.h"
#include "tests/emulator/plan_on_device.h"
#include "tests/support/op_cases.h"

namespace numeral::cuda {
namespace {

constexpr int kRows = 9, kCount = 11;

// All that can be drawn and gathered.
struct Sources {
  OpCase op_case;
  AdvanceStep advance{};
  GatherBatch batch{};
  GatherPairs pairs{};
  DrawLatents normals{}, uniforms{};
  DrawTimes times{};
  DrawDigits digits{};
  OneHot one_hot{};
  TensorId other_step = kNoTensor, rounded = kNoTensor;

  static std::vector<int64_t> Bytes(int64_t count) {
    std::vector<int64_t> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(i * 37 % 251);
    return values;
  }

  explicit Sources(int max_shift = 0) {
    OneOpPlan plan;
    const Shape image = Shape::Spatial(28, 28, 1), one = Shape::Flat(1);
    advance = {plan.AddStep(6)};
    other_step = plan.Add("other_step", 1, one, DType::kI64);
    const TensorId images = plan.Add("data/images", kCount, image, DType::kU8);
    const TensorId labels = plan.Add("data/labels", kCount, one, DType::kU8);
    const TensorId latents = plan.Add("data/latents", kCount, Shape::Flat(7));
    plan.SetIntegers(images, Bytes(kCount * image.Elems()));
    plan.SetIntegers(labels, Bytes(kCount));
    plan.SetUniform(latents, -1, 1);
    const auto new_digits = [&](const char* name) {
      return plan.Add(name, kRows, one, DType::kI32);
    };
    batch = {images,
             labels,
             advance.step,
             plan.Add("images", kRows, image),
             new_digits("labels"),
             kCount,
             3,
             4,
             2.0f / 255,
             -1,
             5};
    batch.max_shift = max_shift;
    batch.shift_stream = 6;
    pairs = {latents,
             labels,
             advance.step,
             plan.Add("pairs", kRows, Shape::Flat(7)),
             new_digits("pair_labels"),
             kCount,
             3,
             4,
             7};
    using Distribution = InputSpec::Distribution;
    normals = {advance.step, plan.Add("normals", kRows, Shape::Flat(100)), Distribution::kNormal,
               8};
    uniforms = {advance.step, plan.Add("uniforms", kRows, Shape::Flat(61)), Distribution::kUniform,
                9};
    times = {advance.step, plan.Add("times", kRows, one), 10};
    digits = {advance.step, new_digits("digits"), {7, 1, 4}, 11};
    one_hot = {digits.out, plan.Add("one_hot", kRows, Shape::Flat(kDigits))};
    rounded = plan.Add("rounded", kRows, one, DType::kBF16);
    op_case = plan.Finish("sources", batch, tolerance::kElementwise);
  }
};

std::vector<PhaseOp> Ops(const std::vector<Op>& ops) {
  std::vector<PhaseOp> phase;
  for (const Op& op : ops) phase.push_back({op, "op"});
  return phase;
}

// The memory after four steps of the ops, by one node or by one each.
std::vector<std::byte> AfterSteps(PlanOnDevice& device, const std::vector<PhaseOp>& ops,
                                  bool joined) {
  std::vector<Node> nodes;
  if (joined) {
    nodes.push_back(MakeSourcesNode(ops, device.binding(), device.workspace()));
  } else {
    for (const PhaseOp& op : ops) {
      nodes.push_back(std::visit(
          [&](const auto& o) { return MakeNode(o, device.binding(), device.workspace()); }, op.op));
    }
  }
  device.workspace().Allocate();
  device.Reset();
  std::vector<std::byte> bytes;
  for (int step = 0; step < 4; ++step) bytes = device.Run(nodes);
  return bytes;
}

TEST_CASE("CUDA sources of a step are one node that does what theirs do", "[emulator][sources]") {
  for (const int max_shift : {0, 3}) {
    const Sources sources(max_shift);
    const std::vector<std::vector<Op>> groups{
        {sources.advance, sources.batch, sources.normals},
        {sources.advance, sources.digits, sources.batch, sources.uniforms, sources.normals},
        {sources.advance, sources.pairs, sources.normals, sources.times},
        {sources.normals, sources.digits},
        {sources.advance, sources.digits},
        {sources.times}};
    for (const std::vector<Op>& group : groups) {
      PlanOnDevice device(sources.op_case);
      const auto ops = Ops(group);
      INFO(ops.size() << " ops, moved by " << max_shift);
      REQUIRE(JoinableSources(ops, device.binding()) == ops.size());
      CHECK(AfterSteps(device, ops, true) == AfterSteps(device, ops, false));
    }
  }
}

TEST_CASE("CUDA sources that depend on each other, or are none, stay apart",
          "[emulator][sources]") {
  const Sources sources;
  PlanOnDevice device(sources.op_case);
  const auto joinable = [&](const std::vector<Op>& ops) {
    return JoinableSources(Ops(ops), device.binding());
  };
  CHECK(joinable({}) == 0);
  CHECK(joinable({sources.one_hot, sources.normals}) == 0);
  CHECK(joinable({sources.advance, sources.digits, sources.one_hot, sources.normals}) == 2);
  CHECK(joinable({sources.normals, sources.advance, sources.times}) == 1);
  CHECK(joinable({sources.advance, sources.advance}) == 1);
  CHECK(joinable({sources.advance, sources.batch, sources.pairs, sources.normals, sources.uniforms,
                  sources.times}) == 1 + kMaxSources);
  // Another counter.
  DrawTimes times = sources.times;
  times.step = sources.other_step;
  CHECK(joinable({sources.advance, times}) == 1);
  CHECK(joinable({sources.normals, times}) == 1);
  CHECK(joinable({times}) == 1);
  // Memory that another writes, or reads.
  times = sources.times;
  times.out = sources.normals.out;
  CHECK(joinable({sources.normals, times}) == 1);
  times.out = sources.pairs.data_latents;
  CHECK(joinable({sources.pairs, times}) == 1);
  CHECK(joinable({times, sources.pairs}) == 1);
  // Another type.
  times.out = sources.rounded;
  CHECK(joinable({sources.digits, sources.normals, times}) == 2);
  CHECK(joinable({sources.digits, times}) == 2);
  const auto make = [&](const std::vector<Op>& ops) {
    return MakeSourcesNode(Ops(ops), device.binding(), device.workspace());
  };
  CHECK_THROWS(make({}));
  CHECK_THROWS(make({sources.advance}));
  CHECK_THROWS(make({sources.digits, sources.one_hot}));
}

}  // namespace
}  // namespace numeral::cuda
