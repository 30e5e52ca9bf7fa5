#include <cmath>

#include "tests/reference/activation.h"
#include "tests/reference/ops.h"
#include "util/error.h"
#include "util/random.h"

namespace numeral::reference {

namespace {

// Whether dropout drops element `feature` of a row: the stream is that of the last segment that
// begins at or before the row, and elements are counted from there.
bool Dropped(const BiasActForward& op, int64_t row, int64_t feature, int64_t row_elems,
             uint64_t seed, int64_t step) {
  const DropoutRows* segment = nullptr;
  for (const DropoutRows& candidate : op.dropout_rows) {
    if (candidate.first_row <= row) segment = &candidate;
  }
  NUMERAL_CHECK(segment != nullptr);
  const int64_t element = (row - segment->first_row) * row_elems + feature;
  return DrawBits(seed, segment->stream, static_cast<uint64_t>(step),
                  static_cast<uint64_t>(element)) < DropoutThreshold(op.dropout_rate);
}

}  // namespace

void Run(const BiasActForward& op, Store& store) {
  const auto x = store.F32(op.x);
  const auto y = store.F32(op.y);
  const auto bias = store.F32(op.bias);
  NUMERAL_CHECK(x.size() == y.size());
  NUMERAL_CHECK(bias.empty() || std::ssize(bias) == store.shape(op.x).c);
  const bool dropout = op.dropout_rate > 0;
  const int64_t step = dropout ? store.RunningStep(op.step) : 0;
  const int64_t row_elems = store.shape(op.x).Elems();
  for (size_t i = 0; i < x.size(); ++i) {
    const double shift = bias.empty() ? 0 : bias[i % bias.size()];
    const double value = Activate(op.activation, x[i] + shift);
    const auto element = static_cast<int64_t>(i);
    if (!dropout) {
      y[i] = value;
    } else if (Dropped(op, element / row_elems, element % row_elems, row_elems, store.plan().seed,
                       step)) {
      y[i] = -0.0;
    } else {
      // Adding +0.0 turns a kept -0.0 into the +0.0 that says "kept".
      y[i] = value / (1 - static_cast<double>(op.dropout_rate)) + 0.0;
    }
  }
}

void Run(const BiasActBackward& op, Store& store) {
  const auto y = store.F32(op.y);
  const auto grad_y = store.F32(op.grad_y);
  const auto grad_x = store.F32(op.grad_x);
  const auto grad_bias = store.F32(op.grad_bias);
  NUMERAL_CHECK(grad_x.size() == grad_y.size());
  NUMERAL_CHECK(y.empty() || y.size() == grad_y.size());
  NUMERAL_CHECK(grad_bias.empty() || std::ssize(grad_bias) == store.shape(op.grad_y).c);
  NUMERAL_CHECK(!y.empty() || (op.activation == Activation{} && op.dropout_rate == 0));
  const double keep = 1 - static_cast<double>(op.dropout_rate);
  BeginGradient(grad_bias, op.bias_mode);
  for (size_t i = 0; i < grad_y.size(); ++i) {
    const bool dropped = op.dropout_rate > 0 && y[i] == 0 && std::signbit(y[i]);
    const double derivative = y.empty() ? 1 : DerivativeAt(op.activation, y[i] * keep);
    grad_x[i] = dropped ? 0 : grad_y[i] * derivative / keep;
    if (!grad_bias.empty()) grad_bias[i % grad_bias.size()] += grad_x[i];
  }
}

void Run(const BinaryForward& op, Store& store) {
  const Images a = store.AsImages(op.a);
  const Images b = store.AsImages(op.b);
  const Images y = store.AsImages(op.y);
  NUMERAL_CHECK(y.values.size() == a.values.size() && a.c == b.c);
  NUMERAL_CHECK(op.spread ? b.h == 1 && b.w == 1 : b.values.size() == a.values.size());
  for (int n = 0; n < store.rows(op.a); ++n) {
    for (int i = 0; i < a.h; ++i) {
      for (int j = 0; j < a.w; ++j) {
        for (int c = 0; c < a.c; ++c) {
          const double left = a(n, i, j, c);
          const double right = op.spread ? b(n, 0, 0, c) : b(n, i, j, c);
          y(n, i, j, c) = op.kind == BinaryKind::kAdd ? left + right : left * right;
        }
      }
    }
  }
}

void Run(const BinaryBackward& op, Store& store) {
  const Images grad_y = store.AsImages(op.grad_y);
  const Images grad_x = store.AsImages(op.grad_x);
  const bool multiply = op.kind == BinaryKind::kMultiply;
  const Images other = multiply ? store.AsImages(op.other) : Images{};
  NUMERAL_CHECK(op.reduce ? grad_x.h == 1 && grad_x.w == 1 && grad_x.c == grad_y.c
                          : grad_x.values.size() == grad_y.values.size());
  BeginGradient(grad_x.values, op.mode);
  for (int n = 0; n < store.rows(op.grad_y); ++n) {
    for (int i = 0; i < grad_y.h; ++i) {
      for (int j = 0; j < grad_y.w; ++j) {
        for (int c = 0; c < grad_y.c; ++c) {
          double value = grad_y(n, i, j, c);
          if (multiply) value *= op.spread_other ? other(n, 0, 0, c) : other(n, i, j, c);
          (op.reduce ? grad_x(n, 0, 0, c) : grad_x(n, i, j, c)) += value;
        }
      }
    }
  }
}

void Run(const Accumulate& op, Store& store) {
  const auto source = store.F32(op.source);
  const auto target = store.F32(op.target);
  NUMERAL_CHECK(source.size() == target.size());
  for (size_t i = 0; i < source.size(); ++i) target[i] += source[i];
}

}  // namespace numeral::reference
