#include "util/permutation.h"

#include <cmath>
#include <vector>

#include "tests/catch.h"

namespace numeral {
namespace {

std::vector<uint64_t> All(uint64_t n, uint64_t epoch) {
  const Permutation permutation(n, 42, StreamId("shuffle"), epoch);
  std::vector<uint64_t> values;
  for (uint64_t i = 0; i < n; ++i) values.push_back(permutation(i));
  return values;
}

TEST_CASE("a permutation visits everything once") {
  for (const uint64_t n : {1, 2, 3, 10, 96, 60000, 60001, 65536}) {
    INFO(n);
    std::vector<bool> seen(n);
    uint64_t distinct = 0;
    for (const uint64_t value : All(n, 7)) {
      REQUIRE(value < n);
      distinct += seen[value] ? 0 : 1;
      seen[value] = true;
    }
    CHECK(distinct == n);
  }
}

TEST_CASE("every epoch has its own permutation, and the same one again") {
  CHECK(All(60000, 3) == All(60000, 3));
  const std::vector<uint64_t> a = All(60000, 3), b = All(60000, 4);
  int same = 0;
  for (size_t i = 0; i < a.size(); ++i) same += a[i] == b[i] ? 1 : 0;
  CHECK(same < 10);  // 1 is expected of two random ones
}

TEST_CASE("small permutations reach every order") {
  int orders[6] = {};
  constexpr int kEpochs = 6000;
  for (uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
    const std::vector<uint64_t> order = All(3, epoch);
    ++orders[order[0] * 2 + (order[1] > order[2] ? 1 : 0)];
  }
  for (const int count : orders) CHECK(std::abs(count - kEpochs / 6) < 5 * std::sqrt(kEpochs / 6));
}

TEST_CASE("elements move a third of the length on average, and neighbours part") {
  constexpr uint64_t kCount = 60000;
  const std::vector<uint64_t> values = All(kCount, 0);
  double displacement = 0, distance = 0;
  for (size_t i = 0; i < kCount; ++i) {
    displacement += std::abs(static_cast<double>(values[i]) - static_cast<double>(i));
    const uint64_t next = values[(i + 1) % kCount];
    distance += std::abs(static_cast<double>(values[i]) - static_cast<double>(next));
  }
  // The standard error of the mean displacement is sqrt(1/18 / n), about 0.001.
  CHECK(std::abs(displacement / kCount / kCount - 1.0 / 3) < 0.004);
  CHECK(std::abs(distance / kCount / kCount - 1.0 / 3) < 0.004);
}

}  // namespace
}  // namespace numeral
