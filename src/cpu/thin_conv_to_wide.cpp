// Thin convolution from one channel to many: forward for c == 1, backward data for k == 1.
//
// wide[p][q][channel] = act(sum over taps of thin * weight + bias), NHWC. Reads the thin plane once
// per image and the packed weights from cache, writes every output once; taps * channels
// multiply-adds per pixel, and 14 x 14 x 64 outputs of 25 taps are bound by these. Output channels
// lie in lanes, a block of neighbouring pixels shares each weight it loads. One fp32 sum per
// output, bias first, taps in order. Threads take images; no result depends on their number.
#include <algorithm>

#include "cpu/parallel.h"
#include "cpu/thin_conv_parts.h"

namespace numeral::cpu::thin {
namespace {

// Pixels of a register block. 7 and 14 divide the 14 and 28 columns of MNIST's maps.
template <int kVectors>
inline constexpr int kPixels = kManyRegisters ? (kVectors == 4 ? 7 : 14) : (kVectors == 2 ? 4 : 7);
constexpr int kMaxPixels = 14;

struct Block {
  const float* thin;  // the first pixel's first tap
  const int* offsets;
  int taps;
  const float *weight, *bias;  // at the block's first channel; [tap][pixel_elems] and [pixel_elems]
  int64_t pixel_elems;         // channels with their padding
  float slope;                 // of leaky ReLU; 1 is the identity
  float* wide;
  int count;  // pixels to write
};

template <int kWidth, int kVectors>
void SumTaps(const Block& block) {
  constexpr int kCount = kPixels<kVectors>;
  Vector<kWidth> sums[kCount][kVectors];
  NUMERAL_UNROLL_BLOCK for (int v = 0; v < kVectors; ++v) {
    const Vector<kWidth> bias = Load<kWidth>(block.bias + v * kWidth);
    NUMERAL_UNROLL_BLOCK for (int i = 0; i < kCount; ++i) sums[i][v] = bias;
  }
  const float* weight_of_tap = block.weight;
  for (int tap = 0; tap < block.taps; ++tap, weight_of_tap += block.pixel_elems) {
    const float* thin = block.thin + block.offsets[tap];
    Vector<kWidth> weight[kVectors];
    NUMERAL_UNROLL_BLOCK for (int v = 0; v < kVectors; ++v) weight[v] =
        Load<kWidth>(weight_of_tap + v * kWidth);
    NUMERAL_UNROLL_BLOCK for (int i = 0; i < kCount; ++i) {
      const float value = thin[i];
      NUMERAL_UNROLL_BLOCK for (int v = 0; v < kVectors; ++v) sums[i][v] += value * weight[v];
    }
  }
  if (block.slope != 1) {
    NUMERAL_UNROLL_BLOCK for (int i = 0; i < kCount; ++i) {
      NUMERAL_UNROLL_BLOCK for (int v = 0; v < kVectors; ++v) {
        sums[i][v] = sums[i][v] > 0 ? sums[i][v] : block.slope * sums[i][v];
      }
    }
  }
  NUMERAL_UNROLL_BLOCK for (int i = 0; i < kCount; ++i) {
    if (i >= block.count) break;
    NUMERAL_UNROLL_BLOCK for (int v = 0; v < kVectors; ++v) {
      Store<kWidth>(block.wide + i * block.pixel_elems + v * kWidth, sums[i][v]);
    }
  }
}

template <typename T, int kWidth>
class ThinToWide {
 public:
  ThinToWide(const Shape& shape, const T* thin, const float* weight, const float* bias,
             const Activation& activation, T* wide)
      : shape_(shape),
        thin_(thin),
        weight_(weight),
        bias_(bias),
        activation_(activation),
        slope_(activation.kind == ActivationKind::kLeakyRelu ? activation.slope : 1),
        wide_(wide),
        pixel_elems_(RoundUp(shape.channels, kWidth)),
        plane_(shape, kMaxPixels),
        slots_(ThreadSlots()),
        packed_(1, int64_t{shape.taps() + 1} * pixel_elems_),
        planes_(slots_, plane_.elems()),
        rows_(slots_, InPlace() ? 0 : int64_t{shape.wide_w} * pixel_elems_) {}

