// Kernels of optimizer updates and averages: against the reference by cases, and what those lack.
#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "cuda/kernels/adam.h"
#include "cuda/kernels/ema.h"
#include "engine/engine.h"
#include "tests/emulator/device_values.h"
#include "tests/emulator/emulated_engine.h"
#include "tests/emulator/plan_on_device.h"
#include "tests/emulator/stream.h"
#include "tests/support/check_values.h"
#include "tests/support/op_cases.h"
#include "util/random.h"

namespace numeral::cuda {
namespace {

std::vector<float> Numbers(size_t count, uint32_t stream) {
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i)
    values.push_back(SignedUnitFromBits(DrawBits(3, stream, 0, i)));
  return values;
}

// A network's state on the device, with addresses of any alignment.
struct Network {
  DeviceValues<float> params, grads, first, second;
  DeviceValues<bf16> rounded;
  DeviceValues<int64_t> step;

  Network(size_t count, int64_t running, size_t offset = 0, size_t rounded_offset = 0)
      : params(Numbers(count, 1), offset),
        grads(Numbers(count, 2), offset),
        first(std::vector<float>(count), offset),
        second(std::vector<float>(count), offset),
        rounded(count, rounded_offset),
        step(std::vector<int64_t>{running + 1}) {}

  AdamArgs Args(const AdamSpec& spec, int64_t period, int64_t total, size_t count) const {
    return {spec,
            period,
            total,
            step.data(),
            grads.data(),
            params.data(),
            first.data(),
            second.data(),
            rounded.data(),
            static_cast<int64_t>(count),
            0,
            nullptr,
            nullptr};
  }
};

AdamSpec Keras() {
  AdamSpec spec;
  spec.learning_rate = 2e-4;
  spec.beta1 = 0.5;
  spec.epsilon = 1e-7;
  spec.epsilon_hat = true;
  spec.schedule = {ScheduleSpec::Kind::kLinear, 0.25, 0.1};
  return spec;
}

AdamSpec Torch() {
  AdamSpec spec;
  spec.schedule = {ScheduleSpec::Kind::kCosine, 0, 0};
  return spec;
}

// Some steps on the CPU engine and on the device, with new gradients at each.
void CheckAgainstCpu(const AdamSpec& spec, int64_t period) {
  constexpr int kCount = 1003;
  constexpr int64_t kTotal = 12;
  OneOpPlan plan;
  AdamUpdate op{spec, period, kTotal, plan.AddStep(0), kNoTensor, kNoTensor, kNoTensor, kNoTensor};
  op.params = plan.AddVector("params", kCount);
  op.grads = plan.AddVector("grads", kCount);
  op.first_moment = plan.AddVector("first_moment", kCount);
  op.second_moment = plan.AddVector("second_moment", kCount);
  plan.SetReals(op.params, Numbers(kCount, 1));
  plan.SetReals(op.first_moment, std::vector<float>(kCount));
  plan.SetReals(op.second_moment, std::vector<float>(kCount));
  const OpCase op_case = plan.Finish("Adam", op, tolerance::kUpdate);
  const auto cpu = MakeCpuEngine()->Compile(op_case.plan);
  WriteInputs(op_case, *cpu);
  const auto emulated = MakeCudaEngine({})->Compile(op_case.plan);
  WriteInputs(op_case, *emulated);
  for (int64_t running = 0; running < kTotal * period; running += period) {
    const std::vector<float> grads = Numbers(kCount, static_cast<uint32_t>(running) + 9);
    for (Executable* executable : {cpu.get(), emulated.get()}) {
      executable->WriteAll<int64_t>(op.step, {running + 1});
      executable->WriteAll<float>(op.grads, grads);
      executable->Enqueue(0);
    }
    for (const TensorId id : {op.params, op.first_moment, op.second_moment}) {
      const auto actual = emulated->ReadAll<float>(id, kCount);
      const auto expected = cpu->ReadAll<float>(id, kCount);
      ValueComparison comparison(tolerance::kUpdate);
      comparison.Add(op_case.plan->tensor(id).name,
                     std::vector<double>(actual.begin(), actual.end()),
                     std::vector<double>(expected.begin(), expected.end()));
      INFO("step " << running << ": " << comparison.Summary());
      CHECK(comparison.passed());
    }
  }
}

TEST_CASE("CUDA updates match the reference", "[emulator][update]") {
  emulator::CheckEmulated(UpdateCases());
}

TEST_CASE("CUDA's Adam goes where the CPU's goes", "[emulator][update]") {
  for (const int64_t period : {1, 3}) {
    CheckAgainstCpu(Keras(), period);
    CheckAgainstCpu(Torch(), period);
  }
}

TEST_CASE("CUDA's Adam is the same from any address, and rounds what it writes",
          "[emulator][update]") {
  for (const size_t count : {1, 3, 4, 1003, 3 * 1024, 4097}) {
    INFO(count << " elements");
    const Network plain(count, 7);
    AdamArgs args = plain.Args(Torch(), 2, 100, count);
    args.rounded = nullptr;
    LaunchAdam({&args, 1}, nullptr);
    const std::vector<float> expected = plain.params.Read();
    for (const auto& [offset, rounded_offset] :
         {std::pair<size_t, size_t>{0, 0}, {0, 4}, {0, 1}, {1, 0}, {3, 2}}) {
      const Network network(count, 7, offset, rounded_offset);
      LaunchAdam(std::array{network.Args(Torch(), 2, 100, count)}, nullptr);
      CHECK(SameBits(network.params.Read(), expected));
      CHECK(SameBits(network.rounded.Read(), FromFloats<bf16>(expected)));
      CHECK(SameBits(network.first.Read(), plain.first.Read()));
      CHECK(SameBits(network.second.Read(), plain.second.Read()));
      CHECK(SameBits(network.grads.Read(), Numbers(count, 2)));
    }
  }
}

// An update with some gradients in bf16, against the reference with all in fp32. What should not be
// read is NaN.
void CheckRoundedGrads(size_t count, const std::vector<ElemRange>& ranges, size_t offset,
                       size_t rounded_offset) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> grads = Numbers(count, 2), in_fp32 = grads, in_bf16(count, kNan);
  for (const ElemRange& range : ranges) {
    for (auto i = static_cast<size_t>(range.first); i < static_cast<size_t>(range.end); ++i) {
      grads[i] = in_bf16[i] = ToFloat(FromFloat<bf16>(grads[i]));
      in_fp32[i] = kNan;
    }
  }
  OneOpPlan plan;
  AdamUpdate op{Torch(), 2, 100, plan.AddStep(7), kNoTensor, kNoTensor, kNoTensor, kNoTensor};
  const auto add = [&](const char* name, const std::vector<float>& values) {
    const TensorId id = plan.AddVector(name, static_cast<int>(count));
    plan.SetReals(id, values);
    return id;
  };
  op.params = add("params", Numbers(count, 1));
  op.grads = add("grads", grads);
  op.first_moment = add("first_moment", std::vector<float>(count));
  op.second_moment = add("second_moment", std::vector<float>(count));
  const ReferenceResult reference(plan.Finish("Adam", op, tolerance::kUpdate));

