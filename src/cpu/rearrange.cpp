// Ops that move elements: permutations of flat features, upsampling, pixel shuffle, concatenation.
//
// Bandwidth-bound; inner loops run over channels.
#include <algorithm>
#include <utility>
#include <vector>

#include "cpu/elementwise.h"
#include "cpu/gradient_mode.h"
#include "cpu/parallel.h"

namespace numeral::cpu {
namespace {

constexpr int64_t kConvertGrain = 64;  // elements
constexpr int64_t kSumChannels = 64;   // whose sums stay in the first-level cache

// to (+)= from. What is only moved keeps its bits.
template <bool kAccumulate, typename T>
void Move(const T& from, T& to) {
  if constexpr (kAccumulate) {
    Put<true>(from, to);
  } else {
    to = from;
  }
}

template <bool kAccumulate, typename T>
void Copy(const T* from, int64_t count, T* to) {
#pragma omp simd simdlen(kSimdElems)
  for (int64_t i = 0; i < count; ++i) Move<kAccumulate>(from[i], to[i]);
}

template <bool kAccumulate, typename T>
Kernel PermuteKernel(const T* x, int64_t rows, std::vector<int32_t> source, T* y) {
  return [=, source = std::move(source)] {
    const int64_t features = static_cast<int64_t>(source.size());
    const int32_t* indices = source.data();
    ParallelRanges(rows, 1, rows * features, [=](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const T* from = x + row * features;
        T* to = y + row * features;
#pragma omp simd simdlen(kSimdElems)
        for (int64_t i = 0; i < features; ++i) Move<kAccumulate>(from[indices[i]], to[i]);
      }
    });
  };
}

// The small image of an upsampling or pixel shuffle, whose sides the big one has `factor` times.
struct Scaling {
  int64_t lines, w, c;  // lines: rows of pixels over all samples; c: channels of the big image
  int factor;
  int64_t big_line() const { return w * factor * c; }
};

template <typename T>
void UpsampleLine(const Scaling& scaling, const T* x, T* y) {
  for (int64_t ix = 0; ix < scaling.w; ++ix) {
    for (int j = 0; j < scaling.factor; ++j) {
      Copy<false>(x + ix * scaling.c, scaling.c, y + (ix * scaling.factor + j) * scaling.c);
    }
  }
  for (int i = 1; i < scaling.factor; ++i) {
    std::copy_n(y, scaling.big_line(), y + i * scaling.big_line());
  }
}

// The pixels of one small pixel over a block of channels; pointers at the block's first.
template <bool kAccumulate, typename T>
void SumPixels(const Scaling& scaling, const T* grad_y, int64_t channels, T* grad_x) {
  alignas(64) float sum[kSumChannels];
  for (int i = 0; i < scaling.factor; ++i) {
    for (int j = 0; j < scaling.factor; ++j) {
      const T* grad = grad_y + i * scaling.big_line() + j * scaling.c;
      const bool first = i + j == 0;
      if (first && kAccumulate) std::copy_n(grad_x, channels, sum);
      if (first && !kAccumulate) {
        std::copy_n(grad, channels, sum);
      } else {
#pragma omp simd simdlen(kSimdElems)
        for (int64_t c = 0; c < channels; ++c) sum[c] += grad[c];
      }
    }
  }
#pragma omp simd simdlen(kSimdElems)
  for (int64_t c = 0; c < channels; ++c) grad_x[c] = sum[c];
}

template <bool kAccumulate, typename T>
void UpsampleLineBackward(const Scaling& scaling, const T* grad_y, T* grad_x) {
  for (int64_t ix = 0; ix < scaling.w; ++ix) {
    for (int64_t c = 0; c < scaling.c; c += kSumChannels) {
      SumPixels<kAccumulate>(scaling, grad_y + ix * scaling.factor * scaling.c + c,
                             std::min(kSumChannels, scaling.c - c), grad_x + ix * scaling.c + c);
    }
  }
}

// Pixel shuffle of one line; kFactor 0 takes the factor from `scaling`. visit(small, big) gets the
// element offsets that belong together, big ones in order.
template <int kFactor, typename Visit>
void ShuffleLine(const Scaling& scaling, const Visit& visit) {
  const int64_t factor = kFactor > 0 ? kFactor : scaling.factor, area = factor * factor;
  for (int64_t i = 0; i < factor; ++i) {
    for (int64_t ix = 0; ix < scaling.w; ++ix) {
      for (int64_t j = 0; j < factor; ++j) {
        const int64_t small = ix * scaling.c * area + i * factor + j;
        const int64_t big = i * scaling.big_line() + (ix * factor + j) * scaling.c;
#pragma omp simd simdlen(kSimdElems)
        for (int64_t c = 0; c < scaling.c; ++c) visit(small + c * area, big + c);
      }
    }
  }
}

// run(scaling, small_offset, big_offset) for every line of the small image.
template <typename Run>
Kernel LinesKernel(const Scaling& scaling, int64_t small_line, Run run) {
  return [=] {
    const int64_t big = scaling.factor * scaling.big_line();
    ParallelRanges(scaling.lines, 1, scaling.lines * big, [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line) run(line * small_line, line * big);
    });
  };
}

