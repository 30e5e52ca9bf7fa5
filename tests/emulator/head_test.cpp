// The kernel of a discriminator's end, stage by stage: each against doubles made of what the stage
// before has stored, and against the kernels that do it alone where these promise the same bits.
#include "cuda/kernels/head.h"

#include <cmath>

#include "tests/emulator/device_tensor.h"
#include "tests/emulator/one_op_run.h"
#include "tests/emulator/stream.h"

namespace numeral::cuda {
namespace {

struct Sizes {
  int rows, in, channels, misalignment;
};
// Packs and single elements; pixels in lanes and channels beyond the threads of a block; rows that
// blocks share unevenly.
constexpr Sizes kSizes[] = {
    {1, 1, 1, 0},       {3, 1, 1, 0},      {64, 1, 1, 0},    {1, 7, 7, 0},
    {3, 7, 1, 0},       {64, 7, 7, 1},     {1, 129, 3, 0},   {3, 129, 129, 0},
    {64, 129, 43, 0},   {1, 6272, 128, 0}, {3, 6272, 98, 1}, {64, 6272, 128, 0},
    {2, 8200, 8200, 0}, {3, 600, 600, 0},  {531, 16, 8, 0},  {265, 24, 8, 0}};

enum class Use { kAll, kInPlace, kPlain };  // plain: neither forward nor backward
constexpr float kRate = 0.3f, kSlope = 0.25f, kWeight = 0.5f;
constexpr int64_t kRing = 3;

template <typename T>
class HeadRun {
 public:
  HeadRun(const Sizes& sizes, Use use, GradientMode mode = GradientMode::kOverwrite)
      : s_(sizes),
        use_(use),
        linear_(RandomValues<T>(Elems(), 1), sizes.misalignment),
        act_bias_(RandomValues<float>(static_cast<size_t>(sizes.channels), 2)),
        weight_(RandomValues<float>(static_cast<size_t>(sizes.in), 3), sizes.misalignment),
        bias_(std::vector<double>{0.375}),
        x_(Elems(), sizes.misalignment),
        logits_(Rows()),
        grads_(Rows()),
        grad_generator_(Rows()),
        grad_x_(Elems(), sizes.misalignment),
        grad_act_bias_(std::vector<double>(static_cast<size_t>(sizes.channels), Initial(mode))),
        metrics_(static_cast<size_t>(kRing * kMetricCount)),
        step_(std::vector<int64_t>{6}) {
    const emulator::SumMemory memory({HeadScratchBytes(s_.rows, s_.channels), 1});
    // Twice, as the counter has to serve again.
    for (int i = 0; i < (use == Use::kAll && mode == GradientMode::kOverwrite ? 2 : 1); ++i) {
      HeadArgs<T> args = Args(mode);
      args.scratch = reinterpret_cast<std::byte*>(memory.scratch());
      args.counter = memory.counters();
      LaunchHead(args, nullptr);
    }
    NUMERAL_CUDA(cudaDeviceSynchronize());
  }

  static double Initial(GradientMode mode) {
    return mode == GradientMode::kAccumulate ? 0.75 : kNaN;
  }
  size_t Elems() const { return Rows() * static_cast<size_t>(s_.in); }
  size_t Rows() const { return static_cast<size_t>(s_.rows); }

  std::vector<double> X() const { return StoredX().Read(); }
  std::vector<double> Weight() const { return weight_.Read(); }
  std::vector<double> Logits() const { return logits_.Read(); }
  std::vector<double> Grads() const { return grads_.Read(); }
  std::vector<double> GradGenerator() const { return grad_generator_.Read(); }
  std::vector<double> GradX() const { return grad_x_.Read(); }
  std::vector<double> GradActBias() const { return grad_act_bias_.Read(); }
  std::vector<double> Metrics() const { return metrics_.Read(); }
  std::vector<std::vector<double>> All() const {
    return {X(), Logits(), Grads(), GradX(), GradActBias()};
  }

  // What kernels of their own make of the same.
  std::vector<double> XAlone() const {
    const DeviceTensor<T> linear(RandomValues<T>(Elems(), 1), s_.misalignment);
    const DeviceTensor<T> x(Elems(), s_.misalignment);
    BiasActForwardArgs<T> args = Forward();
    args.x = linear.data();
    args.y = x.data();
    LaunchBiasActForward(args, nullptr);
    return x.Read();
  }
  struct Losses {
    std::vector<double> grads, grad_generator, metrics;
  };
  Losses LossesAlone() const {
    const DeviceTensor<T> grads(Rows()), grad_generator(Rows());
    const DeviceTensor<float> metrics(static_cast<size_t>(kRing * kMetricCount));
    std::vector<LossArgs<T>> losses;
    for (const HeadLoss<T>& head : HeadLosses(grads, grad_generator, metrics)) {
      losses.push_back(head.loss);
    }
    LaunchLosses<T>(losses, nullptr);
    return {grads.Read(), grad_generator.Read(), metrics.Read()};
  }

