// The activations of plan/ops.h in double.
#pragma once

#include <cmath>

#include "plan/ops.h"

namespace numeral::reference {

inline double Activate(const Activation& activation, double x) {
  switch (activation.kind) {
    case ActivationKind::kIdentity:
      return x;
    case ActivationKind::kLeakyRelu:
      if (x > 0) return x;
      // Not slope * x for ReLU: minus infinity has the value 0, and NaN stays NaN.
      if (activation.slope == 0 && !std::isnan(x)) return 0;
      return activation.slope * x;
    case ActivationKind::kTanh:
      return std::tanh(x);
    case ActivationKind::kSigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return std::nan("");
}

// The derivative where the activation's value is y.
inline double DerivativeAt(const Activation& activation, double y) {
  switch (activation.kind) {
    case ActivationKind::kIdentity:
      return 1;
    case ActivationKind::kLeakyRelu:
      return y > 0 ? 1 : activation.slope;
    case ActivationKind::kTanh:
      return 1 - y * y;
    case ActivationKind::kSigmoid:
      return y * (1 - y);
  }
  return std::nan("");
}

}  // namespace numeral::reference
