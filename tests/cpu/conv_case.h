// A convolution with random operands, and what its products are.
#pragma once

#include <limits>
#include <random>
#include <vector>

#include "plan/ops.h"
#include "tests/catch.h"
#include "tests/tolerance.h"

namespace numeral::cpu {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

// The same for a seed, whatever tests ran before.
inline Floats RandomFloats(size_t count, uint32_t seed = 7) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> distribution(-1, 1);
  Floats values(count);
  for (float& value : values) value = distribution(engine);
  return values;
}

inline Floats NaNs(size_t count) { return Floats(count, std::numeric_limits<float>::quiet_NaN()); }

struct ConvCase {
  explicit ConvCase(const ConvGeometry& geometry)
      : g(geometry),
        image(RandomFloats(static_cast<size_t>(g.n * g.h * g.w * g.c), 1)),
        features(RandomFloats(static_cast<size_t>(g.n * g.p * g.q * g.k), 2)),
        weight(RandomFloats(static_cast<size_t>(g.k * g.r * g.s * g.c), 3)),
        bias(RandomFloats(static_cast<size_t>(g.k), 4)) {}

  // use(image element, weight element, features element) for every product of the convolution.
  template <typename Use>
  void ForEachProduct(const Use& use) const {
    for (int n = 0; n < g.n; ++n) {
      for (int p = 0; p < g.p; ++p) {
        for (int q = 0; q < g.q; ++q) {
          for (int r = 0; r < g.r; ++r) {
            for (int s = 0; s < g.s; ++s) {
              const int y = p * g.stride_h + r - g.pad_top, x = q * g.stride_w + s - g.pad_left;
              if (y < 0 || y >= g.h || x < 0 || x >= g.w) continue;
              for (int k = 0; k < g.k; ++k) {
                for (int c = 0; c < g.c; ++c) {
                  use(static_cast<size_t>(((n * g.h + y) * g.w + x) * g.c + c),
                      static_cast<size_t>(((k * g.r + r) * g.s + s) * g.c + c),
                      static_cast<size_t>(((n * g.p + p) * g.q + q) * g.k + k));
                }
              }
            }
          }
        }
      }
    }
  }

  ConvGeometry g;
  Floats image, features, weight, bias;
};

inline void RequireClose(const Floats& actual, const Doubles& expected,
                         const Tolerance& tolerance) {
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    if (tolerance.Accepts(actual[i], expected[i])) continue;
    INFO("element " << i << ": " << actual[i] << " instead of " << expected[i]);
    FAIL();
  }
}

// Features as frameworks count them.
inline ConvGeometry Geometry(int n, int h, int w, int c, int k, int r, int s, int stride, int begin,
                             int end) {
  return {n,
          h,
          w,
          c,
          k,
          (h + begin + end - r) / stride + 1,
          (w + begin + end - s) / stride + 1,
          r,
          s,
          stride,
          stride,
          begin,
          begin,
          end,
          end};
}

}  // namespace numeral::cpu