  HeadArgs<T> Args(GradientMode mode) const {
    HeadArgs<T> args = {};
    args.rows = s_.rows;
    args.in = s_.in;
    args.linear = linear_.data();
    args.x = StoredX().data();
    if (use_ != Use::kPlain) {
      args.forward = Forward();
      BiasActBackwardArgs<T> backward = {};
      backward.channels = s_.channels;
      backward.activation = args.forward->activation;
      backward.dropout_rate = kRate;
      backward.grad_bias = grad_act_bias_.data();
      backward.bias_mode = mode;
      args.backward = backward;
    }
    args.weight = weight_.data();
    args.bias = bias_.data();
    args.logits = logits_.data();
    args.losses = HeadLosses(grads_, grad_generator_, metrics_);
    args.grad_x = grad_x_.data();
    return args;
  }

 private:
  const DeviceTensor<T>& StoredX() const { return use_ == Use::kAll ? x_ : linear_; }

  BiasActForwardArgs<T> Forward() const {
    BiasActForwardArgs<T> args = {};
    // One case has no bias, and a range within a row and off packs, which plans do not have.
    const bool odd = s_.in == 600;
    args.bias = odd ? nullptr : act_bias_.data();
    args.channels = s_.channels;
    args.activation = {ActivationKind::kLeakyRelu, kSlope};
    args.dropout_rate = kRate;
    const int64_t first = int64_t{RealRows()} * s_.in + (odd ? 2 : 0);
    args.ranges[0] = {0, first, 5};
    args.ranges[1] = {first, static_cast<int64_t>(Elems()) - first, 6};
    args.range_count = 2;
    args.step = step_.data();
    args.seed = 77;
    return args;
  }
  int RealRows() const { return s_.rows / 2; }

  // Of real rows, then of fakes; G's own, relative to the fakes', with a gradient that goes
  // nowhere.
  std::vector<HeadLoss<T>> HeadLosses(const DeviceTensor<T>& grads,
                                      const DeviceTensor<T>& grad_generator,
                                      const DeviceTensor<float>& metrics) const {
    const int real = RealRows();
    std::vector<HeadLoss<T>> losses;
    const auto add = [&](LossPart part, bool accuracy, Metric metric) {
      LossArgs<T> args = {};
      args.rule = {LossKind::kBce, part, 0.1, part == LossPart::kGenerator ? kWeight : 0};
      args.outputs = 1;
      args.accuracy = accuracy;
      args.add = part == LossPart::kFake && real > 0;
      args.weight = part == LossPart::kGenerator ? 1 : kWeight;
      const int first = part == LossPart::kReal ? 0 : real;
      args.logits = logits_.data() + first;
      if (!accuracy) {
        args.grad = part == LossPart::kGenerator ? grad_generator.data() : grads.data() + first;
      }
      args.rows = part == LossPart::kReal ? real : s_.rows - real;
      args.place = {metrics.data(), kRing, step_.data(), metric};
      losses.push_back({args, first, !accuracy && part != LossPart::kGenerator});
    };
    if (real > 0) {
      add(LossPart::kReal, false, Metric::kDLoss);
      add(LossPart::kReal, true, Metric::kDAccuracyReal);
    }
    add(LossPart::kFake, false, Metric::kDLoss);
    add(LossPart::kFake, true, Metric::kDAccuracyFake);
    add(LossPart::kGenerator, false, Metric::kGLoss);
    return losses;
  }

