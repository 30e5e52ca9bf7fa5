// Bias, activation and dropout of the emulated CUDA engine: the cases of every engine, ranges of
// dropout, the ends of activations, and addresses that plans do not have yet.
#include "cuda/kernels/bias_act.h"

#include "tests/emulator/device_tensor.h"
#include "tests/emulator/emulated_engine.h"
#include "tests/emulator/one_op_run.h"
#include "tests/emulator/stream.h"
#include "tests/support/op_cases.h"
#include "util/random.h"

namespace numeral::cuda {
namespace {

using emulator::RunOnce;
using emulator::Stored;

constexpr uint64_t kSeed = 31;
constexpr Stored kBoth[] = {Stored::kFloat, Stored::kBf16};

TEST_CASE("emulator: bias, activation and dropout", "[emulator][bias_act]") {
  emulator::CheckEmulated(BiasActCases());
}

TEST_CASE("emulator: the ends of activations", "[emulator][bias_act]") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::pair<Activation, std::vector<double>> expected[] = {
      {{ActivationKind::kLeakyRelu, 0}, {0, kInfinity}},
      {{ActivationKind::kLeakyRelu, 0.5f}, {-kInfinity, kInfinity}},
      {{ActivationKind::kTanh}, {-1, 1}},
      {{ActivationKind::kSigmoid}, {0, 1}}};
  for (const auto& [activation, ends] : expected) {
    INFO(Describe(activation));
    OneOpPlan plan;
    const TensorId x = plan.Add("x", 1, Shape::Flat(2));
    plan.SetReals(x, {-kInfinity, kInfinity});
    const TensorId y = plan.Add("y", 1, Shape::Flat(2));
    const BiasActForward op{x, kNoTensor, y, activation, 0, {}, kNoTensor};
    CHECK(RunOnce(plan.Finish("ends", op, {}), Stored::kFloat).Reals("y") == ends);
  }
}

// Rows of 28 features whose values any activation may turn into zeros of either sign: zeros, and
// negative numbers too small for their product with a slope, or for bf16.
std::vector<double> RunDropout(Stored stored, const Activation& activation, int rows,
                               const std::vector<DropoutRows>& ranges) {
  OneOpPlan plan(kSeed);
  BiasActForward op;
  op.x = plan.Add("x", rows, Shape::Flat(28));
  std::vector<float> x(static_cast<size_t>(rows) * 28);
  constexpr float kTricky[] = {0.0f, -0.0f, -1e-45f, 1e-45f, -2.0f, 3.0f, -1e-38f};
  for (size_t i = 0; i < x.size(); ++i) x[i] = kTricky[i % 7];
  plan.SetReals(op.x, x);
  op.bias = kNoTensor;
  op.y = plan.Add("y", rows, Shape::Flat(28));
  op.activation = activation;
  op.dropout_rate = 0.3f;
  op.dropout_rows = ranges;
  op.step = plan.AddStep(17);
  return RunOnce(plan.Finish("dropout", op, {}), stored).Reals("y");
}

TEST_CASE("emulator: a joined batch drops what its parts drop apart", "[emulator][bias_act]") {
  const Activation leaky{ActivationKind::kLeakyRelu, 0.2f};
  for (const Stored stored : kBoth) {
    const auto joined = RunDropout(stored, leaky, 12, {{0, 5}, {5, 6}, {5, 8}, {11, 7}});
    std::vector<double> parts = RunDropout(stored, leaky, 5, {{0, 5}});
    for (const double value : RunDropout(stored, leaky, 6, {{0, 8}})) parts.push_back(value);
    for (const double value : RunDropout(stored, leaky, 1, {{0, 7}})) parts.push_back(value);
    CHECK(joined == parts);
  }
}

// A kept number so small that rounding it to bf16 gives a negative zero.
TEST_CASE("emulator: what bf16 rounds to zero is still kept", "[emulator][bias_act]") {
  const DeviceTensor<bf16> x(std::vector<double>(64, -0x1p-126));
  const DeviceTensor<bf16> y(64);
  const DeviceMemory step(sizeof(int64_t));
  const int64_t running = 1;
  NUMERAL_CUDA(cudaMemcpy(step.data(), &running, sizeof running, cudaMemcpyHostToDevice));
  BiasActForwardArgs<bf16> args = {};
  args.x = x.data();
  args.y = y.data();
  args.channels = 64;
  args.activation = {ActivationKind::kLeakyRelu, 0x1p-10f};
  args.dropout_rate = 0.5f;
  args.range_count = 1;
  args.ranges[0] = {0, 64, 5};
  args.step = reinterpret_cast<const int64_t*>(step.data());
  LaunchBiasActForward(args, nullptr);
  const std::vector<double> values = y.Read();
  for (uint64_t i = 0; i < 64; ++i) {
    const bool dropped = DrawBits(0, 5, 0, i) < DropoutThreshold(0.5f);
    CHECK(values[i] == 0);
    CHECK(std::signbit(values[i]) == dropped);
  }
}

TEST_CASE("emulator: too many ranges of dropout are refused", "[emulator][bias_act]") {
  OneOpPlan plan;
  BiasActForward op;
  op.x = plan.Add("x", 9, Shape::Flat(2));
  op.bias = kNoTensor;
  op.y = plan.Add("y", 9, Shape::Flat(2));
  op.dropout_rate = 0.5f;
  for (int row = 0; row < 9; ++row) op.dropout_rows.push_back({row, 1});
  op.step = plan.AddStep(0);
  const OpCase op_case = plan.Finish("ranges", op, {});
  CHECK_THROWS_WITH(MakeCudaEngine({})->Compile(op_case.plan),
                    Catch::Contains("dropout with 9 ranges of rows"));
}

// ---- addresses off a multiple of 16 bytes

template <typename T>
std::vector<double> ForwardAt(int misalignment, bool in_place) {
  constexpr int kRows = 5, kChannels = 24;
  const DeviceTensor<T> x(RandomValues<T>(kRows * kChannels, 1), misalignment);
  const DeviceTensor<float> bias(RandomValues<float>(kChannels, 2), misalignment);
  const DeviceTensor<T> y(kRows * kChannels, misalignment);
  BiasActForwardArgs<T> args = {};
  args.x = x.data();
  args.bias = bias.data();
  args.y = in_place ? x.data() : y.data();
  args.channels = kChannels;
  args.activation = {ActivationKind::kTanh};
  args.range_count = 1;
  args.ranges[0].elems = kRows * kChannels;
  LaunchBiasActForward(args, nullptr);
  return in_place ? x.Read() : y.Read();
}

template <typename T>
struct Gradients {
  std::vector<double> grad_x, grad_bias;
};

template <typename T>
Gradients<T> BackwardAt(int misalignment, int rows, int channels) {
  const auto count = static_cast<size_t>(rows * channels);
  const DeviceTensor<T> y(RandomValues<T>(count, 3), misalignment);
  const DeviceTensor<T> grad_y(RandomValues<T>(count, 4), misalignment);
  const DeviceTensor<T> grad_x(count, misalignment);
  const DeviceTensor<float> grad_bias(static_cast<size_t>(channels), misalignment);
  BiasActBackwardArgs<T> args = {};
  args.y = y.data();
  args.grad_y = grad_y.data();
  args.grad_x = grad_x.data();
  args.grad_bias = grad_bias.data();
  args.rows = rows;
  args.channels = channels;
  args.activation = {ActivationKind::kSigmoid};
  const emulator::SumMemory memory(ScratchOf(args));
  args.scratch = memory.scratch();
  args.counters = memory.counters();
  LaunchBiasActBackward(args, nullptr);
  return {grad_x.Read(), grad_bias.Read()};
}

template <typename T>
void CheckMisaligned() {
  for (const int misalignment : {1, 2, 3, 4, 8}) {
    INFO(misalignment << " elements of " << sizeof(T) << " bytes");
    CHECK(ForwardAt<T>(misalignment, false) == ForwardAt<T>(0, false));
    CHECK(ForwardAt<T>(misalignment, true) == ForwardAt<T>(0, false));
    for (const auto& [rows, channels] : {std::pair{6, 40}, {1500, 8}}) {
      const Gradients<T> aligned = BackwardAt<T>(0, rows, channels);
      const Gradients<T> shifted = BackwardAt<T>(misalignment, rows, channels);
      CHECK(shifted.grad_x == aligned.grad_x);
      CheckClose(shifted.grad_bias, aligned.grad_bias, tolerance::kSum);
    }
  }
}

TEST_CASE("emulator: bias and activation at any address", "[emulator][bias_act]") {
  CheckMisaligned<float>();
  CheckMisaligned<bf16>();
}

TEST_CASE("emulator: nothing is launched for no rows", "[emulator][bias_act]") {
  emulator::ResetCounters();
  BiasActForwardArgs<float> forward = {};
  forward.channels = 3;
  forward.range_count = 1;
  LaunchBiasActForward(forward, nullptr);
  BiasActBackwardArgs<float> backward = {};
  backward.channels = 3;
  LaunchBiasActBackward(backward, nullptr);
  CHECK(emulator::Counts().kernel_launches == 0);
}

}  // namespace
}  // namespace numeral::cuda
