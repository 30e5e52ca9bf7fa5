// How far a result may be from the reference: |actual - expected| <= atol + rtol * |expected|.
//
// One table for all tests. Inputs of the op cases are of size 1, so atol is in units of the inputs;
// one rounding of an fp32 number of size 1 is 6e-8.
#pragma once

#include <cmath>

namespace numeral {

struct Tolerance {
  double atol = 0, rtol = 0;

  // A positive condition: NaN and infinity never pass, not even against themselves.
  bool Accepts(double actual, double expected) const {
    return std::isfinite(actual) && std::isfinite(expected) &&
           std::abs(actual - expected) <= atol + rtol * std::abs(expected);
  }
};

namespace tolerance {

// Moved, chosen, drawn or counted, not computed; also fp32 arithmetic that random.h pins to the
// bit.
inline constexpr Tolerance kExact{0, 0};
// At most a handful of roundings per element; fused multiply-add is allowed to save one of them.
inline constexpr Tolerance kElementwise{2e-7, 5e-7};
// tanh and exp of vector libraries are good to a few units in the last place, their arguments to
// one.
inline constexpr Tolerance kTranscendental{2e-6, 1e-5};
// Sums of up to some thousand terms of size 1 in any order; partial sums reach about 50.
inline constexpr Tolerance kSum{2e-5, 1e-5};
// Convolutions and products: sums as above of terms with a rounding each.
inline constexpr Tolerance kProduct{2e-5, 1e-5};
// Batch norm: differences from a rounded mean, divided by a rounded deviation, summed again
// backward.
inline constexpr Tolerance kStatistics{3e-5, 3e-5};
// Batch norm of values 100 times larger than their deviation: the mean's own rounding is 4e-6
// there. The difference of squares E[x^2] - E[x]^2 loses everything to 6e-4 and does not pass.
inline constexpr Tolerance kLargeMean{2e-4, 1e-4};
// Logarithms and exponentials of logits up to 50 in size, averaged over a batch.
inline constexpr Tolerance kLoss{2e-6, 1e-5};
// Square root, division and a step of size 1e-3 on parameters of size 1.
inline constexpr Tolerance kUpdate{2e-7, 2e-6};

// A result stored as bf16, relative: half of the last of its eight digits.
inline constexpr double kBf16Rounding = 0x1p-8;
// A sum of size up to 16 that is rounded so before it is added to another number.
inline constexpr double kBf16Addend = 16 * 0x1p-8;

// Hand-computed values against arithmetic in double, written down with about ten digits.
inline constexpr Tolerance kByHand{1e-9, 1e-9};
// Central differences with a step of 1e-5 in double: the third derivative leaves about 1e-10, the
// rounding of a sum of size 10 about 1e-10 more.
inline constexpr Tolerance kFiniteDifference{1e-7, 1e-6};
// Central differences through whole networks with a step of 1e-6, which few kinks of ReLU and max
// pool lie within: rounding of the loss leaves about 1e-9, the kinks less than the rest.
inline constexpr Tolerance kNetworkDifference{2e-7, 2e-5};
// Two orders of the same sums in double, amplified by the steps of Adam on gradients near zero.
inline constexpr Tolerance kSamePlan{1e-9, 1e-7};

// Losses over ten training steps in single precision against double: PyTorch's own float32 is
// within 1.4e-5 relative of its float64 on the same goldens.
inline constexpr Tolerance kTenSteps{2e-5, 1e-4};
// First gradients, as a share of a tensor's mean size: PyTorch's float32 reaches 6e-5. The absolute
// part is for biases in front of a batch norm, whose gradient is rounding alone.
inline constexpr double kGoldenGradientAtol = 1e-6, kGoldenGradientShare = 3e-4;
// Gradients of a second step by two engines: weights differ by what Adam makes of gradients near
// zero, so whole tensors are a few times further apart than in the first.
inline constexpr double kSecondStepShare = 1e-2;
// Losses of two steps with activations and products in bf16 (8 bits), against fp32.
inline constexpr double kBf16Metrics = 3e-2;
// The same of ten steps, in which a GAN's two networks drive each other's weights apart.
inline constexpr double kBf16TenSteps = 1e-1;
// Weights after ten steps: a gradient near zero may change its sign with the rounding, and Adam
// then steps by a learning rate (1e-4 .. 4e-3) the other way.
inline constexpr double kGoldenWeightAtol = 2e-3;

}  // namespace tolerance
}  // namespace numeral
