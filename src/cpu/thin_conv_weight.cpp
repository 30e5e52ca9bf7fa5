// Weight gradient of the thin convolutions.
//
// grad(tap, channel) (+)= sum over images and wide pixels of wide[pixel][channel] * thin[pixel at
// tap]. Reads both tensors once from memory and the wide one again from cache for each block of
// taps; taps * channels multiply-adds per wide pixel, which bound it. A block of taps by channels
// stays in registers over the pixels of a band of rows. Numerics: fp32 within a chunk of images,
// double over the chunks, in their order. Threads take chunks, which depend on the batch size only:
// so do the bits.
#include <algorithm>
#include <array>

#include "cpu/gradient_mode.h"
#include "cpu/parallel.h"
#include "cpu/thin_conv_parts.h"

namespace numeral::cpu::thin {
namespace {

constexpr int kMaxChunks = 32;
// Of the wide tensor, so that a band and the sums fit into a first-level cache of 32 KiB.
constexpr int kBandElems = 4096;

// Taps of a register block: as many as registers allow, but no less than kMinTaps.
constexpr int kMinTaps = 3;
constexpr int kMaxTaps = kManyRegisters ? 7 : 5;

struct Block {
  const float* thin;  // the band's first pixel, first tap of all
  int64_t thin_row_elems;
  const int* offsets;  // of the block's taps
  const float* wide;   // the band's first pixel, first channel of the block
  int64_t pixel_elems;
  int rows, columns;
  float* sums;  // [taps of the block][pixel_elems], at the first channel of the block
};

template <int kWidth, int kVectors, int kTaps>
void SumPixels(const Block& block) {
  Vector<kWidth> sums[kTaps][kVectors];
  NUMERAL_UNROLL_BLOCK for (int t = 0; t < kTaps; ++t) {
    NUMERAL_UNROLL_BLOCK for (int v = 0; v < kVectors; ++v) {
      sums[t][v] = Load<kWidth>(block.sums + t * block.pixel_elems + v * kWidth);
    }
  }
  const float* wide = block.wide;
  for (int row = 0; row < block.rows; ++row) {
    const float* thin[kTaps];
    NUMERAL_UNROLL_BLOCK for (int t = 0; t < kTaps; ++t) {
      thin[t] = block.thin + row * block.thin_row_elems + block.offsets[t];
    }
    for (int q = 0; q < block.columns; ++q, wide += block.pixel_elems) {
      Vector<kWidth> pixel[kVectors];
      NUMERAL_UNROLL_BLOCK for (int v = 0; v < kVectors; ++v) pixel[v] =
          Load<kWidth>(wide + v * kWidth);
      NUMERAL_UNROLL_BLOCK for (int t = 0; t < kTaps; ++t) {
        const float value = thin[t][q];
        NUMERAL_UNROLL_BLOCK for (int v = 0; v < kVectors; ++v) sums[t][v] += value * pixel[v];
      }
    }
  }
  NUMERAL_UNROLL_BLOCK for (int t = 0; t < kTaps; ++t) {
    NUMERAL_UNROLL_BLOCK for (int v = 0; v < kVectors; ++v) {
      Store<kWidth>(block.sums + t * block.pixel_elems + v * kWidth, sums[t][v]);
    }
  }
}

// SumPixels for kMinTaps, kMinTaps + 1, ... taps.
template <int kWidth, int kVectors>
constexpr auto SumPixelsByTaps() {
  return []<int... kMore>(std::integer_sequence<int, kMore...>) {
    return std::array{&SumPixels<kWidth, kVectors, kMinTaps + kMore>...};
  }
  (std::make_integer_sequence<int, kMaxTaps - kMinTaps + 1>());
}

struct TapBlock {
  int first, count;
};

// As few blocks as possible, of nearly equal sizes. `taps` is at least kMinTaps.
std::vector<TapBlock> SplitTaps(int taps) {
  const int blocks = (taps + kMaxTaps - 1) / kMaxTaps;
  std::vector<TapBlock> split;
  for (int i = 0; i < blocks; ++i) {
    const int first = taps * i / blocks;
    split.push_back({first, taps * (i + 1) / blocks - first});
  }
  return split;
}

template <typename T, int kWidth>
class WeightGradient {
 public:
  WeightGradient(const Shape& shape, const T* thin, const T* wide, float* grad_weight,
                 GradientMode mode)
      : shape_(shape),
        thin_(thin),
        wide_(wide),
        grad_weight_(grad_weight),
        mode_(mode),
        pixel_elems_(RoundUp(shape.channels, kWidth)),
        plane_(shape, 0),
        offsets_(plane_.offsets()),
        band_rows_(std::clamp(kBandElems / (shape.wide_w * pixel_elems_), 1, shape.wide_h)),
        slots_(ThreadSlots()),
        chunks_(std::min(shape.n, kMaxChunks)),
        planes_(slots_, plane_.elems()),
        bands_(slots_, InPlace() ? 0 : int64_t{band_rows_} * shape.wide_w * pixel_elems_) {
    // Some more taps, whose sums are dropped.
    while (static_cast<int>(offsets_.size()) < kMinTaps) offsets_.push_back(0);
    tap_blocks_ = SplitTaps(static_cast<int>(offsets_.size()));
    sums_elems_ = static_cast<int64_t>(offsets_.size()) * pixel_elems_;
    sums_ = Scratch(chunks_, sums_elems_);
  }

