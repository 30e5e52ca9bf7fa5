// Operands of dense layers, and their three products by naive loops.
#pragma once

#include <array>

#include "cuda/lib/product.h"
#include "tests/emulator/device_tensor.h"

namespace numeral::cuda {

// Row-major operands, and what a pass makes of them.
struct Dense {
  int n, in, out;
  std::vector<double> x, weight, grad_y;

  size_t InputElems() const { return static_cast<size_t>(n) * static_cast<size_t>(in); }
  size_t OutputElems() const { return static_cast<size_t>(n) * static_cast<size_t>(out); }
  size_t WeightElems() const { return static_cast<size_t>(in) * static_cast<size_t>(out); }
};

template <typename T>
Dense MakeDense(int n, int in, int out) {
  Dense dense{n, in, out, {}, {}, {}};
  dense.x = RandomValues<T>(dense.InputElems(), 1);
  dense.weight = RandomValues<T>(dense.WeightElems(), 2);
  dense.grad_y = RandomValues<T>(dense.OutputElems(), 3);
  return dense;
}

inline std::vector<double> Expected(const Dense& dense, ProductPass pass, double initial = 0) {
  const auto at = [](const std::vector<double>& values, int row, int columns, int column) {
    return values[static_cast<size_t>(row) * static_cast<size_t>(columns) +
                  static_cast<size_t>(column)];
  };
  std::vector<double> result;
  const auto [n, in, out] = std::array{dense.n, dense.in, dense.out};
  if (pass == ProductPass::kForward) {
    for (int row = 0; row < n; ++row) {
      for (int o = 0; o < out; ++o) {
        double sum = 0;
        for (int i = 0; i < in; ++i) sum += at(dense.x, row, in, i) * at(dense.weight, o, in, i);
        result.push_back(sum);
      }
    }
  } else if (pass == ProductPass::kBackwardData) {
    for (int row = 0; row < n; ++row) {
      for (int i = 0; i < in; ++i) {
        double sum = 0;
        for (int o = 0; o < out; ++o) {
          sum += at(dense.grad_y, row, out, o) * at(dense.weight, o, in, i);
        }
        result.push_back(sum);
      }
    }
  } else {
    for (int o = 0; o < out; ++o) {
      for (int i = 0; i < in; ++i) {
        double sum = initial;
        for (int row = 0; row < n; ++row) {
          sum += at(dense.grad_y, row, out, o) * at(dense.x, row, in, i);
        }
        result.push_back(sum);
      }
    }
  }
  return result;
}

}  // namespace numeral::cuda
