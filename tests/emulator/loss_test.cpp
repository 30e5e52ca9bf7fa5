// Kernels of losses and accuracies: against the reference by cases, and what those lack.
#include "cuda/kernels/loss.h"

#include <cmath>
#include <limits>

#include "cuda/kernels/squared_error.h"
#include "tests/emulator/device_values.h"
#include "tests/emulator/emulated_engine.h"
#include "tests/emulator/stream.h"
#include "tests/support/op_cases.h"
#include "util/random.h"

namespace numeral::cuda {
namespace {

constexpr int64_t kRing = 3;
constexpr size_t kMetrics = kRing * kMetricCount;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> Numbers(size_t count, uint32_t stream) {
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) values.push_back(3 * DrawNormal(11, stream, 0, i));
  return values;
}

// One loss or accuracy with its memory.
template <typename T>
struct Entry {
  LossRule rule;
  bool accuracy;
  int64_t rows;
  Metric metric;
  bool add;
  DeviceValues<T> logits, grad;
  DeviceValues<int32_t> labels;

  Entry(LossRule of, bool is_accuracy, int64_t row_count, Metric to, bool adds,
        const std::vector<float>& values)
      : rule(of),
        accuracy(is_accuracy),
        rows(row_count),
        metric(to),
        add(adds),
        logits(FromFloats<T>(values), 1),
        grad(values.size(), 1),
        labels(Digits(row_count)) {}
  Entry(LossRule of, bool is_accuracy, int64_t row_count, Metric to, bool adds)
      : Entry(of, is_accuracy, row_count, to, adds,
              Numbers(static_cast<size_t>(row_count * OutputsOf(of.kind)),
                      static_cast<uint32_t>(of.part))) {}

  static std::vector<int32_t> Digits(int64_t rows) {
    std::vector<int32_t> digits;
    for (int64_t i = 0; i < rows; ++i) digits.push_back(static_cast<int32_t>(i * 7 % 10));
    return digits;
  }

