// What the thin convolutions share: one form for both kinds, vectors, scratch memory, padded
// planes.
//
// Private to thin_conv_*.cpp. A convolution with c == 1 and one with k == 1 and stride 1 are the
// same thing seen from two ends: a "thin" plane of one channel and a "wide" tensor of many, with
//   wide[p][q][channel] = sum over taps (r, s) of
//       thin[p * stride_h + r - pad_top][q * stride_w + s - pad_left] * weight(tap, channel).
// For k == 1 the features are thin, the image is wide, the taps are in reverse and the padding is
// its complement r - 1 - pad, which may be negative.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "cpu/binding.h"
#include "cpu/vector.h"

namespace numeral::cpu::thin {

inline constexpr int kMaxKernel = 7;
inline constexpr int kMaxStride = 3;

struct Shape {
  int n, thin_h, thin_w, wide_h, wide_w, channels, r, s;
  int stride_h, stride_w, pad_top, pad_left;
  bool
      reversed;  // k == 1: weights are [tap][channel] with the taps in reverse, else [channel][tap]

  int taps() const { return r * s; }
  int64_t thin_elems() const { return int64_t{thin_h} * thin_w; }
  int64_t wide_elems() const { return int64_t{wide_h} * wide_w * channels; }
  int64_t WeightIndex(int tap, int channel) const {
    return reversed ? int64_t{taps() - 1 - tap} * channels + channel
                    : int64_t{channel} * taps() + tap;
  }
};
Shape MakeShape(const ConvGeometry& geometry);

// The three products. Pointers as in thin_conv.h; `bias` may be null: [channels] for ThinToWide, a
// single value for WideToThin.
template <typename T>
Kernel MakeThinToWide(const Shape& shape, const T* thin, const float* weight, const float* bias,
                      const Activation& activation, T* wide);
template <typename T>
Kernel MakeWideToThin(const Shape& shape, const T* wide, const float* weight, const float* bias,
                      const Activation& activation, T* thin);
template <typename T>
Kernel MakeWeightGradient(const Shape& shape, const T* thin, const T* wide, float* grad_weight,
                          GradientMode mode);

// data[i] = act(data[i] + bias).
void AddAndActivate(float bias, const Activation& activation, float* data, int64_t elems);

// ---- vectors
// ----------------------------------------------------------------------------------------

inline constexpr int kFewLanes = kLanes > 4 ? kLanes / 2 : kLanes;

// Channels are padded to whole vectors, of half the width where that is enough. Neighbouring
// vectors are worked on together: 4, 2 or 1 of them.
constexpr int RoundUp(int value, int unit) { return (value + unit - 1) / unit * unit; }
inline bool FitsFewLanes(const Shape& shape) { return shape.channels <= kFewLanes; }
template <int kWidth>
inline constexpr int kMaxVectors = kWidth < kLanes  ? 1
                                   : kManyRegisters ? 4
                                                    : 2;

// use(vectors as a constant, first channel) for each block of neighbouring vectors.
template <int kWidth, typename Use>
void ForEachChannelBlock(int padded_channels, const Use& use) {
  int channel = 0;
  const auto run = [&](auto vectors) {
    constexpr int kWidthOfBlock = decltype(vectors)::value * kWidth;
    for (; channel + kWidthOfBlock <= padded_channels; channel += kWidthOfBlock)
      use(vectors, channel);
  };
  if constexpr (kMaxVectors<kWidth> >= 4) run(std::integral_constant<int, 4>());
  if constexpr (kMaxVectors<kWidth> >= 2) run(std::integral_constant<int, 2>());
  run(std::integral_constant<int, 1>());
}

// ---- memory
// -----------------------------------------------------------------------------------------

inline constexpr int kCacheLineElems = 16;

// Whether T can be computed with where it lies; what is not float goes through memory that is.
template <typename T>
inline constexpr bool kIsFloat = std::is_same_v<T, float>;

// The channels of each pixel, between pixels of different types and sizes in memory.
template <typename From, typename To>
void CopyPixels(const From* from, int64_t from_elems, int64_t pixels, int64_t channels, To* to,
                int64_t to_elems) {
  if (from_elems == channels && to_elems == channels) {
    channels *= pixels;
    pixels = 1;
  }
  for (int64_t i = 0; i < pixels; ++i) {
    for (int64_t c = 0; c < channels; ++c) to[i * to_elems + c] = from[i * from_elems + c];
  }
}

// `slots` zeroed arrays of floats, each at the start of a cache line.
class Scratch {
 public:
  Scratch(int64_t slots, int64_t elems)
      : lines_((elems + kCacheLineElems - 1) / kCacheLineElems),
        memory_(static_cast<size_t>(slots * lines_)) {}
  float* operator[](int64_t slot) { return memory_[static_cast<size_t>(slot * lines_)].values; }

 private:
  struct alignas(64) Line {
    float values[kCacheLineElems] = {};
  };
  int64_t lines_;
  std::vector<Line> memory_;
};

// A thin image with its padding, laid out so that wide neighbours q and q + 1 read neighbouring
// floats at every stride: each line holds stride_w phases, of the columns that are equal modulo
// stride_w.
class Plane {
 public:
  // Reads of up to `extra` pixels beyond the last of a row stay inside of the line.
  Plane(const Shape& shape, int extra);

  int64_t elems() const { return lines_ * line_elems_; }
  // Of the pixel's first tap; the others are at offsets().
  int64_t PixelOffset(int p, int q) const { return p * row_elems() + q; }
  int64_t row_elems() const { return shape_.stride_h * line_elems_; }
  const std::vector<int>& offsets() const { return offsets_; }
  // `plane` was zeroed once: padding is never written.
  template <typename T>
  void Fill(const T* thin, float* plane) const;

 private:
  Shape shape_;
  int phase_elems_;
  int64_t lines_, line_elems_;
  std::vector<int> offsets_;
};

// Slot i of a kernel's Scratch belongs to thread i.
int ThreadSlots();

}  // namespace numeral::cpu::thin