  const Network network(count, 7, offset);
  const DeviceValues<float> grads_on_device(in_fp32, offset);
  const DeviceValues<bf16> rounded_grads(FromFloats<bf16>(in_bf16), rounded_offset);
  AdamArgs args = network.Args(Torch(), 2, 100, count);
  args.grads = grads_on_device.data();
  args.rounded_grads = rounded_grads.data();
  std::copy(ranges.begin(), ranges.end(), args.rounded_ranges);
  args.rounded_count = static_cast<int>(ranges.size());
  LaunchAdam({&args, 1}, nullptr);
  const auto check = [&](const DeviceValues<float>& values, const char* name) {
    const std::vector<float> actual = values.Read();
    CheckValues({actual.begin(), actual.end()}, reference.Doubles(name), tolerance::kUpdate);
  };
  check(network.params, "params");
  check(network.first, "first_moment");
  check(network.second, "second_moment");
  CHECK(SameBits(grads_on_device.Read(), grads));
  CHECK(SameBits(rounded_grads.Read(), FromFloats<bf16>(in_bf16)));
}

TEST_CASE("CUDA's Adam reads gradients in bf16 and leaves them in fp32", "[emulator][update]") {
  for (const uint64_t seed : {1, 2, 3}) {
    emulator::SetSeed(seed);
    for (const auto& [offset, rounded_offset] :
         {std::pair<size_t, size_t>{0, 0}, {0, 4}, {0, 1}, {1, 0}, {3, 2}}) {
      INFO("seed " << seed << ", offsets " << offset << ", " << rounded_offset);
      CheckRoundedGrads(1, {{0, 1}}, offset, rounded_offset);
      CheckRoundedGrads(3, {{1, 2}}, offset, rounded_offset);
      CheckRoundedGrads(7, {{4, 7}}, offset, rounded_offset);
      CheckRoundedGrads(64, {{7, 7}, {8, 16}, {32, 64}}, offset, rounded_offset);
      CheckRoundedGrads(4097, {{1, 4096}}, offset, rounded_offset);
      CheckRoundedGrads(
          1003, {{0, 5}, {5, 6}, {7, 9}, {10, 11}, {13, 500}, {502, 503}, {504, 505}, {701, 1003}},
          offset, rounded_offset);
    }
  }
  emulator::SetSeed(1);
}

