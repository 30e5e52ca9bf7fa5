// Ops that move elements: permutations of flat features, upsampling, pixel shuffle, concatenation.
//
// Bandwidth-bound; inner loops run over channels.
#include <algorithm>
#include <utility>
#include <vector>

#include "cpu/elementwise.h"
#include "cpu/gradient_mode.h"
#include "cpu/parallel.h"
#include "util/bf16.h"

namespace numeral::cpu {
namespace {

constexpr int64_t kConvertGrain = 64;  // elements

// fp32 and bf16 numbers in memory.
float LoadReal(float value) { return value; }
float LoadReal(uint16_t bits) { return FloatFromBf16(bits); }
void StoreReal(float value, float& target) { target = value; }
void StoreReal(float value, uint16_t& target) { target = Bf16FromFloat(value); }

// use(pointer to the tensor's numbers).
template <typename Use>
Kernel WithReal(const Binding& binding, TensorId id, const Use& use) {
  if (binding.info(id).dtype == DType::kF32) return use(binding.F32(id));
  NUMERAL_CHECK(binding.info(id).dtype == DType::kBF16);
  return use(reinterpret_cast<uint16_t*>(binding.Address(id)));
}

template <bool kAccumulate>
void Copy(const float* from, int64_t count, float* to) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) Put<kAccumulate>(from[i], to[i]);
}

