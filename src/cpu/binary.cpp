// Sums and products of two tensors, with a flat operand spread over pixels or not.
//
// Bandwidth-bound. Sums over pixels run in float over a few rows and in double over all of them.
#include <algorithm>

#include "cpu/column_tiles.h"
#include "cpu/elementwise.h"
#include "cpu/gradient_mode.h"
#include "cpu/parallel.h"

namespace numeral::cpu {
namespace {

struct Sum {
  float operator()(float a, float b) const { return a + b; }
};
struct Product {
  float operator()(float a, float b) const { return a * b; }
};
// The gradient of a sum does not depend on the other operand.
struct First {
  float operator()(float a, float) const { return a; }
};

constexpr int64_t kGrain = 64;  // elements; a few vectors

template <bool kAccumulate, typename T, typename Function, typename Y>
void Combine(const T* a, const T* b, int64_t count, Function function, Y* y) {
#pragma omp simd simdlen(kSimdElems)
  for (int64_t i = 0; i < count; ++i) Put<kAccumulate>(function(a[i], b[i]), y[i]);
}

template <bool kAccumulate, typename T, typename Function>
Kernel Flat(const T* a, const T* b, int64_t elems, Function function, T* y) {
  return [=] {
    ParallelRanges(elems, kGrain, elems, [=](int64_t begin, int64_t end) {
      Combine<kAccumulate>(a + begin, b + begin, end - begin, function, y + begin);
    });
  };
}

// b is [rows][c] and stands for each of the pixels of a.
template <bool kAccumulate, typename T, typename Function>
Kernel Spread(const T* a, const T* b, const TensorInfo& info, Function function, T* y) {
  const int64_t pixels = info.shape.Pixels(), total = info.rows * pixels, c = info.shape.c;
  return [=] {
    ParallelRanges(total, 1, total * c, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Combine<kAccumulate>(a + i * c, b + i / pixels * c, c, function, y + i * c);
      }
    });
  };
}

// y[row][0 .. channels-1] = sum over pixels of function(a, b), for one row and a block of channels.
template <bool kAccumulate, typename T, typename Function>
void SumPixels(const T* a, const T* b, int64_t pixels, int64_t stride, int64_t channels,
               Function function, T* y) {
  ColumnSums<1> sums;
  sums.Clear(channels);
  for (int64_t p = 0; p < pixels; ++p) {
    Combine<true>(a + p * stride, b + p * stride, channels, function, sums.recent[0]);
    if ((p + 1) % ColumnTiles::kFlushRows == 0) sums.Flush(channels);
  }
  sums.Flush(channels);
  for (int64_t j = 0; j < channels; ++j)
    Put<kAccumulate>(static_cast<float>(sums.total[0][j]), y[j]);
}

template <bool kAccumulate, typename T, typename Function>
Kernel Reduce(const T* a, const T* b, const TensorInfo& info, Function function, T* y) {
  constexpr int64_t kBlock = ColumnTiles::kMaxColumns;
  const int64_t pixels = info.shape.Pixels(), rows = info.rows, c = info.shape.c;
  const int64_t blocks = (c + kBlock - 1) / kBlock;
  return [=] {
    ParallelRanges(rows * blocks, 1, info.elems(), [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = i / blocks, first = i % blocks * kBlock;
        const int64_t offset = row * pixels * c + first;
        SumPixels<kAccumulate>(a + offset, b + offset, pixels, c, std::min(kBlock, c - first),
                               function, y + row * c + first);
      }
    });
  };
}

template <typename Function>
Kernel Forward(const BinaryForward& op, const Binding& binding, Function function) {
  const TensorInfo& info = binding.info(op.a);
  return binding.WithElement(op.a, [&]<typename T>() -> Kernel {
    const T *a = binding.Activation<T>(op.a), *b = binding.Activation<T>(op.b);
    T* y = binding.Activation<T>(op.y);
    return op.spread ? Spread<false>(a, b, info, function, y)
                     : Flat<false>(a, b, info.elems(), function, y);
  });
}

template <typename T, bool kAccumulate, typename Function>
Kernel Backward(const BinaryBackward& op, const Binding& binding, Function function) {
  const TensorInfo& info = binding.info(op.grad_y);
  const T* grad_y = binding.Activation<T>(op.grad_y);
  // Where the function looks at one operand only, any readable memory does for the other.
  const T* other = op.other == kNoTensor ? grad_y : binding.Activation<T>(op.other);
  T* grad_x = binding.Activation<T>(op.grad_x);
  NUMERAL_CHECK(!(op.reduce && op.spread_other));
  if (op.reduce) return Reduce<kAccumulate>(grad_y, other, info, function, grad_x);
  if (op.spread_other && op.other != kNoTensor) {
    return Spread<kAccumulate>(grad_y, other, info, function, grad_x);
  }
  return Flat<kAccumulate>(grad_y, other, info.elems(), function, grad_x);
}

}  // namespace

Kernel MakeKernel(const BinaryForward& op, const Binding& binding) {
  if (op.kind == BinaryKind::kAdd) return Forward(op, binding, Sum());
  return Forward(op, binding, Product());
}

Kernel MakeKernel(const BinaryBackward& op, const Binding& binding) {
  NUMERAL_CHECK(op.kind == BinaryKind::kAdd || op.other != kNoTensor);
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Kernel {
    return WithMode(op.mode, [&](auto accumulate) {
      if (op.kind == BinaryKind::kAdd) return Backward<T, accumulate>(op, binding, First());
      return Backward<T, accumulate>(op, binding, Product());
    });
  });
}

Kernel MakeKernel(const Accumulate& op, const Binding& binding) {
  return binding.WithElement(op.source, [&]<typename T>() -> Kernel {
    const T* source = binding.Activation<T>(op.source);
    return Flat<true>(source, source, binding.info(op.source).elems(), First(),
                      binding.Activation<T>(op.target));
  });
}

}  // namespace numeral::cpu
