#include "tests/support/op_cases.h"

#include <fmt/format.h>

#include <iterator>

namespace numeral {

const std::vector<Activation>& AllActivations() {
  static const std::vector<Activation> activations = {{ActivationKind::kIdentity},
                                                      {ActivationKind::kLeakyRelu, 0.0f},
                                                      {ActivationKind::kLeakyRelu, 0.2f},
                                                      {ActivationKind::kTanh},
                                                      {ActivationKind::kSigmoid}};
  return activations;
}

std::string Describe(const Activation& activation) {
  switch (activation.kind) {
    case ActivationKind::kIdentity:
      return "identity";
    case ActivationKind::kLeakyRelu:
      return fmt::format("leaky_relu({})", activation.slope);
    case ActivationKind::kTanh:
      return "tanh";
    case ActivationKind::kSigmoid:
      return "sigmoid";
  }
  return "";
}

std::vector<OpCase> AllCases() {
  std::vector<OpCase> all;
  for (const auto family :
       {SourceCases, ConvCases, DenseCases, BiasActCases, BatchNormCases, BinaryCases, PoolCases,
        RearrangeCases, LossCases, UpdateCases, ConvertCases}) {
    std::vector<OpCase> cases = family();
    std::move(cases.begin(), cases.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace numeral
