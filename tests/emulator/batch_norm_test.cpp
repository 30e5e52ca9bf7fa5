// Batch norm of the emulated CUDA engine: the cases of every engine, NaN, hard statistics, and
// addresses that plans do not have yet.
#include "cuda/kernels/batch_norm.h"

#include "cuda/kernels/batch_norm_backward.h"
#include "tests/emulator/device_tensor.h"
#include "tests/emulator/emulated_engine.h"
#include "tests/emulator/one_op_run.h"
#include "tests/emulator/stream.h"
#include "tests/support/op_cases.h"

namespace numeral::cuda {
namespace {

TEST_CASE("emulator: batch norm", "[emulator][batch_norm]") {
  emulator::CheckEmulated(BatchNormCases());
}

// ---- the launchers themselves

// Ops on [rows][channels] numbers, all of them `misalignment` elements off a multiple of 256 bytes.
template <typename T>
class NormRun {
 public:
  NormRun(int rows, int channels, const std::vector<double>& x, int misalignment)
      : rows_(rows),
        channels_(channels),
        x_(x, misalignment),
        y_(x.size(), misalignment),
        grad_y_(RandomValues<T>(x.size(), 5), misalignment),
        scale_(RandomValues<float>(PerChannel(), 6), misalignment),
        shift_(RandomValues<float>(PerChannel(), 7), misalignment),
        mean_(PerChannel(), misalignment),
        inv_std_(PerChannel(), misalignment),
        running_mean_(RandomValues<float>(PerChannel(), 8), misalignment),
        running_variance_(std::vector<double>(PerChannel(), 2), misalignment),
        grad_scale_(PerChannel(), misalignment),
        grad_shift_(PerChannel(), misalignment) {}

  // Kernels run for it.
  int Forward() {
    BatchNormForwardArgs<T> args = {};
    args.x = x_.data();
    args.scale = scale_.data();
    args.shift = shift_.data();
    args.y = y_.data();
    args.mean = mean_.data();
    args.inv_std = inv_std_.data();
    args.running_mean = running_mean_.data();
    args.running_variance = running_variance_.data();
    args.rows = rows_;
    args.channels = channels_;
    args.epsilon = 1e-5f;
    args.keep = 0.75f;
    args.unbiased_running_variance = true;
    args.activation = kActivation;
    return Run(args, LaunchBatchNormForward<T>);
  }
  int Backward() {
    BatchNormBackwardArgs<T> args = {};
    args.x = x_.data();
    args.y = y_.data();
    args.grad_y = grad_y_.data();
    args.scale = scale_.data();
    args.mean = mean_.data();
    args.inv_std = inv_std_.data();
    args.grad_x = grad_y_.data();
    args.grad_scale = grad_scale_.data();
    args.grad_shift = grad_shift_.data();
    args.rows = rows_;
    args.channels = channels_;
    args.mode = GradientMode::kOverwrite;
    args.activation = kActivation;
    return Run(args, LaunchBatchNormBackward<T>);
  }
  void Inference() {
    BatchNormInferenceArgs<T> args = {};
    args.x = x_.data();
    args.scale = scale_.data();
    args.shift = shift_.data();
    args.running_mean = running_mean_.data();
    args.running_variance = running_variance_.data();
    args.y = y_.data();
    args.rows = rows_;
    args.channels = channels_;
    args.epsilon = 1e-3f;
    args.activation = kActivation;
    LaunchBatchNormInference(args, nullptr);
  }

  std::vector<double> y() const { return y_.Read(); }
  std::vector<double> grad_x() const { return grad_y_.Read(); }
  std::vector<double> mean() const { return mean_.Read(); }
  std::vector<double> inv_std() const { return inv_std_.Read(); }
  // y of an element whose distance to its channel's mean, over the deviation, is given.
  double Expected(int channel, double normed) const {
    const auto at = static_cast<size_t>(channel);
    const double value = normed * scale_.Read()[at] + shift_.Read()[at];
    return value > 0 ? value : kActivation.slope * value;
  }

  void CheckSame(const NormRun& other) const {
    const Tolerance stored = StoredAs<T>(tolerance::kStatistics);
    CheckClose(y_.Read(), other.y_.Read(), stored);
    CheckClose(grad_y_.Read(), other.grad_y_.Read(), stored);
    CheckClose(running_mean_.Read(), other.running_mean_.Read(), tolerance::kStatistics);
    CheckClose(running_variance_.Read(), other.running_variance_.Read(), tolerance::kStatistics);
    // Read off results that may differ by a rounding to T.
    CheckClose(grad_scale_.Read(), other.grad_scale_.Read(), stored);
    CheckClose(grad_shift_.Read(), other.grad_shift_.Read(), stored);
  }

 private:
  static constexpr Activation kActivation{ActivationKind::kLeakyRelu, 0.25f};

  size_t PerChannel() const { return static_cast<size_t>(channels_); }

  template <typename Args>
  int Run(Args args, void (*launch)(const Args&, cudaStream_t)) {
    const emulator::SumMemory memory(ScratchOf(args));
    args.scratch = memory.scratch();
    args.counters = memory.counters();
    emulator::ResetCounters();
    launch(args, nullptr);
    NUMERAL_CUDA(cudaDeviceSynchronize());
    return emulator::Counts().kernels_run;
  }