  void operator()() {
    Pack();
#pragma omp parallel num_threads(slots_) if (PaysForThreads(shape_.n * shape_.wide_elems()))
    {
      const int slot = omp_get_thread_num();
      const Range images = ThreadShare(shape_.n, 1);
      for (int64_t n = images.begin; n < images.end; ++n) {
        plane_.Fill(thin_ + n * shape_.thin_elems(), planes_[slot]);
        T* out = wide_ + n * shape_.wide_elems();
        for (int p = 0; p < shape_.wide_h; ++p, out += int64_t{shape_.wide_w} * shape_.channels) {
          Row(p, slot, out);
        }
      }
    }
  }

 private:
  // Whether sums can be formed where the results are stored.
  bool InPlace() const { return kIsFloat<T> && pixel_elems_ == shape_.channels; }

  // Row 0 is the bias, the others are taps; padded channels stay 0.
  void Pack() {
    for (int channel = 0; channel < shape_.channels; ++channel) {
      packed_[0][channel] = bias_ == nullptr ? 0 : bias_[channel];
    }
    for (int tap = 0; tap < shape_.taps(); ++tap) {
      float* to = packed_[0] + int64_t{tap + 1} * pixel_elems_;
      for (int channel = 0; channel < shape_.channels; ++channel) {
        to[channel] = weight_[shape_.WeightIndex(tap, channel)];
      }
    }
  }

  void Row(int p, int slot, T* out) {
    float* row = InPlace() ? reinterpret_cast<float*>(out) : rows_[slot];
    ForEachChannelBlock<kWidth>(pixel_elems_, [&](auto vectors, int channel) {
      constexpr int kVectors = decltype(vectors)::value;
      for (int q = 0; q < shape_.wide_w; q += kPixels<kVectors>) {
        SumTaps<kWidth, kVectors>({.thin = planes_[slot] + plane_.PixelOffset(p, q),
                                   .offsets = plane_.offsets().data(),
                                   .taps = shape_.taps(),
                                   .weight = packed_[0] + pixel_elems_ + channel,
                                   .bias = packed_[0] + channel,
                                   .pixel_elems = pixel_elems_,
                                   .slope = slope_,
                                   .wide = row + int64_t{q} * pixel_elems_ + channel,
                                   .count = std::min(kPixels<kVectors>, shape_.wide_w - q)});
      }
    });
    if (activation_.kind == ActivationKind::kTanh || activation_.kind == ActivationKind::kSigmoid) {
      AddAndActivate(0, activation_, row, int64_t{shape_.wide_w} * pixel_elems_);
    }
    if (!InPlace()) {
      CopyPixels(row, pixel_elems_, shape_.wide_w, shape_.channels, out, shape_.channels);
    }
  }

  Shape shape_;
  const T* thin_;
  const float *weight_, *bias_;
  Activation activation_;
  float slope_;
  T* wide_;
  int pixel_elems_;
  Plane plane_;
  int slots_;
  Scratch packed_, planes_, rows_;
};

}  // namespace

template <typename T>
Kernel MakeThinToWide(const Shape& shape, const T* thin, const float* weight, const float* bias,
                      const Activation& activation, T* wide) {
  if (FitsFewLanes(shape)) {
    return ThinToWide<T, kFewLanes>(shape, thin, weight, bias, activation, wide);
  }
  return ThinToWide<T, kLanes>(shape, thin, weight, bias, activation, wide);
}
template Kernel MakeThinToWide(const Shape&, const float*, const float*, const float*,
                               const Activation&, float*);
template Kernel MakeThinToWide(const Shape&, const Bf16*, const float*, const float*,
                               const Activation&, Bf16*);

}  // namespace numeral::cpu::thin
