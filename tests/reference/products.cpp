#include "tests/reference/activation.h"
#include "tests/reference/ops.h"
#include "util/error.h"

namespace numeral::reference {

namespace {

struct ConvViews {
  Images image, features, weight;  // weight is [k] of r x s x c
};

ConvViews ViewConv(const ConvGeometry& g, TensorId image, TensorId features, TensorId weight,
                   Store& store) {
  const ConvViews views{{store.F32(image), g.h, g.w, g.c},
                        {store.F32(features), g.p, g.q, g.k},
                        {store.F32(weight), g.r, g.s, g.c}};
  NUMERAL_CHECK(std::ssize(views.image.values) == int64_t{g.n} * g.h * g.w * g.c);
  NUMERAL_CHECK(std::ssize(views.features.values) == int64_t{g.n} * g.p * g.q * g.k);
  NUMERAL_CHECK(std::ssize(views.weight.values) == int64_t{g.k} * g.r * g.s * g.c);
  return views;
}

// Calls visit(n, p, q, y, x, r, s) for every feature pixel and every kernel tap that lies inside
// the image: all three convolution ops are sums over these.
template <typename Visit>
void ForEachTap(const ConvGeometry& g, const Visit& visit) {
  for (int n = 0; n < g.n; ++n) {
    for (int p = 0; p < g.p; ++p) {
      for (int q = 0; q < g.q; ++q) {
        for (int r = 0; r < g.r; ++r) {
          for (int s = 0; s < g.s; ++s) {
            const int y = p * g.stride_h - g.pad_top + r;
            const int x = q * g.stride_w - g.pad_left + s;
            if (y >= 0 && y < g.h && x >= 0 && x < g.w) visit(n, p, q, y, x, r, s);
          }
        }
      }
    }
  }
}

void Fill(std::span<double> values, double value) {
  for (double& element : values) element = value;
}

// values = act(values + bias), channels last.
void BiasAndActivate(std::span<double> values, std::span<const double> bias, int channels,
                     const Activation& activation) {
  NUMERAL_CHECK(bias.empty() || std::ssize(bias) == channels);
  for (size_t i = 0; i < values.size(); ++i) {
    const double shift = bias.empty() ? 0 : bias[i % bias.size()];
    values[i] = Activate(activation, values[i] + shift);
  }
}

}  // namespace

void Run(const ConvForward& op, Store& store) {
  const ConvGeometry& g = op.geometry;
  const auto [image, features, weight] = ViewConv(g, op.image, op.features, op.weight, store);
  Fill(features.values, 0);
  ForEachTap(g, [&](int n, int p, int q, int y, int x, int r, int s) {
    for (int k = 0; k < g.k; ++k) {
      double sum = 0;
      for (int c = 0; c < g.c; ++c) sum += image(n, y, x, c) * weight(k, r, s, c);
      features(n, p, q, k) += sum;
    }
  });
  BiasAndActivate(features.values, store.F32(op.bias), g.k, op.activation);
}

void Run(const ConvBackwardData& op, Store& store) {
  const ConvGeometry& g = op.geometry;
  const auto [image, features, weight] = ViewConv(g, op.image, op.features, op.weight, store);
  Fill(image.values, 0);
  ForEachTap(g, [&](int n, int p, int q, int y, int x, int r, int s) {
    for (int k = 0; k < g.k; ++k) {
      for (int c = 0; c < g.c; ++c) {
        image(n, y, x, c) += features(n, p, q, k) * weight(k, r, s, c);
      }
    }
  });
}

void Run(const ConvBackwardWeight& op, Store& store) {
  const ConvGeometry& g = op.geometry;
  const auto [image, features, grad_weight] =
      ViewConv(g, op.image, op.features, op.grad_weight, store);
  BeginGradient(grad_weight.values, op.mode);
  ForEachTap(g, [&](int n, int p, int q, int y, int x, int r, int s) {
    for (int k = 0; k < g.k; ++k) {
      for (int c = 0; c < g.c; ++c) {
        grad_weight(k, r, s, c) += features(n, p, q, k) * image(n, y, x, c);
      }
    }
  });
}

namespace {

// A matrix of `cols` columns in row-major order.
struct Matrix {
  std::span<double> values;
  int cols;
  double& operator()(int row, int col) const {
    return values[static_cast<size_t>(int64_t{row} * cols + col)];
  }
};

Matrix ViewMatrix(TensorId id, int rows, int cols, Store& store) {
  const Matrix matrix{store.F32(id), cols};
  NUMERAL_CHECK(std::ssize(matrix.values) == int64_t{rows} * cols);
  return matrix;
}

}  // namespace

void Run(const DenseForward& op, Store& store) {
  const Matrix x = ViewMatrix(op.x, op.n, op.in, store);
  const Matrix weight = ViewMatrix(op.weight, op.out, op.in, store);
  const Matrix y = ViewMatrix(op.y, op.n, op.out, store);
  for (int n = 0; n < op.n; ++n) {
    for (int o = 0; o < op.out; ++o) {
      y(n, o) = 0;
      for (int i = 0; i < op.in; ++i) y(n, o) += x(n, i) * weight(o, i);
    }
  }
  BiasAndActivate(y.values, store.F32(op.bias), op.out, op.activation);
}

void Run(const DenseBackwardData& op, Store& store) {
  const Matrix grad_y = ViewMatrix(op.grad_y, op.n, op.out, store);
  const Matrix weight = ViewMatrix(op.weight, op.out, op.in, store);
  const Matrix grad_x = ViewMatrix(op.grad_x, op.n, op.in, store);
  for (int n = 0; n < op.n; ++n) {
    for (int i = 0; i < op.in; ++i) {
      grad_x(n, i) = 0;
      for (int o = 0; o < op.out; ++o) grad_x(n, i) += grad_y(n, o) * weight(o, i);
    }
  }
}

void Run(const DenseBackwardWeight& op, Store& store) {
  const Matrix x = ViewMatrix(op.x, op.n, op.in, store);
  const Matrix grad_y = ViewMatrix(op.grad_y, op.n, op.out, store);
  const Matrix grad_weight = ViewMatrix(op.grad_weight, op.out, op.in, store);
  BeginGradient(grad_weight.values, op.mode);
  for (int n = 0; n < op.n; ++n) {
    for (int o = 0; o < op.out; ++o) {
      for (int i = 0; i < op.in; ++i) grad_weight(o, i) += grad_y(n, o) * x(n, i);
    }
  }
}

// Weights have no working copies here.
void Run(const PrepareWeight&, Store&) {}

}  // namespace numeral::reference
