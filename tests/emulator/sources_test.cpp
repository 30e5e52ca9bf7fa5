// Kernels of the step's inputs: against the reference by cases, and what those lack.
#include <cmath>
#include <cstdint>
#include <limits>

#include "cuda/kernels/draws.h"
#include "cuda/kernels/flow_path.h"
#include "cuda/kernels/gather.h"
#include "cuda/kernels/one_hot.h"
#include "tests/emulator/device_values.h"
#include "tests/emulator/emulated_engine.h"
#include "tests/support/op_cases.h"
#include "util/error.h"
#include "util/permutation.h"

namespace numeral::cuda {
namespace {

constexpr uint64_t kSeed = 0x1234567890ABCDEFu;
constexpr uint32_t kStream = 77;
constexpr int64_t kRunning = (int64_t{1} << 34) + 9;  // step

DeviceValues<int64_t> Counter(int64_t running = kRunning) {
  return DeviceValues<int64_t>(std::vector<int64_t>{running + 1});
}

// A whole number of blocks and packs, one element more, and fewer than a pack.
constexpr size_t kCounts[] = {3 * 512, 3 * 512 + 1, 511, 3, 1};

template <typename T>
void CheckLatents(LatentKind kind) {
  const auto step = Counter();
  for (const size_t count : kCounts) {
    std::vector<float> expected;
    for (size_t i = 0; i < count; ++i) {
      expected.push_back(kind == LatentKind::kNormal
                             ? DrawNormal(kSeed, kStream, kRunning, i)
                             : SignedUnitFromBits(DrawBits(kSeed, kStream, kRunning, i)));
    }
    for (const size_t offset : {0, 1, 2}) {
      DeviceValues<T> out(count, offset);
      LaunchDrawLatents({step.data(), kSeed, kStream}, kind, out.data(),
                        static_cast<int64_t>(count), nullptr);
      CHECK(SameBits(out.Read(), FromFloats<T>(expected)));
    }
  }
}

// The data set of the gather tests, and what a row of a batch should be.
struct Images {
  static constexpr int64_t kCount = 11, kStepsPerEpoch = 3;
  static constexpr int kBatch = 4;
  int height, width, max_shift;
  std::vector<uint8_t> bytes, labels;

  Images(int image_height, int image_width, int shift)
      : height(image_height), width(image_width), max_shift(shift) {
    const size_t pixels = static_cast<size_t>(height) * static_cast<size_t>(width);
    for (size_t i = 0; i < kCount * pixels; ++i) {
      bytes.push_back(static_cast<uint8_t>(DrawBits(1, 2, 3, i)));
    }
    for (int i = 0; i < kCount; ++i) labels.push_back(static_cast<uint8_t>(i * 3 % 10));
  }

  int64_t Source(int64_t running, int64_t row) const {
    const Permutation order(kCount, kSeed, kStream,
                            static_cast<uint64_t>(running / kStepsPerEpoch));
    const int64_t position = running % kStepsPerEpoch * kBatch + row;
    return static_cast<int64_t>(order(static_cast<uint64_t>(position % kCount)));
  }

  int Move(int64_t running, int64_t element) const {
    const uint32_t bits = DrawBits(kSeed, kStream + 1, static_cast<uint64_t>(running),
                                   static_cast<uint64_t>(element));
    return static_cast<int>(ChoiceFromBits(bits, static_cast<uint32_t>(2 * max_shift + 1))) -
           max_shift;
  }

  std::vector<float> Expected(int64_t running, int64_t rows, float scale, float shift) const {
    std::vector<float> values;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t source = Source(running, row);
      const int down = Move(running, 2 * row), right = Move(running, 2 * row + 1);
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const int from_y = y - down, from_x = x - right;
          const bool inside = from_y >= 0 && from_y < height && from_x >= 0 && from_x < width;
          const int64_t at = (source * height + from_y) * width + from_x;
          const float byte = inside ? bytes[static_cast<size_t>(at)] : 0.0f;
          values.push_back(std::fma(byte, scale, shift));
        }
      }
    }
    return values;
  }
};