Scaling ScalingOf(const TensorInfo& small, int factor, int channel_factor) {
  const Shape& shape = small.shape;
  NUMERAL_CHECK(shape.c % channel_factor == 0);
  return {small.rows * shape.h, shape.w, shape.c / channel_factor, factor};
}

template <int kFactor, typename T>
Kernel ShuffleForward(const Scaling& scaling, const T* x, T* y) {
  return LinesKernel(scaling, scaling.factor * scaling.big_line(), [=](int64_t small, int64_t big) {
    const T* from = x + small;
    T* to = y + big;
    ShuffleLine<kFactor>(scaling, [=](int64_t i, int64_t j) { to[j] = from[i]; });
  });
}

template <int kFactor, bool kAccumulate, typename T>
Kernel ShuffleBackward(const Scaling& scaling, const T* grad_y, T* grad_x) {
  return LinesKernel(scaling, scaling.factor * scaling.big_line(), [=](int64_t small, int64_t big) {
    const T* from = grad_y + big;
    T* to = grad_x + small;
    ShuffleLine<kFactor>(scaling, [=](int64_t i, int64_t j) { Move<kAccumulate>(from[j], to[i]); });
  });
}

// Copies `c` channels of every pixel between rows of different length.
template <bool kAccumulate, typename T>
void CopyChannels(const T* from, int64_t from_stride, int64_t c, Range pixels, T* to,
                  int64_t to_stride) {
  for (int64_t p = pixels.begin; p < pixels.end; ++p) {
    Copy<kAccumulate>(from + p * from_stride, c, to + p * to_stride);
  }
}

int64_t PixelsOf(const TensorInfo& info) { return info.rows * info.shape.Pixels(); }

template <typename T>
Kernel MakeConcat(const ConcatForward& op, const Binding& binding) {
  struct Part {
    const T* x;
    int64_t c, first_channel;
  };
  std::vector<Part> parts;
  int64_t stride = 0;
  for (const TensorId input : op.inputs) {
    const int64_t c = binding.info(input).shape.c;
    parts.push_back({binding.Activation<T>(input), c, stride});
    stride += c;
  }
  const TensorInfo& info = binding.info(op.y);
  NUMERAL_CHECK(stride == info.shape.c);
  T* y = binding.Activation<T>(op.y);
  return [=, parts = std::move(parts), pixels = PixelsOf(info)] {
    ParallelRanges(pixels, 1, pixels * stride, [&](int64_t begin, int64_t end) {
      for (const Part& part : parts) {
        CopyChannels<false>(part.x, part.c, part.c, {begin, end}, y + part.first_channel, stride);
      }
    });
  };
}

}  // namespace

Kernel MakeKernel(const Permute& op, const Binding& binding) {
  const TensorInfo& info = binding.info(op.x);
  std::vector<int32_t> source = SourceIndices(op.from, op.to);
  NUMERAL_CHECK(static_cast<int64_t>(source.size()) == info.shape.Elems());
  return binding.WithElement(op.x, [&]<typename T>() -> Kernel {
    return WithMode(op.mode, [&](auto accumulate) {
      return PermuteKernel<accumulate>(binding.Activation<T>(op.x), info.rows, std::move(source),
                                       binding.Activation<T>(op.y));
    });
  });
}