  Sizes s_;
  Use use_;
  DeviceTensor<T> linear_;
  DeviceTensor<float> act_bias_, weight_, bias_;
  DeviceTensor<T> x_, logits_, grads_, grad_generator_, grad_x_;
  DeviceTensor<float> grad_act_bias_, metrics_;
  DeviceValues<int64_t> step_;
};

std::vector<double> ExpectedLogits(const std::vector<double>& x, const std::vector<double>& weight,
                                   size_t rows) {
  std::vector<double> logits(rows, 0.375);
  for (size_t i = 0; i < x.size(); ++i)
    logits[i / weight.size()] += x[i] * weight[i % weight.size()];
  return logits;
}

std::vector<double> ExpectedGradX(const std::vector<double>& x, const std::vector<double>& weight,
                                  const std::vector<double>& grads, bool backward) {
  std::vector<double> result;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool dropped = x[i] == 0 && std::signbit(x[i]);
    const double slope = dropped ? 0 : (x[i] > 0 ? 1 : kSlope) / (1 - kRate);
    result.push_back(grads[i / weight.size()] * weight[i % weight.size()] * (backward ? slope : 1));
  }
  return result;
}

template <typename T>
void CheckStages(const Sizes& sizes, Use use, uint64_t seed) {
  INFO(sizes.rows << " rows of " << sizes.in << " in " << sizes.channels << " channels, "
                  << sizeof(T) << " bytes, use " << static_cast<int>(use) << ", seed " << seed);
  emulator::SetSeed(seed);
  const HeadRun<T> run(sizes, use);
  const std::vector<double> x = run.X(), weight = run.Weight();
  if (use != Use::kPlain) {
    const std::vector<double> alone = run.XAlone();
    bool same = x.size() == alone.size();
    for (size_t i = 0; same && i < x.size(); ++i) {
      same = x[i] == alone[i] && std::signbit(x[i]) == std::signbit(alone[i]);
    }
    CHECK(same);
  }
  CheckClose(run.Logits(), ExpectedLogits(x, weight, run.Rows()), StoredAs<T>(tolerance::kProduct));
  const auto losses = run.LossesAlone();
  CHECK(run.Grads() == losses.grads);
  const size_t fakes = run.Rows() - run.Rows() / 2;
  const auto of_fakes = [&](std::vector<double> grads) {
    for (size_t i = fakes; i < grads.size(); ++i) CHECK(std::isnan(grads[i]));
    grads.resize(fakes);
    return grads;
  };
  CHECK(of_fakes(run.GradGenerator()) == of_fakes(losses.grad_generator));
  const std::vector<double> metrics = run.Metrics();
  for (size_t i = 0; i < metrics.size(); ++i) {
    INFO("metric " << i);
    CHECK(std::isnan(metrics[i]) == std::isnan(losses.metrics[i]));
    CHECK((std::isnan(metrics[i]) || tolerance::kLoss.Accepts(metrics[i], losses.metrics[i])));
  }

  const bool backward = use != Use::kPlain;
  const std::vector<double> grad_x = ExpectedGradX(x, weight, run.Grads(), backward);
  CheckClose(run.GradX(), grad_x, StoredAs<T>(tolerance::kElementwise));
  if (!backward) return;
  std::vector<double> sums(static_cast<size_t>(sizes.channels));
  for (size_t i = 0; i < grad_x.size(); ++i) sums[i % sums.size()] += grad_x[i];
  CheckClose(run.GradActBias(), sums, tolerance::kSum);
}

TEST_CASE("A head is its stages one after the other", "[emulator][head]") {
  for (const Sizes& sizes : kSizes) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const auto use = static_cast<Use>((seed + static_cast<uint64_t>(sizes.rows)) % 3);
      CheckStages<float>(sizes, Use::kAll, seed);
      CheckStages<bf16>(sizes, Use::kAll, seed);
      if (use == Use::kAll) continue;
      CheckStages<float>(sizes, use, seed);
      CheckStages<bf16>(sizes, use, seed);
    }
  }
}

TEST_CASE("A head adds to a gradient of biases", "[emulator][head]") {
  for (const Sizes& sizes : {Sizes{67, 129, 43, 0}, Sizes{3, 1030, 1030, 0}}) {
    const std::vector<double> once = HeadRun<float>(sizes, Use::kAll).GradActBias();
    std::vector<double> expected = once;
    for (double& value : expected) value += 0.75;
    CheckClose(HeadRun<float>(sizes, Use::kAll, GradientMode::kAccumulate).GradActBias(), expected,
               tolerance::kElementwise);
  }
}

TEST_CASE("A head has the same bits in every schedule", "[emulator][head]") {
  const auto run = [](uint64_t seed) {
    emulator::SetSeed(seed);
    return HeadRun<bf16>({150, 40, 8, 0}, Use::kInPlace).All();
  };
  const auto first = run(10);
  for (uint64_t seed = 11; seed < 14; ++seed) CHECK(run(seed) == first);
}

TEST_CASE("A head refuses what it cannot do", "[emulator][head]") {
  const HeadRun<float> run({4, 6, 3, 0}, Use::kAll);
  const emulator::SumMemory memory({HeadScratchBytes(4, 3), 1});
  const auto refused = [&](const auto& spoil) {
    HeadArgs<float> args = run.Args(GradientMode::kOverwrite);
    args.scratch = reinterpret_cast<std::byte*>(memory.scratch());
    args.counter = memory.counters();
    spoil(args);
    CHECK_THROWS_AS(LaunchHead(args, nullptr), Error);
  };
  refused([](HeadArgs<float>& a) { a.in = 7; });
  refused([](HeadArgs<float>& a) { a.rows = -1; });
  refused([](HeadArgs<float>& a) { a.grad_x = nullptr; });
  refused([](HeadArgs<float>& a) { a.scratch = nullptr; });
  refused([](HeadArgs<float>& a) { a.linear = nullptr; });
  refused([](HeadArgs<float>& a) { a.backward->channels = 2; });
  refused([](HeadArgs<float>& a) { a.backward->activation.slope = 0.5f; });
  refused([](HeadArgs<float>& a) { a.losses.erase(a.losses.begin()); });
  refused([](HeadArgs<float>& a) { a.losses[0].first_row = 1; });
  refused([](HeadArgs<float>& a) { a.losses[4].feeds_back = true; });
  refused([](HeadArgs<float>& a) { a.losses[1].loss.rule.part = LossPart::kGenerator; });
  refused([](HeadArgs<float>& a) { a.losses.push_back(a.losses[1]); });
}

}  // namespace
}  // namespace numeral::cuda
