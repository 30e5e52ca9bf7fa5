// The way between two latents, against directions and lengths taken apart in long double.
#include "inference/interpolation.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/util/expect_error.h"
#include "util/random.h"

namespace numeral {
namespace {

using Latent = std::vector<float>;
using Exact = std::vector<long double>;

long double Dot(const Exact& a, const Exact& b) {
  long double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

long double Length(const Exact& a) { return std::sqrt(Dot(a, a)); }

// Stable for small and large angles alike (Kahan).
long double Angle(const Exact& a, const Exact& b) {
  Exact sum, difference;
  for (size_t i = 0; i < a.size(); ++i) {
    sum.push_back(a[i] / Length(a) + b[i] / Length(b));
    difference.push_back(a[i] / Length(a) - b[i] / Length(b));
  }
  return 2 * std::atan2(Length(difference), Length(sum));
}

Exact Row(const Latent& path, size_t row, size_t size) {
  return {path.begin() + static_cast<int64_t>(row * size),
          path.begin() + static_cast<int64_t>((row + 1) * size)};
}

Latent Random(uint64_t seed, size_t size, float scale) {
  Latent latent;
  for (size_t i = 0; i < size; ++i) latent.push_back(scale * DrawNormal(seed, 1, 0, i));
  return latent;
}

// Turns `from` by a share of the angle in the plane of both; the length changes evenly.
Exact Expected(const Latent& from, const Latent& to, long double t) {
  const Exact a(from.begin(), from.end()), b(to.begin(), to.end());
  Exact across;  // of the plane, at a right angle to `from`
  const long double share = Dot(a, b) / Dot(a, a);
  for (size_t i = 0; i < a.size(); ++i) across.push_back(b[i] - share * a[i]);
  const long double turned = t * Angle(a, b), side = Length(across), ahead = Length(a);
  const long double length = (1 - t) * Length(a) + t * Length(b);
  Exact point;
  for (size_t i = 0; i < a.size(); ++i) {
    point.push_back(length *
                    (std::cos(turned) * a[i] / ahead + std::sin(turned) * across[i] / side));
  }
  return point;
}

}  // namespace

TEST_CASE("latents go over along the circle between them", "[inference]") {
  struct Case {
    size_t size;
    float from_scale, to_scale;
    int steps;
  };
  for (const auto& [size, from_scale, to_scale, steps] :
       {Case{100, 1, 1, 12}, Case{2, 1, 1, 7}, Case{3, 0.01f, 30, 9}, Case{64, 1.3f, 0.8f, 2},
        Case{5, 2, 1, 3}, Case{2, 1, 1, 1000}}) {
    INFO(size << " numbers, " << from_scale << " to " << to_scale);
    const Latent from = Random(3, size, from_scale), to = Random(size + 11, size, to_scale);
    const Latent path = Interpolate(from, to, steps);
    REQUIRE(path.size() == size * static_cast<size_t>(steps));
    CHECK(Latent(path.begin(), path.begin() + static_cast<int64_t>(size)) == from);
    CHECK(Latent(path.end() - static_cast<int64_t>(size), path.end()) == to);

    const long double angle = Angle({from.begin(), from.end()}, {to.begin(), to.end()});
    long double shorter = Length({from.begin(), from.end()});
    const bool grows = Length({to.begin(), to.end()}) > shorter;
    for (int step = 0; step < steps; ++step) {
      const Exact point = Row(path, static_cast<size_t>(step), size);
      const Exact expected = Expected(from, to, static_cast<long double>(step) / (steps - 1));
      for (size_t i = 0; i < size; ++i) {
        CHECK(std::abs(point[i] - expected[i]) <= 1e-6L * Length(expected));
      }
      if (step == 0) continue;
      const Exact before = Row(path, static_cast<size_t>(step) - 1, size);
      CHECK(std::abs(Angle(before, point) - angle / (steps - 1)) < 1e-6L);
      CHECK((grows ? Length(point) - Length(before) : Length(before) - Length(point)) >
            -1e-6L * Length(point));
    }
  }
}

TEST_CASE("opposite, parallel and zero latents go over in a straight line", "[inference]") {
  const Latent one{3, 0, -4};
  const auto middle = [](const Latent& from, const Latent& to) {
    const Latent path = Interpolate(from, to, 5);
    REQUIRE(path.size() == 15);
    CHECK(Latent(path.begin(), path.begin() + 3) == from);
    CHECK(Latent(path.end() - 3, path.end()) == to);
    for (size_t step = 0; step < 5; ++step) {
      for (size_t i = 0; i < 3; ++i) {
        const float t = static_cast<float>(step) / 4;
        CHECK(path[3 * step + i] == Approx((1 - t) * from[i] + t * to[i]).margin(1e-6));
      }
    }
    return Latent(path.begin() + 6, path.begin() + 9);
  };
  CHECK(middle(one, one) == one);
  CHECK(middle(one, {6, 0, -8}) == Latent{4.5f, 0, -6});
  CHECK(middle(one, {-3, 0, 4}) == Latent{0, 0, 0});
  CHECK(middle(one, {-9, 0, 12}) == Latent{-3, 0, 4});
  CHECK(middle(one, {0, 0, 0}) == Latent{1.5f, 0, -2});
  CHECK(middle({0, 0, 0}, one) == Latent{1.5f, 0, -2});
  CHECK(middle({0, 0, 0}, {0, 0, 0}) == Latent{0, 0, 0});
  // So nearly opposite that the circle is a matter of rounding: nothing runs away.
  for (const float bend : {1e-3f, 1e-5f, 1e-7f}) {
    for (const float value : Interpolate(Latent{1, 0}, Latent{-2, bend}, 50)) {
      CHECK(std::abs(value) <= 2.001f);
    }
  }
  MessageOf(ErrorKind::kFailure, [&] { Interpolate(one, one, 1); });
  MessageOf(ErrorKind::kFailure, [&] { Interpolate(one, Latent{1, 2}, 3); });
}

}  // namespace numeral