template <typename T>
void CheckGather(const Images& images, int64_t running, int64_t rows, size_t offset) {
  INFO(images.height << "x" << images.width << ", moved by " << images.max_shift << ", " << rows
                     << " rows, offset " << offset);
  const auto step = Counter(running);
  const DeviceValues<uint8_t> data(images.bytes, offset), data_labels(images.labels);
  const size_t pixels = static_cast<size_t>(images.height) * static_cast<size_t>(images.width);
  DeviceValues<T> out(static_cast<size_t>(rows) * pixels, offset);
  DeviceValues<int32_t> labels(static_cast<size_t>(rows));
  constexpr float kScale = 2.0f / 255, kShift = -1;
  LaunchGatherBatch<T>(
      {{step.data(), Images::kCount, Images::kStepsPerEpoch, Images::kBatch, kSeed, kStream},
       data.data(),
       data_labels.data(),
       out.data(),
       labels.data(),
       rows,
       images.height,
       images.width,
       1,
       kScale,
       kShift,
       images.max_shift,
       kStream + 1},
      nullptr);
  CHECK(SameBits(out.Read(), FromFloats<T>(images.Expected(running, rows, kScale, kShift))));
  const std::vector<int32_t> read = labels.Read();
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t source = images.Source(running, row);
    CHECK(read[static_cast<size_t>(row)] == images.labels[static_cast<size_t>(source)]);
  }
}

template <typename T>
void CheckPairs(int size, size_t offset) {
  INFO("rows of " << size << ", offset " << offset);
  constexpr int64_t kRunningStep = 4, kRows = 3;
  const Images order(1, 1, 0);
  std::vector<float> latents;
  for (size_t i = 0; i < static_cast<size_t>(Images::kCount * size); ++i) {
    latents.push_back(DrawNormal(5, 6, 7, i));
  }
  const auto step = Counter(kRunningStep);
  const DeviceValues<float> data(latents, offset);
  const DeviceValues<uint8_t> data_labels(order.labels);
  DeviceValues<T> out(static_cast<size_t>(kRows * size), offset);
  DeviceValues<int32_t> labels(static_cast<size_t>(kRows));
  LaunchGatherPairs<T>(
      {{step.data(), Images::kCount, Images::kStepsPerEpoch, Images::kBatch, kSeed, kStream},
       data.data(),
       data_labels.data(),
       out.data(),
       labels.data(),
       kRows,
       size},
      nullptr);
  std::vector<float> expected;
  const std::vector<int32_t> read = labels.Read();
  for (int64_t row = 0; row < kRows; ++row) {
    const int64_t source = order.Source(kRunningStep, row);
    const auto first = latents.begin() + source * size;
    expected.insert(expected.end(), first, first + size);
    CHECK(read[static_cast<size_t>(row)] == order.labels[static_cast<size_t>(source)]);
  }
  CHECK(SameBits(out.Read(), FromFloats<T>(expected)));
}

}  // namespace

TEST_CASE("CUDA sources match the reference", "[emulator][sources]") {
  emulator::CheckEmulated(SourceCases());
}

TEST_CASE("CUDA draws are every engine's to the bit", "[emulator][sources]") {
  for (const LatentKind kind : {LatentKind::kNormal, LatentKind::kUniform}) {
    CheckLatents<float>(kind);
    CheckLatents<bf16>(kind);
  }
  const auto step = Counter();
  for (const size_t count : kCounts) {
    std::vector<float> times;
    std::vector<int32_t> digits;
    const std::vector<int32_t> choices{7, 1, 4};
    for (size_t i = 0; i < count; ++i) {
      const uint32_t bits = DrawBits(kSeed, kStream, kRunning, i);
      times.push_back(UnitFromBits(bits));
      digits.push_back(choices[ChoiceFromBits(bits, 3)]);
    }
    for (const size_t offset : {0, 1}) {
      const DrawStream draws{step.data(), kSeed, kStream};
      const auto elems = static_cast<int64_t>(count);
      DeviceValues<float> out(count, offset);
      LaunchDrawTimes(draws, out.data(), elems, nullptr);
      CHECK(SameBits(out.Read(), times));
      DeviceValues<int32_t> out_digits(count, offset);
      const DeviceValues<int32_t> table(choices);
      LaunchDrawDigits(draws, table.data(), 3, out_digits.data(), elems, nullptr);
      CHECK(SameBits(out_digits.Read(), digits));
    }
  }
}

TEST_CASE("CUDA draws are the same by more elements than one turn of the grid",
          "[emulator][sources]") {
  constexpr size_t kCount = 2112 * 512 + 2 * 512 + 3;
  const auto step = Counter(5);
  DeviceValues<float> out(kCount);
  LaunchDrawLatents({step.data(), kSeed, kStream}, LatentKind::kUniform, out.data(), kCount,
                    nullptr);
  const std::vector<float> values = out.Read();
  for (size_t i = 0; i < kCount; i += i < 2112 * 512 - 64 ? 997 : 1) {
    if (values[i] != SignedUnitFromBits(DrawBits(kSeed, kStream, 5, i))) FAIL("element " << i);
  }
}