  void operator()() {
#pragma omp parallel num_threads(slots_) if (PaysForThreads(shape_.n * shape_.wide_elems()))
    {
      const Range chunks = ThreadShare(chunks_, 1);
      for (int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) SumChunk(chunk);
#pragma omp barrier
      const Range taps = ThreadShare(shape_.taps(), 1);
      WithMode(mode_, [&](auto accumulate) {
        for (int64_t tap = taps.begin; tap < taps.end; ++tap) {
          AddChunks<decltype(accumulate)::value>(static_cast<int>(tap));
        }
      });
    }
  }

 private:
  // Whether sums can be formed from the wide tensor where it lies.
  bool InPlace() const { return kIsFloat<T> && pixel_elems_ == shape_.channels; }

  void SumChunk(int64_t chunk) {
    float* sums = sums_[chunk];
    std::fill_n(sums, sums_elems_, 0.0f);
    const int64_t end = int64_t{shape_.n} * (chunk + 1) / chunks_;
    const int slot = omp_get_thread_num();
    for (int64_t n = int64_t{shape_.n} * chunk / chunks_; n < end; ++n) {
      plane_.Fill(thin_ + n * shape_.thin_elems(), planes_[slot]);
      for (int p = 0; p < shape_.wide_h; p += band_rows_) SumBand(n, p, slot, sums);
    }
  }

  void SumBand(int64_t n, int p, int slot, float* sums) {
    const int rows = std::min(band_rows_, shape_.wide_h - p);
    const T* from = wide_ + n * shape_.wide_elems() + int64_t{p} * shape_.wide_w * shape_.channels;
    const float* wide = InPlace() ? reinterpret_cast<const float*>(from) : bands_[slot];
    if (!InPlace()) {  // padded channels stay 0
      CopyPixels(from, shape_.channels, int64_t{rows} * shape_.wide_w, shape_.channels,
                 bands_[slot], pixel_elems_);
    }
    ForEachChannelBlock<kWidth>(pixel_elems_, [&](auto vectors, int channel) {
      static constexpr auto kSumPixels = SumPixelsByTaps<kWidth, decltype(vectors)::value>();
      for (const TapBlock& taps : tap_blocks_) {
        kSumPixels[static_cast<size_t>(taps.count - kMinTaps)](
            {.thin = planes_[slot] + plane_.PixelOffset(p, 0),
             .thin_row_elems = plane_.row_elems(),
             .offsets = offsets_.data() + taps.first,
             .wide = wide + channel,
             .pixel_elems = pixel_elems_,
             .rows = rows,
             .columns = shape_.wide_w,
             .sums = sums + int64_t{taps.first} * pixel_elems_ + channel});
      }
    });
  }

  template <bool kAccumulate>
  void AddChunks(int tap) {
    for (int first = 0; first < shape_.channels; first += kLanes) {
      const int count = std::min(kLanes, shape_.channels - first);
      double totals[kLanes] = {};
      for (int64_t chunk = 0; chunk < chunks_; ++chunk) {
        const float* sums = sums_[chunk] + int64_t{tap} * pixel_elems_ + first;
        for (int i = 0; i < count; ++i) totals[i] += static_cast<double>(sums[i]);
      }
      for (int i = 0; i < count; ++i) {
        Put<kAccumulate>(static_cast<float>(totals[i]),
                         grad_weight_[shape_.WeightIndex(tap, first + i)]);
      }
    }
  }

  Shape shape_;
  const T *thin_, *wide_;
  float* grad_weight_;
  GradientMode mode_;
  int pixel_elems_;  // channels with their padding
  Plane plane_;
  std::vector<int> offsets_;
  int band_rows_;
  int slots_;
  int chunks_;
  Scratch planes_, bands_, sums_{0, 0};
  std::vector<TapBlock> tap_blocks_;
  int64_t sums_elems_ = 0;
};

}  // namespace

template <typename T>
Kernel MakeWeightGradient(const Shape& shape, const T* thin, const T* wide, float* grad_weight,
                          GradientMode mode) {
  if (FitsFewLanes(shape)) {
    return WeightGradient<T, kFewLanes>(shape, thin, wide, grad_weight, mode);
  }
  return WeightGradient<T, kLanes>(shape, thin, wide, grad_weight, mode);
}
template Kernel MakeWeightGradient(const Shape&, const float*, const float*, float*, GradientMode);
template Kernel MakeWeightGradient(const Shape&, const Bf16*, const Bf16*, float*, GradientMode);

}  // namespace numeral::cpu::thin
