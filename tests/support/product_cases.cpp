#include <fmt/format.h>

#include "tests/support/op_cases.h"

namespace numeral {

namespace {

// Sides in the order of ConvGeometry: n h w c k p q r s, strides, pads top left bottom right.
const std::vector<ConvGeometry>& Geometries() {
  static const std::vector<ConvGeometry> geometries = {
      {1, 5, 5, 1, 1, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1},
      // Unequal sides, strides and pads.
      {2, 7, 5, 3, 17, 3, 5, 3, 2, 2, 1, 1, 0, 0, 1},
      {1, 11, 13, 5, 7, 6, 5, 4, 3, 2, 3, 2, 1, 3, 2},
      // "same" as TensorFlow pads it: one more at the end.
      {3, 28, 28, 1, 24, 14, 14, 5, 5, 2, 2, 1, 1, 2, 2},
      {2, 14, 14, 24, 17, 7, 7, 5, 5, 2, 2, 1, 1, 2, 2},
      {3, 13, 11, 17, 3, 13, 11, 1, 1, 1, 1, 0, 0, 0, 0},
      {5, 7, 7, 24, 17, 7, 7, 3, 3, 1, 1, 1, 1, 1, 1},
      {2, 8, 8, 8, 16, 4, 4, 4, 4, 2, 2, 1, 1, 1, 1},
      {3, 6, 6, 5, 7, 4, 4, 3, 3, 1, 1, 0, 0, 0, 0},
      // The first layer of a generator as a transposed convolution of one pixel.
      {3, 7, 7, 16, 11, 1, 1, 7, 7, 1, 1, 0, 0, 0, 0},
      // Pixels that no window reaches: stride beyond the kernel, and a last row left over.
      {2, 9, 9, 2, 5, 3, 3, 2, 2, 3, 3, 0, 0, 0, 0},
      {2, 8, 8, 3, 3, 3, 3, 3, 3, 2, 2, 0, 0, 0, 0},
      // Images enough for engines that split a batch.
      {19, 4, 5, 3, 6, 4, 5, 3, 3, 1, 1, 1, 1, 1, 1},
  };
  return geometries;
}

std::string Describe(const ConvGeometry& g) {
  return fmt::format("{}x{}x{}x{} to {}x{}x{}, {}x{} kernel, stride {},{}", g.n, g.h, g.w, g.c, g.p,
                     g.q, g.k, g.r, g.s, g.stride_h, g.stride_w);
}

struct ConvTensors {
  TensorId image, features, weight;
};
ConvTensors AddConv(OneOpPlan& plan, const ConvGeometry& g) {
  return {plan.Add("image", g.n, Shape::Spatial(g.h, g.w, g.c)),
          plan.Add("features", g.n, Shape::Spatial(g.p, g.q, g.k)),
          plan.Add("weight", g.k, Shape::Spatial(g.r, g.s, g.c))};
}

OpCase ConvForwardCase(const ConvGeometry& g, bool bias, const Activation& activation) {
  OneOpPlan plan;
  const ConvTensors t = AddConv(plan, g);
  const TensorId bias_id = bias ? plan.AddVector("bias", g.k) : kNoTensor;
  const ConvForward op{g, t.image, t.weight, bias_id, t.features, activation};
  return plan.Finish(
      fmt::format("{}{}, {}", Describe(g), bias ? ", bias" : "", Describe(activation)), op,
      tolerance::kProduct);
}

struct DenseSize {
  int n, in, out;
};
constexpr DenseSize kDenseSizes[] = {{1, 1, 1},  {1, 10, 64},  {3, 17, 5},  {7, 64, 1},
                                     {5, 3, 24}, {2, 100, 33}, {64, 37, 11}};

struct DenseTensors {
  TensorId x, y, weight;
};
DenseTensors AddDense(OneOpPlan& plan, const DenseSize& size) {
  return {plan.Add("x", size.n, Shape::Flat(size.in)), plan.Add("y", size.n, Shape::Flat(size.out)),
          plan.Add("weight", size.out, Shape::Flat(size.in))};
}

OpCase DenseForwardCase(const DenseSize& size, bool bias, const Activation& activation) {
  OneOpPlan plan;
  const DenseTensors t = AddDense(plan, size);
  const TensorId bias_id = bias ? plan.AddVector("bias", size.out) : kNoTensor;
  const DenseForward op{size.n, size.in, size.out, t.x, t.weight, bias_id, t.y, activation};
  return plan.Finish(fmt::format("{} rows, {} to {}{}, {}", size.n, size.in, size.out,
                                 bias ? ", bias" : "", Describe(activation)),
                     op, tolerance::kProduct);
}

}  // namespace

std::vector<OpCase> ConvCases() {
  std::vector<OpCase> cases;
  for (const ConvGeometry& g : Geometries()) {
    cases.push_back(ConvForwardCase(g, false, {}));
    cases.push_back(ConvForwardCase(g, true, {}));
    {
      OneOpPlan plan;
      const ConvTensors t = AddConv(plan, g);
      cases.push_back(plan.Finish(Describe(g), ConvBackwardData{g, t.features, t.weight, t.image},
                                  tolerance::kProduct));
    }
    for (const GradientMode mode : kBothModes) {
      OneOpPlan plan;
      const ConvTensors t = AddConv(plan, g);
      cases.push_back(plan.Finish(fmt::format("{}, {}", Describe(g), Describe(mode)),
                                  ConvBackwardWeight{g, t.image, t.features, t.weight, mode},
                                  tolerance::kProduct));
    }
  }
  for (const Activation& activation : AllActivations()) {
    if (activation == Activation{}) continue;
    cases.push_back(ConvForwardCase(Geometries()[1], true, activation));
    cases.push_back(ConvForwardCase(Geometries()[6], false, activation));
  }
  return cases;
}

std::vector<OpCase> DenseCases() {
  std::vector<OpCase> cases;
  for (const DenseSize& size : kDenseSizes) {
    const std::string name = fmt::format("{} rows, {} to {}", size.n, size.in, size.out);
    cases.push_back(DenseForwardCase(size, false, {}));
    for (const Activation& activation : AllActivations()) {
      cases.push_back(DenseForwardCase(size, true, activation));
    }
    {
      OneOpPlan plan;
      const DenseTensors t = AddDense(plan, size);
      cases.push_back(plan.Finish(name,
                                  DenseBackwardData{size.n, size.in, size.out, t.y, t.weight, t.x},
                                  tolerance::kProduct));
    }
    for (const GradientMode mode : kBothModes) {
      OneOpPlan plan;
      const DenseTensors t = AddDense(plan, size);
      cases.push_back(
          plan.Finish(fmt::format("{}, {}", name, Describe(mode)),
                      DenseBackwardWeight{size.n, size.in, size.out, t.x, t.y, t.weight, mode},
                      tolerance::kProduct));
    }
  }
  return cases;
}

}  // namespace numeral
