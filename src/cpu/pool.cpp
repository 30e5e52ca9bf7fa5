// Max pooling; global max pooling is the case of one window that covers the image.
//
// Forward walks pixels and vectorises over channels. Backward gathers: each input pixel looks up
// the few windows that cover it, so overlapping windows need neither atomics nor a fixed order of
// threads, and nothing is zeroed first. A single window's gradients go to their pixels directly.
#include <algorithm>
#include <limits>

#include "cpu/elementwise.h"
#include "cpu/gradient_mode.h"
#include "cpu/parallel.h"

namespace numeral::cpu {
namespace {

constexpr int kBlock = 64;  // channels kept in registers or L1 while a window is walked

struct Pooling {
  PoolGeometry window;
  int64_t n, h, w, p, q, c;
};

Pooling PoolingOf(const PoolGeometry& window, const TensorInfo& image, const Shape& pooled) {
  const Shape& shape = image.shape;
  const Pooling pooling{window, image.rows, shape.h, shape.w, pooled.h, pooled.w, shape.c};
  // Every window must hold a pixel of the image.
  NUMERAL_CHECK(window.pad_top < window.r && window.pad_left < window.s);
  NUMERAL_CHECK((pooled.h - 1) * window.stride_h - window.pad_top < shape.h);
  NUMERAL_CHECK((pooled.w - 1) * window.stride_w - window.pad_left < shape.w);
  NUMERAL_CHECK(shape.c == pooled.c);
  return pooling;
}

Pooling GlobalPooling(const TensorInfo& image) {
  const Shape& shape = image.shape;
  return PoolingOf({shape.h, shape.w, 1, 1, 0, 0}, image, Shape::Flat(shape.c));
}

// The pixels, in one direction, of the window at `index`.
Range WindowPixels(int64_t index, int stride, int pad, int size, int64_t pixels) {
  const int64_t first = index * stride - pad;
  return {std::max<int64_t>(first, 0), std::min(first + size, pixels)};
}

// The windows, in one direction, that cover `pixel`.
Range CoveringWindows(int64_t pixel, int stride, int pad, int size, int64_t windows) {
  const int64_t last = pixel + pad, first = last - size + 1;
  return {first <= 0 ? 0 : (first + stride - 1) / stride, std::min(last / stride + 1, windows)};
}

// One window over a block of channels. `x` and the results point at the block's first channel.
template <typename T>
void PoolWindow(const Pooling& pooling, const T* x, Range rows, Range columns, int64_t channels,
                T* y, int32_t* argmax) {
  alignas(64) float best[kBlock];
  alignas(64) int32_t winner[kBlock];
  std::fill_n(best, channels, -std::numeric_limits<float>::infinity());
  std::fill_n(winner, channels, static_cast<int32_t>(rows.begin * pooling.w + columns.begin));
  for (int64_t iy = rows.begin; iy < rows.end; ++iy) {
    for (int64_t ix = columns.begin; ix < columns.end; ++ix) {
      const int32_t pixel = static_cast<int32_t>(iy * pooling.w + ix);
      const T* values = x + pixel * pooling.c;
#pragma omp simd simdlen(kSimdElems)
      for (int64_t j = 0; j < channels; ++j) {
        const float value = values[j];
        const bool wins = (value > best[j]) | (value != value);
        best[j] = wins ? value : best[j];
        winner[j] = wins ? pixel : winner[j];
      }
    }
  }
#pragma omp simd simdlen(kSimdElems)
  for (int64_t j = 0; j < channels; ++j) y[j] = best[j];
  if (argmax != nullptr) std::copy_n(winner, channels, argmax);
}

template <typename T>
Kernel ForwardKernel(const Pooling& pooling, const T* x, T* y, int32_t* argmax) {
  const int64_t lines = pooling.n * pooling.p;
  const int64_t elems = pooling.n * pooling.h * pooling.w * pooling.c;
  const auto run_line = [=](int64_t line) {
    const PoolGeometry& window = pooling.window;
    const T* image = x + line / pooling.p * pooling.h * pooling.w * pooling.c;
    const Range rows =
        WindowPixels(line % pooling.p, window.stride_h, window.pad_top, window.r, pooling.h);
    for (int64_t iq = 0; iq < pooling.q; ++iq) {
      const Range columns = WindowPixels(iq, window.stride_w, window.pad_left, window.s, pooling.w);
      const int64_t out = (line * pooling.q + iq) * pooling.c;
      for (int64_t c = 0; c < pooling.c; c += kBlock) {
        PoolWindow(pooling, image + c, rows, columns, std::min<int64_t>(kBlock, pooling.c - c),
                   y + out + c, argmax == nullptr ? nullptr : argmax + out + c);
      }
    }
  };
  return [=] {
    ParallelRanges(lines, 1, elems, [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line) run_line(line);
    });
  };
}

// One input pixel over a block of channels. `grad_y` and `argmax` point at the image's first window
// and the block's first channel.
template <bool kAccumulate, typename T>
void GatherPixel(const Pooling& pooling, int32_t pixel, const T* grad_y, const int32_t* argmax,
                 Range rows, Range columns, int64_t channels, T* grad_x) {
  alignas(64) float sum[kBlock];
  std::fill_n(sum, channels, 0.0f);
  for (int64_t ip = rows.begin; ip < rows.end; ++ip) {
    for (int64_t iq = columns.begin; iq < columns.end; ++iq) {
      const int64_t offset = (ip * pooling.q + iq) * pooling.c;
      const T* grads = grad_y + offset;
      const int32_t* winners = argmax + offset;
#pragma omp simd simdlen(kSimdElems)
      for (int64_t j = 0; j < channels; ++j) {
        const float grad = grads[j];
        sum[j] += winners[j] == pixel ? grad : 0.0f;
      }
    }
  }
#pragma omp simd simdlen(kSimdElems)
  for (int64_t j = 0; j < channels; ++j) Put<kAccumulate>(sum[j], grad_x[j]);
}

template <bool kAccumulate, typename T>
Kernel BackwardKernel(const Pooling& pooling, const T* grad_y, const int32_t* argmax, T* grad_x) {
  const int64_t lines = pooling.n * pooling.h;
  const auto run_line = [=](int64_t line) {
    const PoolGeometry& window = pooling.window;
    const int64_t iy = line % pooling.h;
    const int64_t image = line / pooling.h * pooling.p * pooling.q * pooling.c;
    const Range rows = CoveringWindows(iy, window.stride_h, window.pad_top, window.r, pooling.p);
    for (int64_t ix = 0; ix < pooling.w; ++ix) {
      const Range columns =
          CoveringWindows(ix, window.stride_w, window.pad_left, window.s, pooling.q);
      for (int64_t c = 0; c < pooling.c; c += kBlock) {
        GatherPixel<kAccumulate>(pooling, static_cast<int32_t>(iy * pooling.w + ix),
                                 grad_y + image + c, argmax + image + c, rows, columns,
                                 std::min<int64_t>(kBlock, pooling.c - c),
                                 grad_x + (line * pooling.w + ix) * pooling.c + c);
      }
    }
  };
  return [=] {
    ParallelRanges(lines, 1, lines * pooling.w * pooling.c, [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line) run_line(line);
    });
  };
}