Kernel MakeKernel(const UpsampleForward& op, const Binding& binding) {
  const Scaling scaling = ScalingOf(binding.info(op.x), op.factor, 1);
  return binding.WithElement(op.x, [&]<typename T>() -> Kernel {
    const T* x = binding.Activation<T>(op.x);
    T* y = binding.Activation<T>(op.y);
    return LinesKernel(scaling, scaling.w * scaling.c, [=](int64_t small, int64_t big) {
      UpsampleLine(scaling, x + small, y + big);
    });
  });
}

Kernel MakeKernel(const UpsampleBackward& op, const Binding& binding) {
  const Scaling scaling = ScalingOf(binding.info(op.grad_x), op.factor, 1);
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Kernel {
    const T* grad_y = binding.Activation<T>(op.grad_y);
    T* grad_x = binding.Activation<T>(op.grad_x);
    return WithMode(op.mode, [&](auto accumulate) {
      return LinesKernel(scaling, scaling.w * scaling.c, [=](int64_t small, int64_t big) {
        UpsampleLineBackward<accumulate>(scaling, grad_y + big, grad_x + small);
      });
    });
  });
}

Kernel MakeKernel(const PixelShuffleForward& op, const Binding& binding) {
  const Scaling scaling = ScalingOf(binding.info(op.x), op.factor, op.factor * op.factor);
  return binding.WithElement(op.x, [&]<typename T>() -> Kernel {
    const T* x = binding.Activation<T>(op.x);
    T* y = binding.Activation<T>(op.y);
    return op.factor == 2 ? ShuffleForward<2>(scaling, x, y) : ShuffleForward<0>(scaling, x, y);
  });
}

Kernel MakeKernel(const PixelShuffleBackward& op, const Binding& binding) {
  const Scaling scaling = ScalingOf(binding.info(op.grad_x), op.factor, op.factor * op.factor);
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Kernel {
    const T* grad_y = binding.Activation<T>(op.grad_y);
    T* grad_x = binding.Activation<T>(op.grad_x);
    return WithMode(op.mode, [&](auto accumulate) {
      return op.factor == 2 ? ShuffleBackward<2, accumulate>(scaling, grad_y, grad_x)
                            : ShuffleBackward<0, accumulate>(scaling, grad_y, grad_x);
    });
  });
}

Kernel MakeKernel(const ConcatForward& op, const Binding& binding) {
  return binding.WithElement(op.y,
                             [&]<typename T>() -> Kernel { return MakeConcat<T>(op, binding); });
}

Kernel MakeKernel(const ConcatBackward& op, const Binding& binding) {
  const TensorInfo& info = binding.info(op.grad_x);
  const int64_t pixels = PixelsOf(info), c = info.shape.c;
  const int64_t stride = binding.info(op.grad_y).shape.c;
  NUMERAL_CHECK(op.first_channel >= 0 && op.first_channel + c <= stride);
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Kernel {
    const T* grad_y = binding.Activation<T>(op.grad_y) + op.first_channel;
    T* grad_x = binding.Activation<T>(op.grad_x);
    return WithMode(op.mode, [&](auto accumulate) -> Kernel {
      return [=] {
        ParallelRanges(pixels, 1, pixels * c, [=](int64_t begin, int64_t end) {
          CopyChannels<accumulate>(grad_y, stride, c, {begin, end}, grad_x, c);
        });
      };
    });
  });
}

Kernel MakeKernel(const Convert& op, const Binding& binding) {
  const int64_t elems = binding.info(op.x).elems();
  NUMERAL_CHECK(binding.info(op.y).elems() == elems);
  return binding.WithElement(op.x, [&]<typename X>() -> Kernel {
    return binding.WithElement(op.y, [&]<typename Y>() -> Kernel {
      const X* x = binding.Activation<X>(op.x);
      Y* y = binding.Activation<Y>(op.y);
      return [=] {
        ParallelRanges(elems, kConvertGrain, elems, [=](int64_t begin, int64_t end) {
#pragma omp simd simdlen(kSimdElems)
          for (int64_t i = begin; i < end; ++i) y[i] = x[i];
        });
      };
    });
  });
}

}  // namespace numeral::cpu
