// Products of bf16 planes against sums in double, whether or not the engine uses them here.
#include "cpu/plane_product.h"

#include <cmath>
#include <random>

#include "cpu/dft_planes.h"
#include "cpu/vector.h"
#include "tests/catch.h"

namespace numeral::cpu::dft {
namespace {

constexpr float kGuard = 12345;

// Aligned to 64 bytes from its first element on, with a vector of NaN behind.
template <typename T>
class Aligned {
 public:
  explicit Aligned(int64_t count)
      : count_(count), all_(static_cast<size_t>(count) + 64 + 16, T(NAN)) {}
  T* data() {
    const auto address = reinterpret_cast<uintptr_t>(all_.data());
    return all_.data() + (64 - address % 64) % 64 / sizeof(T);
  }
  int64_t count() const { return count_; }
  T& operator[](int64_t i) { return data()[i]; }

 private:
  int64_t count_;
  std::vector<T> all_;
};

Aligned<Bf16> RandomBf16(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> distribution(-1, 1);
  Aligned<Bf16> values(count);
  for (int64_t i = 0; i < count; ++i) values[i] = distribution(engine);
  return values;
}

void Check(const PlaneProduct& p, bool stream) {
  INFO(p.m << " x " << p.n << " x " << p.k << (p.transpose_a ? ", transposed" : "")
           << (p.add ? ", added" : "") << (stream ? ", past the caches" : ""));
  Aligned<Bf16> a = RandomBf16(int64_t{p.m} * p.k, 1), b = RandomBf16(int64_t{p.k} * p.n, 2);
  Aligned<float> result(int64_t{p.m} * p.n), scratch(ProductScratchElems(p));
  if (p.add) {
    for (int64_t i = 0; i < result.count(); ++i) result[i] = static_cast<float>(i % 7);
  }
  for (int64_t i = 0; i < GroupChannels(); ++i) {
    result.data()[result.count() + i] = kGuard;
    scratch.data()[scratch.count() + i] = kGuard;
  }
  MultiplyPlane(p, {a.data(), b.data(), nullptr, nullptr}, result.data(), stream, scratch.data());
  FinishStreams();
  for (int i = 0; i < p.m; ++i) {
    for (int j = 0; j < p.n; ++j) {
      const int64_t at = int64_t{i} * p.n + j;
      double expected = p.add ? static_cast<double>(at % 7) : 0, size = expected;
      for (int k = 0; k < p.k; ++k) {
        const float of_a = p.transpose_a ? a[int64_t{k} * p.m + i] : a[int64_t{i} * p.k + k];
        const double product = double{of_a} * b[int64_t{k} * p.n + j];
        expected += product;
        size += std::fabs(product);
      }
      // fp32 sums of pairs, one after the other.
      REQUIRE(std::fabs(result[at] - expected) <= 1e-7 * (p.k / 2 + 2) * size);
    }
  }
  for (int64_t i = 0; i < GroupChannels(); ++i) {
    REQUIRE(result.data()[result.count() + i] == kGuard);
    REQUIRE(scratch.data()[scratch.count() + i] == kGuard);
  }
}

TEST_CASE("products of planes for any rows, columns and sums") {
  const int group = GroupChannels();
  for (const bool transpose : {false, true}) {
    for (int m = 1; m <= 31; ++m) Check({transpose, m, 2 * group, 6, false}, false);
    for (const int m : {1, 14, 15, 45}) {
      for (const int groups : {1, 2, 3, 5, 8}) {
        for (const int k : {2, 16, 34}) {
          for (const bool add : {false, true}) {
            for (const bool stream : {false, true}) {
              Check({transpose, m, groups * group, k, add}, stream);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("products of planes over an odd number of images") {
  for (const int k : {1, 3, 17}) Check({true, 29, 3 * GroupChannels(), k, false}, false);
}

TEST_CASE("products of planes pass NaN and infinity on, each in its row or column") {
  const PlaneProduct p{false, 20, 3 * GroupChannels(), 8, false};
  Aligned<Bf16> a = RandomBf16(int64_t{p.m} * p.k, 1), b = RandomBf16(int64_t{p.k} * p.n, 2);
  a[3 * p.k + 5] = NAN;
  const int infinite = GroupChannels() + 1;
  b[6 * p.n + infinite] = INFINITY;
  Aligned<float> result(int64_t{p.m} * p.n), scratch(ProductScratchElems(p));
  MultiplyPlane(p, {a.data(), b.data(), nullptr, nullptr}, result.data(), false, scratch.data());
  for (int i = 0; i < p.m; ++i) {
    for (int j = 0; j < p.n; ++j) {
      const float value = result[int64_t{i} * p.n + j];
      REQUIRE(std::isnan(value) == (i == 3));
      if (i != 3) REQUIRE(std::isinf(value) == (j == infinite));
    }
  }
}

}  // namespace
}  // namespace numeral::cpu::dft