// Of the window that covers the image.
template <bool kAccumulate, typename T>
Kernel ScatterKernel(const Pooling& pooling, const T* grad_y, const int32_t* argmax, T* grad_x) {
  const int64_t channels = pooling.c, image_elems = pooling.h * pooling.w * channels;
  const auto run_image = [=](int64_t image) {
    T* pixels = grad_x + image * image_elems;
    if (!kAccumulate) std::fill_n(pixels, image_elems, T(0.0f));
    for (int64_t i = image * channels, c = 0; c < channels; ++i, ++c) {
      Put<kAccumulate>(grad_y[i], pixels[argmax[i] * channels + c]);
    }
  };
  const int64_t work = pooling.n * (kAccumulate ? channels : image_elems);
  return [=] {
    ParallelRanges(pooling.n, 1, work, [&](int64_t begin, int64_t end) {
      for (int64_t image = begin; image < end; ++image) run_image(image);
    });
  };
}

// Max pooling's and global max pooling's ops differ in the geometry alone.
template <typename AnyOp>
Kernel MakeForward(const AnyOp& op, const Pooling& pooling, const Binding& binding) {
  return binding.WithElement(op.x, [&]<typename T>() -> Kernel {
    return ForwardKernel(pooling, binding.Activation<T>(op.x), binding.Activation<T>(op.y),
                         binding.I32(op.argmax));
  });
}

}  // namespace

Kernel MakeKernel(const MaxPoolForward& op, const Binding& binding) {
  const Pooling pooling = PoolingOf(op.geometry, binding.info(op.x), binding.info(op.y).shape);
  return MakeForward(op, pooling, binding);
}

Kernel MakeKernel(const MaxPoolBackward& op, const Binding& binding) {
  const Pooling pooling =
      PoolingOf(op.geometry, binding.info(op.grad_x), binding.info(op.grad_y).shape);
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Kernel {
    return WithMode(op.mode, [&](auto accumulate) {
      return BackwardKernel<accumulate>(pooling, binding.Activation<T>(op.grad_y),
                                        binding.I32(op.argmax), binding.Activation<T>(op.grad_x));
    });
  });
}

Kernel MakeKernel(const GlobalMaxPoolForward& op, const Binding& binding) {
  return MakeForward(op, GlobalPooling(binding.info(op.x)), binding);
}

Kernel MakeKernel(const GlobalMaxPoolBackward& op, const Binding& binding) {
  const Pooling pooling = GlobalPooling(binding.info(op.grad_x));
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Kernel {
    return WithMode(op.mode, [&](auto accumulate) {
      return ScatterKernel<accumulate>(pooling, binding.Activation<T>(op.grad_y),
                                       binding.I32(op.argmax), binding.Activation<T>(op.grad_x));
    });
  });
}

}  // namespace numeral::cpu
