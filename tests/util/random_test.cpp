#include "util/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <vector>

#include "tests/catch.h"
#include "tests/tolerance.h"

namespace numeral {
namespace {

constexpr uint32_t kAllOnes = 0xFFFFFFFFu;

void CheckBlock(const PhiloxBlock& actual, const PhiloxBlock& expected) {
  for (int i = 0; i < 4; ++i) CHECK(actual.lane[i] == expected.lane[i]);
}

// kat_vectors of Random123, the library of the paper's authors.
TEST_CASE("Philox4x32-10 gives the published answers") {
  CheckBlock(Philox4x32({{0, 0, 0, 0}}, 0, 0), {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  CheckBlock(Philox4x32({{kAllOnes, kAllOnes, kAllOnes, kAllOnes}}, kAllOnes, kAllOnes),
             {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  CheckBlock(Philox4x32({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0),
             {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

TEST_CASE("a draw is the block of its counter and key") {
  constexpr uint64_t kSeed = 0x299f31d0a4093822, kStep = 0x13198a2e85a308d3;
  CheckBlock(Draw(kSeed, 0x03707344, kStep, 0x243f6a88),
             {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
  for (uint64_t lane = 0; lane < 4; ++lane) {
    const uint64_t element = 4 * uint64_t{0x243f6a88} + lane;
    CHECK(DrawBits(kSeed, 0x03707344, kStep, element) ==
          Draw(kSeed, 0x03707344, kStep, 0x243f6a88).lane[lane]);
  }
}

TEST_CASE("stream ids are FNV-1a") {
  CHECK(StreamId("") == 0x811c9dc5u);
  CHECK(StreamId("a") == 0xe40c292cu);
  CHECK(StreamId("foobar") == 0xbf9cf968u);
}

TEST_CASE("uniform numbers keep to their bounds") {
  CHECK(UnitFromBits(0) == 0x1p-33f);
  CHECK(UnitFromBits(kAllOnes) == 1.0f);
  CHECK(UnitFromBits(0x80000000u) == 0.5f);
  CHECK(SignedUnitFromBits(0) == 0.0f);
  CHECK(SignedUnitFromBits(0x80000000u) == -1.0f);
  CHECK(SignedUnitFromBits(0x7FFFFFFFu) == 1.0f);
  double sum = 0, squares = 0;
  constexpr int kCount = 1 << 20;
  for (uint64_t i = 0; i < kCount; ++i) {
    const uint32_t bits = DrawBits(1, 2, 3, i);
    const float unit = UnitFromBits(bits), value = SignedUnitFromBits(bits);
    if (!(unit > 0 && unit <= 1 && value >= -1 && value <= 1)) FAIL("out of bounds at " << i);
    sum += value;
    squares += double{value} * value;
  }
  // Four standard errors of the mean and of the second moment.
  CHECK(std::abs(sum / kCount) < 4 / std::sqrt(3.0 * kCount));
  CHECK(std::abs(squares / kCount - 1.0 / 3) < 4 * std::sqrt(4.0 / 45 / kCount));
}

TEST_CASE("choices are below their count and equally frequent") {
  CHECK(ChoiceFromBits(0, 10) == 0);
  CHECK(ChoiceFromBits(kAllOnes, 10) == 9);
  CHECK(ChoiceFromBits(kAllOnes, 1) == 0);
  constexpr int kCount = 100000;
  std::vector<int> frequency(10);
  for (uint64_t i = 0; i < kCount; ++i) ++frequency[ChoiceFromBits(DrawBits(4, 5, 6, i), 10)];
  for (const int count : frequency) CHECK(std::abs(count - 10000) < 4 * 95);
}

TEST_CASE("the dropout threshold drops its share") {
  CHECK(DropoutThreshold(0) == 0);
  CHECK(DropoutThreshold(0.5f) == 0x80000000u);
  CHECK(DropoutThreshold(0.25f) == 0x40000000u);
  constexpr int kCount = 100000;
  int dropped = 0;
  for (uint64_t i = 0; i < kCount; ++i) {
    dropped += DrawBits(7, 8, 9, i) < DropoutThreshold(0.3f) ? 1 : 0;
  }
  CHECK(std::abs(dropped - 0.3 * kCount) < 4 * std::sqrt(0.21 * kCount));
}

TEST_CASE("the logarithm is within 2e-7 of the exact one") {
  double worst = 0;
  for (uint64_t i = 0; i < 200000; ++i) {
    // Half of them over all exponents, half close to 1, where the logarithm is near 0.
    const float unit = UnitFromBits(DrawBits(1, 1, 1, i));
    const float x = i % 2 == 0 ? unit * std::ldexp(1.0f, -static_cast<int>(i % 32)) : 1 - unit / 64;
    const double exact = std::log(static_cast<double>(x));
    if (exact == 0) continue;
    const double error = std::abs(LogUnit(x) / exact - 1);
    if (!(error <= worst)) worst = error;
  }
  CHECK(worst < 2e-7);
  CHECK(LogUnit(1) == 0);
}

TEST_CASE("normal numbers follow Box and Muller's formula in double") {
  constexpr double kTurn = 2 * std::numbers::pi * 0x1p-32;
  double worst = 0;
  for (uint32_t i = 0; i < 200000; ++i) {
    const PhiloxBlock block = Draw(3, 4, 5, i);
    const NormalPair pair = NormalFromBits(block.lane[0], block.lane[1]);
    const double radius =
        std::sqrt(-2 * std::log(static_cast<double>(UnitFromBits(block.lane[0]))));
    const double angle = kTurn * block.lane[1];
    for (const double error : {std::abs(pair.first - radius * std::cos(angle)),
                               std::abs(pair.second - radius * std::sin(angle))}) {
      if (!(error <= worst)) worst = error;
    }
  }
  CHECK(worst < 1.5e-6);
}

TEST_CASE("quadrants meet where they should") {
  const auto check = [](uint32_t bits, double sin, double cos) {
    const SinCos actual = SinCosFromBits(bits);
    CHECK((Tolerance{2e-7, 0}).Accepts(actual.sin, sin));
    CHECK((Tolerance{2e-7, 0}).Accepts(actual.cos, cos));
  };
  check(0, 0, 1);
  check(0x40000000u, 1, 0);
  check(0x80000000u, 0, -1);
  check(0xC0000000u, -1, 0);
  const double half = std::sqrt(0.5);
  for (const uint32_t around : {0x1FFFFFFFu, 0x20000000u, 0x20000001u}) check(around, half, half);
  for (const uint32_t around : {0x5FFFFFFFu, 0x60000000u}) check(around, half, -half);
  for (const uint32_t around : {0x9FFFFFFFu, 0xA0000000u}) check(around, -half, -half);
  for (const uint32_t around : {0xDFFFFFFFu, 0xE0000000u}) check(around, -half, half);
}

TEST_CASE("normal numbers have the moments and tails of the normal distribution") {
  constexpr int kCount = 1 << 20;
  double sum[4] = {};
  int beyond2 = 0, beyond4 = 0;
  float largest = 0;
  for (uint64_t i = 0; i < kCount; ++i) {
    const double value = DrawNormal(11, 12, 13, i);
    double power = 1;
    for (double& moment : sum) moment += power *= value;
    beyond2 += std::abs(value) > 2 ? 1 : 0;
    beyond4 += std::abs(value) > 4 ? 1 : 0;
    largest = std::max(largest, static_cast<float>(std::abs(value)));
  }
  // Four standard errors each.
  const double error = 4 / std::sqrt(double{kCount});
  CHECK(std::abs(sum[0] / kCount) < error);
  CHECK(std::abs(sum[1] / kCount - 1) < error * std::sqrt(2.0));
  CHECK(std::abs(sum[2] / kCount) < error * std::sqrt(15.0));
  CHECK(std::abs(sum[3] / kCount - 3) < error * std::sqrt(96.0));
  const auto expected = [](double beyond) { return kCount * std::erfc(beyond / std::sqrt(2.0)); };
  CHECK(std::abs(beyond2 - expected(2)) < 4 * std::sqrt(expected(2)));
  CHECK(std::abs(beyond4 - expected(4)) < 4 * std::sqrt(expected(4)));
  CHECK(largest <= 6.8f);
  CHECK(NormalFromBits(0, 0).first <= 6.8f);
  CHECK(NormalFromBits(0, 0).first > 6.7f);
  CHECK(NormalFromBits(kAllOnes, 0).first == 0);
}

TEST_CASE("streams, steps and seeds give different numbers") {
  std::set<uint32_t> first;
  for (uint32_t i = 0; i < 100; ++i) {
    first.insert(DrawBits(i, 0, 0, 0));
    first.insert(DrawBits(0, i, 0, 0));
    first.insert(DrawBits(0, 0, i, 0));
    first.insert(DrawBits(0, 0, uint64_t{i} << 32, 0));
    first.insert(DrawBits(uint64_t{i} << 32, 0, 0, 0));
  }
  CHECK(first.size() == 5 * 99 + 1);
}

}  // namespace
}  // namespace numeral