template <bool kAccumulate>
Kernel PermuteKernel(const float* x, int64_t rows, std::vector<int32_t> source, float* y) {
  return [=, source = std::move(source)] {
    const int64_t features = static_cast<int64_t>(source.size());
    const int32_t* indices = source.data();
    ParallelRanges(rows, 1, rows * features, [=](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const float* from = x + row * features;
        float* to = y + row * features;
#pragma omp simd
        for (int64_t i = 0; i < features; ++i) Put<kAccumulate>(from[indices[i]], to[i]);
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

void UpsampleLine(const Scaling& scaling, const float* x, float* y) {
  for (int64_t ix = 0; ix < scaling.w; ++ix) {
    for (int j = 0; j < scaling.factor; ++j) {
      Copy<false>(x + ix * scaling.c, scaling.c, y + (ix * scaling.factor + j) * scaling.c);
    }
  }
  for (int i = 1; i < scaling.factor; ++i) {
    std::copy_n(y, scaling.big_line(), y + i * scaling.big_line());
  }
}

template <bool kAccumulate>
void UpsampleLineBackward(const Scaling& scaling, const float* grad_y, float* grad_x) {
  for (int64_t ix = 0; ix < scaling.w; ++ix) {
    float* out = grad_x + ix * scaling.c;
    for (int i = 0; i < scaling.factor; ++i) {
      for (int j = 0; j < scaling.factor; ++j) {
        const float* grad = grad_y + i * scaling.big_line() + (ix * scaling.factor + j) * scaling.c;
        if (i + j == 0) {
          Copy<kAccumulate>(grad, scaling.c, out);
        } else {
          Copy<true>(grad, scaling.c, out);
        }
      }
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
#pragma omp simd
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

template <int kFactor>
Kernel ShuffleForward(const Scaling& scaling, const float* x, float* y) {
  return LinesKernel(scaling, scaling.factor * scaling.big_line(), [=](int64_t small, int64_t big) {
    const float* from = x + small;
    float* to = y + big;
    ShuffleLine<kFactor>(scaling, [=](int64_t i, int64_t j) { to[j] = from[i]; });
  });
}

template <int kFactor, bool kAccumulate>
Kernel ShuffleBackward(const Scaling& scaling, const float* grad_y, float* grad_x) {
  return LinesKernel(scaling, scaling.factor * scaling.big_line(), [=](int64_t small, int64_t big) {
    const float* from = grad_y + big;
    float* to = grad_x + small;
    ShuffleLine<kFactor>(scaling, [=](int64_t i, int64_t j) { Put<kAccumulate>(from[j], to[i]); });
  });
}

// Copies `c` channels of every pixel between rows of different length.
template <bool kAccumulate>
void CopyChannels(const float* from, int64_t from_stride, int64_t c, Range pixels, float* to,
                  int64_t to_stride) {
  for (int64_t p = pixels.begin; p < pixels.end; ++p) {
    Copy<kAccumulate>(from + p * from_stride, c, to + p * to_stride);
  }
}

int64_t PixelsOf(const TensorInfo& info) { return info.rows * info.shape.Pixels(); }

}  // namespace

Kernel MakeKernel(const Permute& op, const Binding& binding) {
  const TensorInfo& info = binding.info(op.x);
  std::vector<int32_t> source = SourceIndices(op.from, op.to);
  NUMERAL_CHECK(static_cast<int64_t>(source.size()) == info.shape.Elems());
  return WithMode(op.mode, [&](auto accumulate) {
    return PermuteKernel<accumulate>(binding.F32(op.x), info.rows, std::move(source),
                                     binding.F32(op.y));
  });
}

Kernel MakeKernel(const UpsampleForward& op, const Binding& binding) {
  const Scaling scaling = ScalingOf(binding.info(op.x), op.factor, 1);
  const float* x = binding.F32(op.x);
  float* y = binding.F32(op.y);
  return LinesKernel(scaling, scaling.w * scaling.c, [=](int64_t small, int64_t big) {
    UpsampleLine(scaling, x + small, y + big);
  });
}

Kernel MakeKernel(const UpsampleBackward& op, const Binding& binding) {
  const Scaling scaling = ScalingOf(binding.info(op.grad_x), op.factor, 1);
  const float* grad_y = binding.F32(op.grad_y);
  float* grad_x = binding.F32(op.grad_x);
  return WithMode(op.mode, [&](auto accumulate) {
    return LinesKernel(scaling, scaling.w * scaling.c, [=](int64_t small, int64_t big) {
      UpsampleLineBackward<accumulate>(scaling, grad_y + big, grad_x + small);
    });
  });
}

Kernel MakeKernel(const PixelShuffleForward& op, const Binding& binding) {
  const Scaling scaling = ScalingOf(binding.info(op.x), op.factor, op.factor * op.factor);
  const float* x = binding.F32(op.x);
  float* y = binding.F32(op.y);
  return op.factor == 2 ? ShuffleForward<2>(scaling, x, y) : ShuffleForward<0>(scaling, x, y);
}

Kernel MakeKernel(const PixelShuffleBackward& op, const Binding& binding) {
  const Scaling scaling = ScalingOf(binding.info(op.grad_x), op.factor, op.factor * op.factor);
  const float* grad_y = binding.F32(op.grad_y);
  float* grad_x = binding.F32(op.grad_x);
  return WithMode(op.mode, [&](auto accumulate) {
    return op.factor == 2 ? ShuffleBackward<2, accumulate>(scaling, grad_y, grad_x)
                          : ShuffleBackward<0, accumulate>(scaling, grad_y, grad_x);
  });
}

Kernel MakeKernel(const ConcatForward& op, const Binding& binding) {
  struct Part {
    const float* x;
    int64_t c, first_channel;
  };
  std::vector<Part> parts;
  int64_t stride = 0;
  for (const TensorId input : op.inputs) {
    const int64_t c = binding.info(input).shape.c;
    parts.push_back({binding.F32(input), c, stride});
    stride += c;
  }
  const TensorInfo& info = binding.info(op.y);
  NUMERAL_CHECK(stride == info.shape.c);
  float* y = binding.F32(op.y);
  return [=, parts = std::move(parts), pixels = PixelsOf(info)] {
    ParallelRanges(pixels, 1, pixels * stride, [&](int64_t begin, int64_t end) {
      for (const Part& part : parts) {
        CopyChannels<false>(part.x, part.c, part.c, {begin, end}, y + part.first_channel, stride);
      }
    });
  };
}

Kernel MakeKernel(const ConcatBackward& op, const Binding& binding) {
  const TensorInfo& info = binding.info(op.grad_x);
  const int64_t pixels = PixelsOf(info), c = info.shape.c;
  const int64_t stride = binding.info(op.grad_y).shape.c;
  NUMERAL_CHECK(op.first_channel >= 0 && op.first_channel + c <= stride);
  const float* grad_y = binding.F32(op.grad_y) + op.first_channel;
  float* grad_x = binding.F32(op.grad_x);
  return WithMode(op.mode, [&](auto accumulate) -> Kernel {
    return [=] {
      ParallelRanges(pixels, 1, pixels * c, [=](int64_t begin, int64_t end) {
        CopyChannels<accumulate>(grad_y, stride, c, {begin, end}, grad_x, c);
      });
    };
  });
}

Kernel MakeKernel(const Convert& op, const Binding& binding) {
  const int64_t elems = binding.info(op.x).elems();
  NUMERAL_CHECK(binding.info(op.y).elems() == elems);
  const auto read = [&](const auto* x) -> Kernel {
    return WithReal(binding, op.y, [=](auto* y) -> Kernel {
      return [=] {
        ParallelRanges(elems, kConvertGrain, elems, [=](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) StoreReal(LoadReal(x[i]), y[i]);
        });
      };
    });
  };
  return WithReal(binding, op.x, read);
}

}  // namespace numeral::cpu
