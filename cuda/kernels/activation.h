// The activations of plan/ops.h as functors of kernels: NaN goes through, and the derivative is
// read off the result.
//
// tanhf and expf are CUDA's own, within two units in the last place. Launchers choose the functor
// (WithActivation), so that no loop asks for the kind.
#pragma once

#include "cuda/support/simt.h"
#include "plan/ops.h"

namespace numeral::cuda {

struct Identity {
  static constexpr bool kReadsResult = false;
  __device__ float operator()(float x) const { return x; }
  __device__ float Derivative(float) const { return 1; }
};

struct LeakyRelu {
  static constexpr bool kReadsResult = true;
  float slope;
  // ReLU of minus infinity is 0, which slope * x is not.
  __device__ float operator()(float x) const {
    const float below = slope == 0 && x == x ? 0.0f : slope * x;
    return x > 0 ? x : below;
  }
  // As in PyTorch, at 0 it is the slope.
  __device__ float Derivative(float y) const { return y > 0 ? 1.0f : slope; }
};

struct Tanh {
  static constexpr bool kReadsResult = true;
  __device__ float operator()(float x) const { return tanhf(x); }
  __device__ float Derivative(float y) const { return fmaf(-y, y, 1.0f); }
};

struct Sigmoid {
  static constexpr bool kReadsResult = true;
  __device__ float operator()(float x) const { return 1 / (1 + expf(-x)); }
  __device__ float Derivative(float y) const { return y * (1 - y); }
};

// Any of them, told apart at each call: for kernels with little else to do per element than to
// wait.
struct AnyActivation {
  static constexpr bool kReadsResult = true;
  Activation activation;

  __device__ float operator()(float x) const {
    switch (activation.kind) {
      case ActivationKind::kLeakyRelu:
        return LeakyRelu{activation.slope}(x);
      case ActivationKind::kTanh:
        return Tanh()(x);
      case ActivationKind::kSigmoid:
        return Sigmoid()(x);
      default:
        return x;
    }
  }
  __device__ float Derivative(float y) const {
    switch (activation.kind) {
      case ActivationKind::kLeakyRelu:
        return LeakyRelu{activation.slope}.Derivative(y);
      case ActivationKind::kTanh:
        return Tanh().Derivative(y);
      case ActivationKind::kSigmoid:
        return Sigmoid().Derivative(y);
      default:
        return 1;
    }
  }
};

// use(functor), with the functor's type known at compile time.
template <typename Use>
void WithActivation(const Activation& activation, const Use& use) {
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
  FailRequirement("activation");
}

}  // namespace numeral::cuda
