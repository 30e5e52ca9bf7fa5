#include <cmath>

#include "tests/reference/ops.h"
#include "util/error.h"

namespace numeral::reference {

namespace {

// Whether a candidate takes the place of the maximum so far: the first of equals stays, NaN beats
// numbers and is never beaten.
bool Beats(double candidate, double best) {
  return candidate > best || (std::isnan(candidate) && !std::isnan(best));
}

}  // namespace

void Run(const MaxPoolForward& op, Store& store) {
  const PoolGeometry& g = op.geometry;
  const Images x = store.AsImages(op.x);
  const Images y = store.AsImages(op.y);
  const auto argmax = store.Integers(op.argmax);
  NUMERAL_CHECK(x.c == y.c && store.rows(op.x) == store.rows(op.y));
  size_t output = 0;
  for (int n = 0; n < store.rows(op.y); ++n) {
    for (int p = 0; p < y.h; ++p) {
      for (int q = 0; q < y.w; ++q) {
        for (int c = 0; c < y.c; ++c, ++output) {
          int winner = -1;
          double best = 0;
          for (int r = 0; r < g.r; ++r) {
            for (int s = 0; s < g.s; ++s) {
              const int i = p * g.stride_h - g.pad_top + r;
              const int j = q * g.stride_w - g.pad_left + s;
              if (i < 0 || i >= x.h || j < 0 || j >= x.w) continue;
              const double value = x(n, i, j, c);
              if (winner >= 0 && !Beats(value, best)) continue;
              winner = i * x.w + j;
              best = value;
            }
          }
          NUMERAL_CHECK(winner >= 0);  // a window of padding alone has no maximum
          y.values[output] = best;
          if (!argmax.empty()) argmax[output] = winner;
        }
      }
    }
  }
}

void Run(const MaxPoolBackward& op, Store& store) {
  const Images grad_y = store.AsImages(op.grad_y);
  const Images grad_x = store.AsImages(op.grad_x);
  const auto argmax = store.Integers(op.argmax);
  NUMERAL_CHECK(argmax.size() == grad_y.values.size());
  BeginGradient(grad_x.values, op.mode);
  const int row_elems = grad_y.h * grad_y.w * grad_y.c;
  for (size_t i = 0; i < argmax.size(); ++i) {
    const auto winner = static_cast<int>(argmax[i]);
    NUMERAL_CHECK(winner >= 0 && winner < grad_x.h * grad_x.w);
    const auto output = static_cast<int>(i);
    grad_x(output / row_elems, winner / grad_x.w, winner % grad_x.w, output % grad_y.c) +=
        grad_y.values[i];
  }
}

void Run(const GlobalMaxPoolForward& op, Store& store) {
  const Images x = store.AsImages(op.x);
  const auto y = store.F32(op.y);
  const auto argmax = store.Integers(op.argmax);
  NUMERAL_CHECK(std::ssize(y) == store.rows(op.x) * x.c);
  for (int n = 0; n < store.rows(op.x); ++n) {
    for (int c = 0; c < x.c; ++c) {
      int winner = 0;
      for (int pixel = 1; pixel < x.h * x.w; ++pixel) {
        if (Beats(x(n, 0, pixel, c), x(n, 0, winner, c))) winner = pixel;
      }
      const auto output = static_cast<size_t>(n * x.c + c);
      y[output] = x(n, 0, winner, c);
      if (!argmax.empty()) argmax[output] = winner;
    }
  }
}

void Run(const GlobalMaxPoolBackward& op, Store& store) {
  const auto grad_y = store.F32(op.grad_y);
  const Images grad_x = store.AsImages(op.grad_x);
  const auto argmax = store.Integers(op.argmax);
  NUMERAL_CHECK(argmax.size() == grad_y.size());
  BeginGradient(grad_x.values, op.mode);
  for (int n = 0; n < store.rows(op.grad_x); ++n) {
    for (int c = 0; c < grad_x.c; ++c) {
      const auto i = static_cast<size_t>(n * grad_x.c + c);
      NUMERAL_CHECK(argmax[i] >= 0 && argmax[i] < grad_x.h * grad_x.w);
      grad_x(n, 0, static_cast<int>(argmax[i]), c) += grad_y[i];
    }
  }
}

}  // namespace numeral::reference
