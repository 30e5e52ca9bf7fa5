// Choice of the product by the side that is thin, and the parts that the products share.
#include "cpu/thin_conv_parts.h"

#include <omp.h>

#include <algorithm>

#include "cpu/activation.h"
#include "cpu/thin_conv.h"

namespace numeral::cpu {

bool ThinSupports(const ConvGeometry& g) {
  if (std::min({g.n, g.h, g.w, g.c, g.k, g.p, g.q, g.r, g.s, g.stride_h, g.stride_w}) < 1)
    return false;
  if (std::max(g.r, g.s) > thin::kMaxKernel) return false;
  if (std::max(g.stride_h, g.stride_w) > thin::kMaxStride) return false;
  return g.c == 1 || (g.k == 1 && g.stride_h == 1 && g.stride_w == 1);
}

template <typename T>
Kernel MakeThinForward(const ConvGeometry& geometry, const T* image, const float* weight,
                       const float* bias, const Activation& activation, T* features) {
  const thin::Shape shape = thin::MakeShape(geometry);
  const auto make = shape.reversed ? thin::MakeWideToThin<T> : thin::MakeThinToWide<T>;
  return make(shape, image, weight, bias, activation, features);
}

template <typename T>
Kernel MakeThinBackwardData(const ConvGeometry& geometry, const T* features, const float* weight,
                            T* image) {
  const thin::Shape shape = thin::MakeShape(geometry);
  const auto make = shape.reversed ? thin::MakeThinToWide<T> : thin::MakeWideToThin<T>;
  return make(shape, features, weight, nullptr, Activation{}, image);
}

template <typename T>
Kernel MakeThinBackwardWeight(const ConvGeometry& geometry, const T* image, const T* features,
                              float* grad_weight, GradientMode mode) {
  const thin::Shape shape = thin::MakeShape(geometry);
  if (shape.reversed) return thin::MakeWeightGradient(shape, features, image, grad_weight, mode);
  return thin::MakeWeightGradient(shape, image, features, grad_weight, mode);
}

#define NUMERAL_THIN_CONV(T)                                                                 \
  template Kernel MakeThinForward(const ConvGeometry&, const T*, const float*, const float*, \
                                  const Activation&, T*);                                    \
  template Kernel MakeThinBackwardData(const ConvGeometry&, const T*, const float*, T*);     \
  template Kernel MakeThinBackwardWeight(const ConvGeometry&, const T*, const T*, float*,    \
                                         GradientMode)
NUMERAL_THIN_CONV(float);
NUMERAL_THIN_CONV(Bf16);
#undef NUMERAL_THIN_CONV

namespace thin {
namespace {

// to[i] = from[i * stride]
template <typename T>
void CopyEvery(int stride, const T* from, int64_t count, float* to) {
  if (stride == 1) {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
  } else if (stride == 2) {  // a constant lets the loop become vectors
    for (int64_t i = 0; i < count; ++i) to[i] = from[2 * i];
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = from[stride * i];
  }
}

// For numerators of either sign.
int CeilDivide(int a, int b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

}  // namespace

Shape MakeShape(const ConvGeometry& g) {
  NUMERAL_CHECK(ThinSupports(g));
  if (g.c == 1) {
    return {g.n, g.h,        g.w,        g.p,       g.q,        g.k,  g.r,
            g.s, g.stride_h, g.stride_w, g.pad_top, g.pad_left, false};
  }
  return {g.n, g.p, g.q, g.h, g.w, g.c, g.r, g.s, 1, 1, g.r - 1 - g.pad_top, g.s - 1 - g.pad_left,
          true};
}

void AddAndActivate(float bias, const Activation& activation, float* data, int64_t elems) {
  WithActivation(activation, [&](auto act) {
    for (int64_t i = 0; i < elems; ++i) data[i] = act(data[i] + bias);
  });
}

Plane::Plane(const Shape& shape, int extra)
    : shape_(shape),
      phase_elems_(shape.wide_w + extra + (shape.s - 1) / shape.stride_w),
      lines_((shape.wide_h - 1) * shape.stride_h + shape.r),
      line_elems_(int64_t{phase_elems_} * shape.stride_w) {
  for (int r = 0; r < shape.r; ++r) {
    for (int s = 0; s < shape.s; ++s) {
      const int phase = s % shape.stride_w;
      offsets_.push_back(static_cast<int>(r * line_elems_) + phase * phase_elems_ +
                         s / shape.stride_w);
    }
  }
}

template <typename T>
void Plane::Fill(const T* thin, float* plane) const {
  const int stride = shape_.stride_w;
  const int64_t first_line = std::max(0, shape_.pad_top);
  const int64_t end_line = std::min<int64_t>(lines_, shape_.thin_h + shape_.pad_top);
  for (int phase = 0; phase < stride; ++phase) {
    const int begin = std::max(0, CeilDivide(shape_.pad_left - phase, stride));
    const int end =
        std::min(phase_elems_, CeilDivide(shape_.thin_w + shape_.pad_left - phase, stride));
    if (begin >= end) continue;
    const int column = begin * stride + phase - shape_.pad_left;
    for (int64_t line = first_line; line < end_line; ++line) {
      CopyEvery(stride, thin + (line - shape_.pad_top) * shape_.thin_w + column, end - begin,
                plane + line * line_elems_ + phase * phase_elems_ + begin);
    }
  }
}

template void Plane::Fill(const float*, float*) const;
template void Plane::Fill(const Bf16*, float*) const;

int ThreadSlots() { return omp_get_max_threads(); }

}  // namespace thin
}  // namespace numeral::cpu
