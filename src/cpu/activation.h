// Activations as functors that vectorise: no branches, no library calls, NaN propagates.
//
// Derivative(y) is read off the result. tanh and sigmoid are within 2e-7 of the true value, for
// every finite or infinite argument.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "plan/ops.h"
#include "util/error.h"

namespace numeral::cpu {

// condition ? yes : no on the bits. With `?:` the compiler moves the arithmetic that makes a value
// into the branch that uses it, and then, unless vectors have masks, leaves the loop scalar: an
// operation not asked for might raise a floating-point exception.
inline float Select(bool condition, float yes, float no) {
  const uint32_t mask = -static_cast<uint32_t>(condition);
  return std::bit_cast<float>((std::bit_cast<uint32_t>(yes) & mask) |
                              (std::bit_cast<uint32_t>(no) & ~mask));
}

// e^x as (1 + minus_one) * scale for |x| <= 88, with scale a power of two: parts that the callers
// combine without cancellation. Range reduction by Cody & Waite, polynomial of Cephes expf
// (Moshier).
struct ExpParts {
  float minus_one, scale;
};
inline ExpParts SplitExp(float x) {
  constexpr float kRound = 0x1.8p23f;  // adding it leaves the nearest integer in the low bits
  const float shifted = std::fma(x, 1.44269504f, kRound);
  const float n = shifted - kRound;
  const float r = std::fma(n, 2.12194440e-4f, std::fma(n, -0.693359375f, x));
  float p = 1.9875691500e-4f;
  p = std::fma(p, r, 1.3981999507e-3f);
  p = std::fma(p, r, 8.3334519073e-3f);
  p = std::fma(p, r, 4.1665795894e-2f);
  p = std::fma(p, r, 1.6666665459e-1f);
  p = std::fma(p, r, 5.0000001201e-1f);
  const uint32_t exponent = (std::bit_cast<uint32_t>(shifted) + 127) << 23;
  return {std::fma(p, r * r, r), std::bit_cast<float>(exponent)};
}

struct Identity {
  static constexpr bool kReadsResult = false;
  float operator()(float x) const { return x; }
  float Derivative(float) const { return 1; }
};

struct LeakyRelu {
  static constexpr bool kReadsResult = true;
  float slope;
  float operator()(float x) const { return Select(x > 0, x, slope * x); }
  // As in PyTorch, at 0 it is the slope.
  float Derivative(float y) const { return Select(y > 0, 1, slope); }
};

struct Tanh {
  static constexpr bool kReadsResult = true;
  // With e = exp(2|x|) - 1, tanh |x| = e / (e + 2): exact near 0. Beyond 9.1 it rounds to 1.
  float operator()(float x) const {
    const float size = std::fabs(x);
    const ExpParts exp = SplitExp(2 * Select(size > 9.1f, 9.1f, size));
    const float e = std::fma(exp.minus_one, exp.scale, exp.scale - 1);
    return std::copysign(e / (e + 2), x);
  }
  float Derivative(float y) const { return std::fma(-y, y, 1.0f); }
};

struct Sigmoid {
  static constexpr bool kReadsResult = true;
  float operator()(float x) const {
    const float above = Select(x > 88, 88, x);
    const ExpParts exp = SplitExp(-Select(above < -88, -88, above));
    return 1 / (1 + std::fma(exp.minus_one, exp.scale, exp.scale));
  }
  float Derivative(float y) const { return y * (1 - y); }
};

// use(functor), with the functor's type known at compile time.
template <typename Use>
auto WithActivation(const Activation& activation, const Use& use) {
  switch (activation.kind) {
    case ActivationKind::kIdentity:
      return use(Identity{});
    case ActivationKind::kLeakyRelu:
      return use(LeakyRelu{activation.slope});
    case ActivationKind::kTanh:
      return use(Tanh{});
    case ActivationKind::kSigmoid:
      return use(Sigmoid{});
  }
  Fail("internal error: unknown activation");
}

}  // namespace numeral::cpu
