#include <algorithm>

#include "tests/reference/ops.h"
#include "util/error.h"

namespace numeral::reference {

namespace {

// Calls visit(n, y, x, c) for every element of `count` images.
template <typename Visit>
void ForEachElement(int64_t count, const Images& images, const Visit& visit) {
  for (int n = 0; n < count; ++n) {
    for (int y = 0; y < images.h; ++y) {
      for (int x = 0; x < images.w; ++x) {
        for (int c = 0; c < images.c; ++c) visit(n, y, x, c);
      }
    }
  }
}

// The logical index of every stored feature, by the rule in graph/feature_order.h.
std::vector<int64_t> LogicalIndices(const FeatureOrder& order) {
  std::vector<int64_t> logical;
  int64_t first = 0;
  for (const FeatureSegment& segment : order.segments()) {
    for (int y = 0; y < segment.h; ++y) {
      for (int x = 0; x < segment.w; ++x) {
        for (int c = 0; c < segment.c; ++c) {
          logical.push_back(first + int64_t{c} * segment.h * segment.w + y * segment.w + x);
        }
      }
    }
    first += int64_t{segment.h} * segment.w * segment.c;
  }
  return logical;
}

// The element of x that element (y, x, c) of a pixel-shuffled image comes from.
double& Unshuffled(const Images& x, int factor, int n, int row, int column, int c) {
  const int channel = c * factor * factor + (row % factor) * factor + column % factor;
  return x(n, row / factor, column / factor, channel);
}

void CheckShuffle(const Images& small, const Images& large, int factor) {
  NUMERAL_CHECK(large.h == small.h * factor && large.w == small.w * factor);
  NUMERAL_CHECK(small.c == large.c * factor * factor);
}

void CheckUpsample(const Images& small, const Images& large, int factor) {
  NUMERAL_CHECK(large.h == small.h * factor && large.w == small.w * factor);
  NUMERAL_CHECK(small.c == large.c);
}

}  // namespace

void Run(const Permute& op, Store& store) {
  const auto x = store.F32(op.x);
  const auto y = store.F32(op.y);
  const std::vector<int64_t> from = LogicalIndices(op.from);
  const std::vector<int64_t> to = LogicalIndices(op.to);
  NUMERAL_CHECK(from.size() == to.size() && x.size() == y.size() && !from.empty());
  NUMERAL_CHECK(x.size() % from.size() == 0);
  std::vector<size_t> stored(from.size());  // by logical index: its place in x
  for (size_t j = 0; j < from.size(); ++j) stored[static_cast<size_t>(from[j])] = j;
  BeginGradient(y, op.mode);
  for (size_t row = 0; row < x.size(); row += from.size()) {
    for (size_t i = 0; i < to.size(); ++i) {
      y[row + i] += x[row + stored[static_cast<size_t>(to[i])]];
    }
  }
}

void Run(const UpsampleForward& op, Store& store) {
  const Images x = store.AsImages(op.x);
  const Images y = store.AsImages(op.y);
  CheckUpsample(x, y, op.factor);
  ForEachElement(store.rows(op.y), y, [&](int n, int i, int j, int c) {
    y(n, i, j, c) = x(n, i / op.factor, j / op.factor, c);
  });
}

void Run(const UpsampleBackward& op, Store& store) {
  const Images grad_y = store.AsImages(op.grad_y);
  const Images grad_x = store.AsImages(op.grad_x);
  CheckUpsample(grad_x, grad_y, op.factor);
  BeginGradient(grad_x.values, op.mode);
  ForEachElement(store.rows(op.grad_y), grad_y, [&](int n, int i, int j, int c) {
    grad_x(n, i / op.factor, j / op.factor, c) += grad_y(n, i, j, c);
  });
}

void Run(const PixelShuffleForward& op, Store& store) {
  const Images x = store.AsImages(op.x);
  const Images y = store.AsImages(op.y);
  CheckShuffle(x, y, op.factor);
  ForEachElement(store.rows(op.y), y, [&](int n, int i, int j, int c) {
    y(n, i, j, c) = Unshuffled(x, op.factor, n, i, j, c);
  });
}

void Run(const PixelShuffleBackward& op, Store& store) {
  const Images grad_y = store.AsImages(op.grad_y);
  const Images grad_x = store.AsImages(op.grad_x);
  CheckShuffle(grad_x, grad_y, op.factor);
  BeginGradient(grad_x.values, op.mode);
  ForEachElement(store.rows(op.grad_y), grad_y, [&](int n, int i, int j, int c) {
    Unshuffled(grad_x, op.factor, n, i, j, c) += grad_y(n, i, j, c);
  });
}

void Run(const ConcatForward& op, Store& store) {
  const Images y = store.AsImages(op.y);
  int first_channel = 0;
  for (const TensorId input : op.inputs) {
    const Images x = store.AsImages(input);
    NUMERAL_CHECK(x.h == y.h && x.w == y.w && store.rows(input) == store.rows(op.y));
    ForEachElement(store.rows(input), x, [&](int n, int i, int j, int c) {
      y(n, i, j, first_channel + c) = x(n, i, j, c);
    });
    first_channel += x.c;
  }
  NUMERAL_CHECK(first_channel == y.c);
}

void Run(const ConcatBackward& op, Store& store) {
  const Images grad_y = store.AsImages(op.grad_y);
  const Images grad_x = store.AsImages(op.grad_x);
  NUMERAL_CHECK(grad_x.h == grad_y.h && grad_x.w == grad_y.w);
  NUMERAL_CHECK(op.first_channel >= 0 && op.first_channel + grad_x.c <= grad_y.c);
  BeginGradient(grad_x.values, op.mode);
  ForEachElement(store.rows(op.grad_x), grad_x, [&](int n, int i, int j, int c) {
    grad_x(n, i, j, c) += grad_y(n, i, j, op.first_channel + c);
  });
}

void Run(const Convert& op, Store& store) {
  const auto x = store.F32(op.x);
  const auto y = store.F32(op.y);
  NUMERAL_CHECK(x.size() == y.size());
  std::copy(x.begin(), x.end(), y.begin());
}

}  // namespace numeral::reference