  int rows_, channels_;
  DeviceTensor<T> x_, y_, grad_y_;
  DeviceTensor<float> scale_, shift_, mean_, inv_std_, running_mean_, running_variance_;
  DeviceTensor<float> grad_scale_, grad_shift_;
};

template <typename T>
void CheckMisaligned(int rows, int channels) {
  const std::vector<double> x = RandomValues<T>(static_cast<size_t>(rows * channels), 1);
  NormRun<T> aligned(rows, channels, x, 0);
  const int kernels = aligned.Forward();
  CHECK(kernels == (rows > 1024 ? 2 : 1));
  CHECK(aligned.Backward() == kernels);
  for (const int misalignment : {1, 2, 3, 4}) {
    INFO(rows << " x " << channels << " of " << sizeof(T) << " bytes at " << misalignment);
    NormRun<T> shifted(rows, channels, x, misalignment);
    shifted.Forward();
    shifted.Backward();
    shifted.CheckSame(aligned);
  }
  NormRun<T> inference(rows, channels, x, 0), shifted(rows, channels, x, 1);
  inference.Inference();
  shifted.Inference();
  CHECK(shifted.y() == inference.y());
}

TEST_CASE("emulator: batch norm at any address", "[emulator][batch_norm]") {
  for (const auto& [rows, channels] : {std::pair{7, 40}, {1500, 8}}) {
    CheckMisaligned<float>(rows, channels);
    CheckMisaligned<bf16>(rows, channels);
  }
}

// In one slab and in several.
TEST_CASE("emulator: NaN in a batch reaches its channel's norm and no other",
          "[emulator][batch_norm]") {
  for (const int rows : {4, 2000}) {
    for (const int place : {0, rows - 1}) {
      constexpr int kChannels = 5;
      std::vector<double> x = RandomValues<float>(static_cast<size_t>(rows * kChannels), 1);
      x[static_cast<size_t>(place * kChannels + 2)] = kNaN;
      NormRun<float> run(rows, kChannels, x, 0);
      run.Forward();
      const std::vector<double> forward = run.y();
      run.Backward();
      const std::vector<double> backward = run.grad_x();
      int wrong = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const bool expected = i % kChannels == 2;
        if (std::isnan(forward[i]) != expected || std::isnan(backward[i]) != expected) ++wrong;
      }
      CHECK(wrong == 0);
    }
  }
}

struct MeanAndDeviation {
  double mean, inv_std;
};
MeanAndDeviation Statistics(const std::vector<double>& x, int channels, int channel) {
  double sum = 0, squares = 0;
  const double count = static_cast<double>(x.size()) / channels;
  for (size_t i = static_cast<size_t>(channel); i < x.size(); i += static_cast<size_t>(channels)) {
    sum += x[i];
  }
  for (size_t i = static_cast<size_t>(channel); i < x.size(); i += static_cast<size_t>(channels)) {
    squares += (x[i] - sum / count) * (x[i] - sum / count);
  }
  return {sum / count, 1 / std::sqrt(squares / count + 1e-5f)};
}

// Channels far from 0, first rows far from the mean, a drift from slab to slab, and no deviation.
TEST_CASE("emulator: statistics of hard channels", "[emulator][batch_norm]") {
  for (const int rows : {300, 5000}) {
    constexpr int kChannels = 8;
    std::vector<double> x = RandomValues<float>(static_cast<size_t>(rows * kChannels), 3);
    for (int row = 0; row < rows; ++row) {
      double* values = x.data() + row * kChannels;
      values[1] = static_cast<float>(values[1] + 1000);
      values[2] = row == 0 ? 50 : values[2];
      values[3] = static_cast<float>(values[3] + row * 0.01);
      values[4] = 7;
      values[5] = static_cast<float>(values[5] * 1e-3 + 1000);
      values[6] = row == rows - 1 ? -50 : values[6];
    }
    NormRun<float> run(rows, kChannels, x, 0);
    run.Forward();
    const std::vector<double> mean = run.mean(), inv_std = run.inv_std(), y = run.y();
    for (int channel = 0; channel < kChannels; ++channel) {
      INFO(rows << " rows, channel " << channel);
      const auto at = static_cast<size_t>(channel);
      const MeanAndDeviation expected = Statistics(x, kChannels, channel);
      CHECK(tolerance::kStatistics.Accepts(mean[at], expected.mean));
      CHECK(tolerance::kStatistics.Accepts(inv_std[at], expected.inv_std));
      const auto last = x.size() - kChannels + at;
      CHECK(tolerance::kStatistics.Accepts(
          y[last], run.Expected(channel, (x[last] - expected.mean) * expected.inv_std)));
    }
  }
}

TEST_CASE("emulator: batch norm of no rows launches nothing", "[emulator][batch_norm]") {
  emulator::ResetCounters();
  BatchNormForwardArgs<float> forward = {};
  LaunchBatchNormForward(forward, nullptr);
  BatchNormInferenceArgs<float> inference = {};
  LaunchBatchNormInference(inference, nullptr);
  BatchNormBackwardArgs<float> backward = {};
  LaunchBatchNormBackward(backward, nullptr);
  CHECK(emulator::Counts().kernel_launches == 0);
}

}  // namespace
}  // namespace numeral::cuda