TEST_CASE("CUDA's Adam takes more elements than one turn of the grid", "[emulator][update]") {
  constexpr size_t kCount = 132 * 8 * 1024 + 2051;
  const Network network(kCount, 0);
  const Network before_it(5, 0);
  LaunchAdam(std::array{before_it.Args(Torch(), 1, 100, 5), network.Args(Torch(), 1, 100, kCount)},
             nullptr);
  const std::vector<float> params = network.params.Read(), before = Numbers(kCount, 1);
  const std::vector<float> grads = Numbers(kCount, 2);
  CHECK(SameBits(network.rounded.Read(), FromFloats<bf16>(params)));
  // The first step of Adam is a learning rate against the gradient's sign.
  for (size_t i = 0; i < kCount; ++i) {
    if (std::abs(grads[i]) < 1e-3f) continue;
    const float expected = before[i] - std::copysign(1e-3f, grads[i]);
    if (!(std::abs(params[i] - expected) < 1e-6f)) FAIL("element " << i);
  }
}

TEST_CASE("CUDA averages are the same from any address, and round what they write",
          "[emulator][update]") {
  constexpr size_t kLarge = 2112 * 1024 + 1027;  // more than one turn of the grid
  for (const size_t count : {size_t{1}, size_t{4}, size_t{1003}, size_t{2049}, kLarge}) {
    INFO(count << " elements");
    const std::vector<float> source = Numbers(count, 4), target = Numbers(count, 5);
    std::vector<float> expected;
    constexpr float kDecay = 0.99f;
    const auto rest = static_cast<float>(1 - static_cast<double>(kDecay));
    for (size_t i = 0; i < count; ++i) expected.push_back(kDecay * target[i] + rest * source[i]);
    for (const auto& [offset, rounded_offset] : {std::pair<size_t, size_t>{0, 0}, {0, 1}, {1, 4}}) {
      if (count == kLarge && offset + rounded_offset > 0) continue;
      const DeviceValues<float> from(source, offset), to(target, offset);
      const DeviceValues<bf16> rounded(count, rounded_offset);
      LaunchEma({kDecay, from.data(), to.data(), rounded.data(), static_cast<int64_t>(count)},
                nullptr);
      const std::vector<float> averaged = to.Read();
      bool close = true;
      for (size_t i = 0; i < count; ++i) {
        close &= tolerance::kElementwise.Accepts(averaged[i], expected[i]);
      }
      CHECK(close);
      CHECK(SameBits(rounded.Read(), FromFloats<bf16>(averaged)));
    }
  }
}

// The bf16 copy of all that a node updates is its weights' copy too; without one, nothing is
// copied.
TEST_CASE("CUDA updates refresh the copies of weights", "[emulator][update]") {
  constexpr int kCount = 37, kFirst = 20;
  OneOpPlan plan;
  const TensorId source = plan.AddVector("source", kCount),
                 target = plan.Add("target", kCount, Shape::Flat(1));
  const TensorId weight = plan.AddRows("weight", target, kFirst, 8);
  AdamUpdate adam{Torch(), 1, 10, plan.AddStep(0), target, source, kNoTensor, kNoTensor};
  adam.first_moment = plan.AddVector("first_moment", kCount);
  adam.second_moment = plan.AddVector("second_moment", kCount);
  plan.SetUniform(adam.second_moment, 0, 1);
  plan.SetUniform(source, -1, 1);
  const OpCase op_case = plan.Finish("Adam", adam, tolerance::kUpdate);
  PlanOnDevice device(op_case);
  Workspace& workspace = device.workspace();
  const Binding& binding = device.binding();
  const EmaUpdate ema{0.5f, source, target};
  const std::vector<Node> nodes{MakeNode(adam, binding, workspace),
                                MakeNode(ema, binding, workspace)};
  for (const Node& node : nodes) {
    device.Reset();
    const auto expected = device.Run({node});
    bf16* rounded = workspace.MakeRounded(binding, weight) - kFirst;
    device.Reset();
    CHECK(device.Run({node}) == expected);
    std::vector<float> params(kCount);
    std::vector<bf16> copies(kCount);
    std::memcpy(params.data(), expected.data() + op_case.plan->tensor(target).offset_bytes,
                kCount * sizeof(float));
    NUMERAL_CUDA(cudaMemcpy(copies.data(), rounded, kCount * sizeof(bf16), cudaMemcpyDeviceToHost));
    CHECK(SameBits(copies, FromFloats<bf16>(params)));
  }
}