  LossArgs<T> Args(const DeviceValues<float>& metrics, const DeviceValues<int64_t>& step) const {
    return {rule,
            OutputsOf(rule.kind),
            accuracy,
            add,
            0.5f,
            logits.data(),
            NeedsLabels(rule.kind, rule.part) ? labels.data() : nullptr,
            accuracy ? nullptr : grad.data(),
            rows,
            {metrics.data(), kRing, step.data(), metric}};
  }
};

// What a training step judges the discriminator by.
template <typename T>
std::vector<Entry<T>> Discriminator(LossKind kind, int64_t rows) {
  const LossRule real{kind, LossPart::kReal, 0.1}, fake{kind, LossPart::kFake, 0.1};
  std::vector<Entry<T>> entries;
  entries.emplace_back(real, false, rows, Metric::kDLoss, false);
  entries.emplace_back(real, true, rows, Metric::kDAccuracyReal, false);
  entries.emplace_back(fake, false, rows + 1, Metric::kDLoss, true);
  entries.emplace_back(fake, true, rows + 1, Metric::kDAccuracyFake, false);
  return entries;
}

template <typename T>
struct Outcome {
  std::vector<float> metrics;
  std::vector<std::vector<T>> grads;
  bool operator==(const Outcome& other) const {
    bool same = SameBits(metrics, other.metrics) && grads.size() == other.grads.size();
    for (size_t i = 0; same && i < grads.size(); ++i) same = SameBits(grads[i], other.grads[i]);
    return same;
  }
};

template <typename T>
Outcome<T> Run(const std::vector<Entry<T>>& entries, bool together) {
  const DeviceValues<float> metrics(kMetrics);
  const DeviceValues<int64_t> step(std::vector<int64_t>{6});
  std::vector<LossArgs<T>> losses;
  for (const Entry<T>& entry : entries) losses.push_back(entry.Args(metrics, step));
  if (together) {
    LaunchLosses<T>(losses, nullptr);
  } else {
    for (const LossArgs<T>& loss : losses) LaunchLosses<T>({&loss, 1}, nullptr);
  }
  Outcome<T> outcome{metrics.Read(), {}};
  for (const Entry<T>& entry : entries) outcome.grads.push_back(entry.grad.Read());
  return outcome;
}

constexpr LossKind kKinds[] = {LossKind::kBce,     LossKind::kDigitOrZeros,
                               LossKind::kSoftmax, LossKind::kLeastSquares,
                               LossKind::kHinge,   LossKind::kCrossEntropy};

template <typename T>
void CheckTogether(int64_t rows) {
  for (const LossKind kind : kKinds) {
    INFO("kind " << static_cast<int>(kind) << ", " << rows << " rows");
    if (kind == LossKind::kCrossEntropy) continue;  // has no fakes
    emulator::SetSeed(1);
    const Outcome<T> apart = Run(Discriminator<T>(kind, rows), false);
    for (const uint64_t seed : {1, 2, 3}) {
      emulator::SetSeed(seed);
      CHECK(Run(Discriminator<T>(kind, rows), true) == apart);
    }
    // Row 2 of the ring, nothing else.
    for (size_t i = 0; i < kMetrics; ++i) {
      const size_t metric = i % kMetricCount;
      const bool written = i / kMetricCount == 2 && metric != static_cast<size_t>(Metric::kGLoss) &&
                           metric <= static_cast<size_t>(Metric::kDAccuracyFake);
      CHECK(std::isnan(apart.metrics[i]) != written);
    }
  }
}

// The value of a loss by rows, one after the other.
template <int kOutputs>
double ValueOf(const LossRule& rule, const std::vector<float>& logits, bool accuracy) {
  const size_t rows = logits.size() / kOutputs;
  const std::vector<int32_t> labels = Entry<float>::Digits(static_cast<int64_t>(rows));
  double sum = 0, wide[kOutputs], slopes[kOutputs];
  for (size_t row = 0; row < rows; ++row) {
    std::copy_n(logits.begin() + static_cast<int64_t>(row * kOutputs), kOutputs, wide);
    const int label = NeedsLabels(rule.kind, rule.part) ? labels[row] : 0;
    sum += accuracy ? RowIsRight(rule, label, wide) : 0.5 * RowLoss(rule, label, wide, slopes);
  }
  return sum / static_cast<double>(rows);
}

TEST_CASE("CUDA losses match the reference", "[emulator][loss]") {
  emulator::CheckEmulated(LossCases());
}

TEST_CASE("CUDA losses in one launch are those of four to the bit", "[emulator][loss]") {
  CheckTogether<float>(5);
  CheckTogether<bf16>(64);
  CheckTogether<float>(300);
}

TEST_CASE("CUDA losses count every one of many rows", "[emulator][loss]") {
  constexpr int64_t kRows = 1031;
  for (const bool accuracy : {false, true}) {
    const auto value = [&](LossKind kind) {
      std::vector<Entry<float>> one;
      one.emplace_back(LossRule{kind, LossPart::kReal, 0.1}, accuracy, kRows, Metric::kLoss, false);
      return Run(one, true).metrics[2 * kMetricCount + static_cast<size_t>(Metric::kLoss)];
    };
    const auto expected = [&]<int kOutputs>(LossKind kind) {
      const LossRule rule{kind, LossPart::kReal, 0.1};
      return ValueOf<kOutputs>(rule, Numbers(kRows * kOutputs, 0), accuracy);
    };
    CHECK(tolerance::kLoss.Accepts(value(LossKind::kBce), expected.operator()<1>(LossKind::kBce)));
    CHECK(tolerance::kLoss.Accepts(value(LossKind::kDigitOrZeros),
                                   expected.operator()<10>(LossKind::kDigitOrZeros)));
    CHECK(tolerance::kLoss.Accepts(value(LossKind::kSoftmax),
                                   expected.operator()<11>(LossKind::kSoftmax)));
  }
}

TEST_CASE("CUDA losses of NaN are NaN, and NaN is never right", "[emulator][loss]") {
  for (const LossKind kind : kKinds) {
    INFO("kind " << static_cast<int>(kind));
    constexpr int64_t kRows = 40, kRow = 33;
    const auto outputs = static_cast<size_t>(OutputsOf(kind));
    std::vector<float> logits = Numbers(kRows * outputs, 1);
    for (size_t j = 0; j < outputs; ++j) logits[kRow * outputs + j] = kNaN;
    std::vector<float> numbers(logits);
    for (size_t j = 0; j < outputs; ++j) numbers[kRow * outputs + j] = -1000;  // not right
    const LossRule rule{kind, LossPart::kReal, 0};
    std::vector<Entry<float>> entries;
    entries.emplace_back(rule, false, kRows, Metric::kDLoss, false, logits);
    entries.emplace_back(rule, true, kRows, Metric::kAccuracy, false, logits);
    entries.emplace_back(rule, true, kRows, Metric::kDAccuracyReal, false, numbers);
    const Outcome<float> outcome = Run(entries, true);
    const float* metrics = outcome.metrics.data() + 2 * kMetricCount;
    CHECK(std::isnan(metrics[static_cast<int>(Metric::kDLoss)]));
    CHECK(metrics[static_cast<int>(Metric::kAccuracy)] ==
          metrics[static_cast<int>(Metric::kDAccuracyReal)]);
    CHECK(metrics[static_cast<int>(Metric::kAccuracy)] < 1);
    for (size_t i = 0; i < logits.size(); ++i) {
      const bool nan = i / outputs == kRow && kind != LossKind::kHinge;  // its slope is a sign or 0
      CHECK(std::isnan(outcome.grads[0][i]) == nan);
    }
  }
}

TEST_CASE("CUDA losses refuse what they cannot do", "[emulator][loss]") {
  const DeviceValues<float> metrics(kMetrics);
  const DeviceValues<int64_t> step(std::vector<int64_t>{6});
  const Entry<float> entry({LossKind::kSoftmax, LossPart::kReal, 0}, false, 4, Metric::kDLoss,
                           false);
  const LossArgs<float> good = entry.Args(metrics, step);
  LaunchLosses<float>({}, nullptr);
  CHECK_THROWS(LaunchLosses<float>(std::vector(kMaxLosses + 1, good), nullptr));
  const auto refused = [&](const auto& spoil) {
    LossArgs<float> bad = good;
    spoil(bad);
    CHECK_THROWS(LaunchLosses<float>({&bad, 1}, nullptr));
  };
  refused([](LossArgs<float>& a) { a.outputs = 10; });
  refused([](LossArgs<float>& a) { a.labels = nullptr; });
  refused([](LossArgs<float>& a) { a.grad = nullptr; });
  refused([](LossArgs<float>& a) { a.rows = 0; });
  refused([](LossArgs<float>& a) { a.place.metrics = nullptr; });
  refused([](LossArgs<float>& a) {
    a.accuracy = true;
    a.rule.part = LossPart::kGenerator;
  });
}

// The mean squared distance of `count` elements, twice from each address.
template <typename T>
void CheckSquaredError(size_t count) {
  const std::vector<T> prediction = FromFloats<T>(Numbers(count, 5));
  const std::vector<T> target = FromFloats<T>(Numbers(count, 6));
  double value = 0;
  std::vector<float> slopes;
  for (size_t i = 0; i < count; ++i) {
    const double error = static_cast<double>(ToFloat(prediction[i])) - ToFloat(target[i]);
    value += error * error / static_cast<double>(count);
    slopes.push_back(static_cast<float>(2 / static_cast<double>(count) * error));
  }
  const DeviceValues<double> partials(static_cast<size_t>(kSquaredErrorPartials));
  const DeviceValues<unsigned> counter(std::vector<unsigned>{0});
  const DeviceValues<int64_t> step(std::vector<int64_t>{5});
  std::vector<float> first;
  for (const size_t offset : {0, 0, 1}) {
    const DeviceValues<T> x(prediction, offset), y(target, offset);
    const DeviceValues<T> grad(count, offset);
    const DeviceValues<float> metrics(kMetrics);
    LaunchSquaredError<T>({x.data(),
                           y.data(),
                           grad.data(),
                           static_cast<int64_t>(count),
                           {metrics.data(), kRing, step.data(), Metric::kLoss},
                           partials.data(),
                           counter.data()},
                          nullptr);
    CHECK(SameBits(grad.Read(), FromFloats<T>(slopes)));
    const std::vector<float> written = metrics.Read();
    const float loss = written[kMetricCount + static_cast<size_t>(Metric::kLoss)];
    CHECK(tolerance::kLoss.Accepts(loss, value));
    if (first.empty()) first = written;
    CHECK(SameBits(written, first));
    CHECK(counter.Read() == std::vector<unsigned>{0});
  }
}

TEST_CASE("CUDA squared errors of many blocks, from any address", "[emulator][loss]") {
  for (const uint64_t seed : {1, 2, 3}) {
    emulator::SetSeed(seed);
    for (const size_t count : {5000, 1024, 3}) {
      CheckSquaredError<float>(count);
      CheckSquaredError<bf16>(count);
    }
  }
  CheckSquaredError<float>(512 * 1024 + 1029);  // more than one turn of the grid
}

}  // namespace
}  // namespace numeral::cuda