TEST_CASE("CUDA gathers images of any size from any address", "[emulator][sources]") {
  for (const int max_shift : {0, 3}) {
    for (const size_t offset : {0, 1, 4}) {
      // Packs and not, more than one turn of the block, more rows than images.
      CheckGather<float>(Images(28, 28, max_shift), 5, 4, offset);
      CheckGather<bf16>(Images(28, 28, max_shift), 7, 2, offset);
      CheckGather<float>(Images(7, 5, max_shift), 2, 25, offset);
      CheckGather<bf16>(Images(4, 3, max_shift), kRunning, 3, offset);
    }
  }
}

TEST_CASE("CUDA gathers pairs of any size from any address", "[emulator][sources]") {
  for (const int size : {1, 7, 100, 131, 516}) {
    for (const size_t offset : {0, 1}) {
      CheckPairs<float>(size, offset);
      CheckPairs<bf16>(size, offset);
    }
  }
}

TEST_CASE("CUDA one-hot rows, of many blocks and of labels that are none", "[emulator][sources]") {
  constexpr size_t kRows = 101, kClasses = 10;
  std::vector<int32_t> labels;
  for (size_t i = 0; i < kRows; ++i) labels.push_back(static_cast<int32_t>(i % 13) - 1);
  std::vector<float> expected(kRows * kClasses);
  for (size_t i = 0; i < kRows; ++i) {
    const auto label = static_cast<size_t>(labels[i]);
    if (label < kClasses) expected[i * kClasses + label] = 1;
  }
  const DeviceValues<int32_t> in(labels);
  DeviceValues<float> out(kRows * kClasses);
  LaunchOneHot<float>({in.data(), out.data(), kRows, kClasses}, nullptr);
  CHECK(SameBits(out.Read(), expected));
  DeviceValues<bf16> rounded(kRows * kClasses, 1);
  LaunchOneHot<bf16>({in.data(), rounded.data(), kRows, kClasses}, nullptr);
  CHECK(SameBits(rounded.Read(), FromFloats<bf16>(expected)));
}

TEST_CASE("CUDA flow paths are the same from any address, and keep NaN where it is",
          "[emulator][sources]") {
  constexpr size_t kRows = 37, kSize = 20, kCount = kRows * kSize, kPlace = 333;
  std::vector<float> noise, latents, times;
  for (size_t i = 0; i < kCount; ++i) {
    noise.push_back(DrawNormal(1, 1, 1, i));
    latents.push_back(DrawNormal(1, 2, 1, i));
  }
  for (size_t i = 0; i < kRows; ++i) times.push_back(UnitFromBits(DrawBits(1, 3, 1, i)));
  noise[kPlace] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> first;
  for (const size_t offset : {0, 1}) {
    const DeviceValues<float> in(noise, offset), to(latents, offset), at(times);
    DeviceValues<float> place(kCount, offset), velocity(kCount, offset);
    LaunchFlowPath<float>(
        {in.data(), to.data(), at.data(), place.data(), velocity.data(), kRows, kSize}, nullptr);
    std::vector<float> both = place.Read();
    const std::vector<float> moving = velocity.Read();
    both.insert(both.end(), moving.begin(), moving.end());
    for (size_t i = 0; i < both.size(); ++i) CHECK(std::isnan(both[i]) == (i % kCount == kPlace));
    if (offset == 0) first = both;
    both[kPlace] = both[kCount + kPlace] = first[kPlace] = first[kCount + kPlace] = 0;
    CHECK(SameBits(both, first));
  }
}

TEST_CASE("CUDA sources refuse what is no batch", "[emulator][sources]") {
  GatherBatchArgs<float> batch = {};
  batch.rows = 1;
  CHECK_THROWS_AS(LaunchGatherBatch(batch, nullptr), Error);
  GatherPairsArgs<float> pairs = {};
  pairs.rows = 1;
  CHECK_THROWS_AS(LaunchGatherPairs(pairs, nullptr), Error);
  CHECK_THROWS_AS(LaunchDrawDigits({nullptr, 0, 0}, nullptr, 0, nullptr, 1, nullptr), Error);
  batch.rows = pairs.rows = 0;
  LaunchGatherBatch(batch, nullptr);
  LaunchGatherPairs(pairs, nullptr);
  LaunchDrawTimes<float>({}, nullptr, 0, nullptr);
  NUMERAL_CUDA(cudaDeviceSynchronize());
}

}  // namespace numeral::cuda