// Neither what is in the same launch nor alignment matters; an average moves by the new parameters.
TEST_CASE("CUDA's Adam takes several networks, and averages", "[emulator][update]") {
  constexpr size_t kCounts[kMaxAdams] = {1003, 1, 2048, 5000};
  for (const size_t offset : {0, 1}) {
    std::vector<std::unique_ptr<Network>> alone, joined;
    std::vector<std::unique_ptr<DeviceValues<float>>> averages;
    std::vector<std::unique_ptr<DeviceValues<bf16>>> rounded;
    std::vector<AdamArgs> list;
    for (size_t i = 0; i < kMaxAdams; ++i) {
      const size_t count = kCounts[i], running = 3 * i;
      const auto period = static_cast<int64_t>(i + 1);
      alone.push_back(std::make_unique<Network>(count, running));
      LaunchAdam(std::array{alone[i]->Args(i % 2 ? Keras() : Torch(), period, 10, count)}, nullptr);
      joined.push_back(std::make_unique<Network>(count, running, i == 2 ? offset : 0, i == 3));
      averages.push_back(
          std::make_unique<DeviceValues<float>>(Numbers(count, 5), i == 0 ? offset : 0));
      rounded.push_back(std::make_unique<DeviceValues<bf16>>(count, i == 3 ? offset : 0));
      list.push_back(joined[i]->Args(i % 2 ? Keras() : Torch(), period, 10, count));
      if (i == 1) continue;
      list.back().decay = 0.75f;
      list.back().average = averages[i]->data();
      if (i != 2) list.back().rounded_average = rounded[i]->data();
    }
    LaunchAdam(list, nullptr);
    for (size_t i = 0; i < kMaxAdams; ++i) {
      INFO("network " << i << ", offset " << offset);
      CHECK(SameBits(joined[i]->params.Read(), alone[i]->params.Read()));
      CHECK(SameBits(joined[i]->first.Read(), alone[i]->first.Read()));
      CHECK(SameBits(joined[i]->second.Read(), alone[i]->second.Read()));
      CHECK(SameBits(joined[i]->rounded.Read(), alone[i]->rounded.Read()));
      const DeviceValues<float> expected(Numbers(kCounts[i], 5));
      if (i != 1) {
        LaunchEma({0.75f, alone[i]->params.data(), expected.data(), nullptr,
                   static_cast<int64_t>(kCounts[i])},
                  nullptr);
      }
      CHECK(SameBits(averages[i]->Read(), expected.Read()));
      if (i == 1 || i == 2) continue;
      CHECK(SameBits(rounded[i]->Read(), FromFloats<bf16>(expected.Read())));
    }
  }
}

TEST_CASE("CUDA updates of nothing, and of no network", "[emulator][update]") {
  LaunchAdam({}, nullptr);
  LaunchEma({}, nullptr);
  AdamArgs adam = {};
  adam.elems = 1;
  CHECK_THROWS(LaunchAdam({&adam, 1}, nullptr));
  adam.period = 1;
  for (const ElemRange& range : {ElemRange{-1, 1}, {1, 0}, {0, 2}}) {
    adam.rounded_ranges[0] = range;
    adam.rounded_count = 1;
    CHECK_THROWS(LaunchAdam({&adam, 1}, nullptr));
  }
  adam.rounded_count = kMaxRoundedGrads + 1;
  CHECK_THROWS_WITH(LaunchAdam({&adam, 1}, nullptr), Catch::Contains("too many ranges"));
  CHECK_THROWS(LaunchAdam(std::vector<AdamArgs>(kMaxAdams + 1), nullptr));
  EmaArgs ema = {};
  ema.elems = 1;
  CHECK_THROWS(LaunchEma(ema, nullptr));
  NUMERAL_CUDA(cudaDeviceSynchronize());
}

}  // namespace
}  // namespace numeral::cuda
