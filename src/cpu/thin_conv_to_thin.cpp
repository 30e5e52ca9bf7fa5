// Thin convolution from many channels to one: backward data for c == 1, forward for k == 1.
//
// thin[y][x] = act(sum over channels and the taps that reach (y, x) of wide * weight + bias).
// Copies each wide image once into padded, vector-major memory (about a tenth of the time at 3x3,
// nothing at 7x7); taps * channels multiply-adds per wide pixel. Input channels lie in lanes, a
// block of neighbouring outputs shares each weight and pixel it loads, and the lanes are added up
// last. With a stride, outputs of equal remainders see the same taps: each such phase is a dense
// convolution of its own. Sums are fp32: one per lane, then over the lanes as a tree. Threads take
// images; no result depends on their number.
#include <algorithm>
#include <array>
#include <utility>

#include "cpu/parallel.h"
#include "cpu/thin_conv_parts.h"

namespace numeral::cpu::thin {
namespace {

// Outputs of a register block, and the accumulators that are added up for them.
constexpr int kPixels = 14;
constexpr int kSums = 16;
constexpr int kRowsAhead = 2;

int FloorDivide(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// Along one axis, padded thin coordinate x + pad = phase + stride * m receives tap phase + stride *
// j from wide coordinate m - j.
struct Axis {
  int stride, pad, kernel;
  int first, size;  // wide coordinates that are ever read, inside of the image or not

  Axis(int stride_in, int pad_in, int kernel_in, int thin_size)
      : stride(stride_in), pad(pad_in), kernel(kernel_in) {
    first = FloorDivide(pad, stride) - (RoundUp(kernel, stride) / stride - 1);
    size = FloorDivide(pad + thin_size - 1, stride) - first + 1;
  }
  int Taps(int phase) const { return phase < kernel ? (kernel - phase - 1) / stride + 1 : 0; }
  // Of m, from the first coordinate that is read.
  int Position(int x) const { return FloorDivide(x + pad, stride) - first; }
  int Phase(int x) const { return x + pad - stride * FloorDivide(x + pad, stride); }
};

// A vector of channels of all taps that one row of wide pixels has for an output.
struct Term {
  int offset;  // from the output's position to the vector of its first tap; others lie to the left
  int row;     // of taps
  int channel;
};

// The sum of neighbouring floats, or blocks of kUnit floats, of two vectors: within each group of
// kGroup units, the sums of a come first, those of b follow.
template <int kUnit, int kGroup, typename V, size_t... kLane>
inline V AddPairs(V a, V b, std::index_sequence<kLane...>) {
  constexpr int kWidth = sizeof...(kLane);
  constexpr auto kFirstOfPair = [](int lane) {
    const int unit = lane / kUnit % kGroup, half = kGroup / 2;
    return (unit < half ? 0 : kWidth) + lane / (kUnit * kGroup) * (kUnit * kGroup) +
           unit % half * 2 * kUnit + lane % kUnit;
  };
  return __builtin_shufflevector(a, b, kFirstOfPair(kLane)...) +
         __builtin_shufflevector(a, b, (kFirstOfPair(kLane) + kUnit)...);
}

// Leaves the sum of all lanes of vectors[i] in lane i of vectors[0]: first within each four lanes,
// then over the fours, which keeps most shuffles within 128 bits.
template <int kWidth, int kResults = kWidth / 2>
inline void AddLanes(Vector<kWidth>* vectors) {
  constexpr bool kWithinFours = kResults >= kWidth / 4;
  constexpr int kUnit = kWithinFours ? 1 : 4, kGroup = kWithinFours ? 4 : kWidth / 4;
  NUMERAL_UNROLL_BLOCK for (int i = 0; i < kResults; ++i) {
    vectors[i] = AddPairs<kUnit, kGroup>(vectors[2 * i], vectors[2 * i + 1],
                                         std::make_index_sequence<kWidth>());
  }
  if constexpr (kResults > 1) AddLanes<kWidth, kResults / 2>(vectors);
}

// Each wide vector is loaded once for all of its kTaps outputs. `weight` is [terms][kTaps][kWidth].
template <int kWidth, int kTaps>
void SumTerms(const float* wide, const float* weight, const Term* terms, int count,
              float* results) {
  Vector<kWidth> sums[kSums] = {};
  for (int t = 0; t < count; ++t, weight += kTaps * kWidth) {
    const float* pixels = wide + terms[t].offset;
    Vector<kWidth> w[kTaps];
    NUMERAL_UNROLL_BLOCK for (int tap = 0; tap < kTaps; ++tap) w[tap] =
        Load<kWidth>(weight + tap * kWidth);
    NUMERAL_UNROLL_BLOCK for (int i = 1 - kTaps; i < kPixels; ++i) {
      Vector<kWidth> pixel = Load<kWidth>(pixels + i * kWidth);
      KeepInRegister(pixel);
      NUMERAL_UNROLL_BLOCK for (int tap = 0; tap < kTaps; ++tap) {
        if (i + tap >= 0 && i + tap < kPixels) sums[i + tap] += pixel * w[tap];
      }
    }
  }
  NUMERAL_UNROLL_BLOCK for (int i = 0; i < kSums; i += kWidth) {
    AddLanes<kWidth>(sums + i);
    Store<kWidth>(results + i, sums[i]);
  }
}

// SumTerms for 1, 2, ... kMaxKernel taps.
template <int kWidth>
constexpr auto SumTermsByTaps() {
  return []<int... kFewer>(std::integer_sequence<int, kFewer...>) {
    return std::array{&SumTerms<kWidth, kFewer + 1>...};
  }
  (std::make_integer_sequence<int, kMaxKernel>());
}

// Outputs of equal remainders modulo the strides: their terms and the weights of these.
struct Phase {
  int taps;  // of a term
  std::vector<Term> terms;
  int64_t first_weight;
};

template <typename T, int kWidth>
class WideToThin {
 public:
  WideToThin(const Shape& shape, const T* wide, const float* weight, const float* bias,
             const Activation& activation, T* thin)
      : shape_(shape),
        wide_(wide),
        weight_(weight),
        bias_(bias),
        activation_(activation),
        thin_(thin),
        vectors_(RoundUp(shape.channels, kWidth) / kWidth),
        rows_(shape.stride_h, shape.pad_top, shape.r, shape.thin_h),
        columns_(shape.stride_w, shape.pad_left, shape.s, shape.thin_w),
        vector_elems_((columns_.size + kPixels - 1) * kWidth),
        row_elems_(int64_t{vectors_} * vector_elems_),
        slots_(ThreadSlots()),
        packed_(1, int64_t{shape.taps()} * vectors_ * kWidth),
        images_(slots_, rows_.size * row_elems_),
        sums_(slots_, kIsFloat<T> ? 0 : shape.thin_elems()) {
    int64_t first_weight = 0;
    for (int y = 0; y < rows_.stride; ++y) {
      for (int x = 0; x < columns_.stride; ++x) {
        phases_.push_back(MakePhase(y, x, first_weight));
        first_weight +=
            static_cast<int64_t>(phases_.back().terms.size()) * phases_.back().taps * kWidth;
      }
    }
  }

  void operator()() {
    Pack();
#pragma omp parallel num_threads(slots_) if (PaysForThreads(shape_.n * shape_.wide_elems()))
    {
      const int slot = omp_get_thread_num();
      float* image = images_[slot];
      const Range images = ThreadShare(shape_.n, 1);
      for (int64_t n = images.begin; n < images.end; ++n) {
        const T* wide = wide_ + n * shape_.wide_elems();
        T* thin = thin_ + n * shape_.thin_elems();
        float* out = kIsFloat<T> ? reinterpret_cast<float*>(thin) : sums_[slot];
        for (int y = 0, row = 0; y < shape_.thin_h; ++y) {
          // Line reads up to the row of its position: copied just before, it is still in cache.
          for (; row <= rows_.Position(y); ++row) FillRow(wide, row, image);
          Line(image, y, out + int64_t{y} * shape_.thin_w);
        }
        if (bias_ != nullptr || activation_.kind != ActivationKind::kIdentity) {
          AddAndActivate(bias_ == nullptr ? 0 : *bias_, activation_, out, shape_.thin_elems());
        }
        if (!kIsFloat<T>) CopyPixels(out, 1, shape_.thin_elems(), 1, thin, 1);
      }
    }
  }

 private:
  Phase MakePhase(int y, int x, int64_t first_weight) const {
    Phase phase{columns_.Taps(x), {}, first_weight};
    if (phase.taps == 0) return phase;
    for (int j = 0; j < rows_.Taps(y); ++j) {
      for (int v = 0; v < vectors_; ++v) {
        phase.terms.push_back({static_cast<int>(-j * row_elems_) + v * vector_elems_,
                               y + j * rows_.stride, v * kWidth});
      }
    }
    return phase;
  }

  // In the order of the terms; padded channels stay 0.
  void Pack() {
    float* to = packed_[0];
    for (int i = 0; i < static_cast<int>(phases_.size()); ++i) {
      const Phase& phase = phases_[static_cast<size_t>(i)];
      for (const Term& term : phase.terms) {
        const int lanes = std::min(kWidth, shape_.channels - term.channel);
        for (int t = 0; t < phase.taps; ++t, to += kWidth) {
          const int tap = term.row * shape_.s + i % columns_.stride + t * columns_.stride;
          for (int lane = 0; lane < lanes; ++lane) {
            to[lane] = weight_[shape_.WeightIndex(tap, term.channel + lane)];
          }
        }
      }
    }
  }

  // NHWC to [vector of channels][column], where it is read. Padding stays 0.
  void FillRow(const T* wide, int row, float* image) const {
    const int p = rows_.first + row;
    const int first_q = std::max(0, columns_.first);
    const int end_q = std::min(shape_.wide_w, columns_.first + columns_.size);
    if (p < 0 || p >= shape_.wide_h || first_q >= end_q) return;
    const T* from = wide + (int64_t{p} * shape_.wide_w + first_q) * shape_.channels;
    PrefetchRow(wide - wide_ + int64_t{p + kRowsAhead} * shape_.wide_w * shape_.channels);
    float* to = image + row * row_elems_ + (first_q - columns_.first) * kWidth;
    for (int channel = 0; channel < shape_.channels; channel += kWidth, to += vector_elems_) {
      FillVectors(from + channel, shape_.channels, end_q - first_q, shape_.channels - channel, to);
    }
  }

  // To the second-level cache; the row may belong to the next image. Copying in vectors of channels
  // strides over memory, which the processor does not foresee: without this it takes half as long
  // again where the tensor does not fit into that cache.
  void PrefetchRow(int64_t offset) const {
    const int64_t elems = int64_t{shape_.wide_w} * shape_.channels;
    if (offset + elems > shape_.n * shape_.wide_elems()) return;
    constexpr int64_t kLineElems = kCacheLineElems * sizeof(float) / sizeof(T);
    for (int64_t i = 0; i < elems; i += kLineElems) __builtin_prefetch(wide_ + offset + i, 0, 2);
  }

  // The first kWidth of `lanes` channels of neighbouring pixels.
  static void FillVectors(const T* from, int64_t channels, int pixels, int lanes, float* to) {
    if (lanes >= kWidth) {
      for (int q = 0; q < pixels; ++q)
        Store<kWidth>(to + q * kWidth, Load<kWidth>(from + q * channels));
    } else {
      for (int q = 0; q < pixels; ++q) std::copy_n(from + q * channels, lanes, to + q * kWidth);
    }
  }

  void Line(const float* image, int y, float* out) {
    static constexpr auto kSumTerms = SumTermsByTaps<kWidth>();
    const float* row = image + rows_.Position(y) * row_elems_;
    const int stride = columns_.stride, step = kPixels * stride;
    for (int x0 = 0; x0 < std::min(stride, shape_.thin_w); ++x0) {
      const Phase& phase =
          phases_[static_cast<size_t>(rows_.Phase(y) * stride + columns_.Phase(x0))];
      const auto sum_terms = kSumTerms[static_cast<size_t>(std::max(phase.taps, 1) - 1)];
      const float* pixels = row + columns_.Position(x0) * kWidth;
      for (int x = x0; x < shape_.thin_w; x += step, pixels += kPixels * kWidth) {
        alignas(64) float results[kSums];
        sum_terms(pixels, packed_[0] + phase.first_weight, phase.terms.data(),
                  static_cast<int>(phase.terms.size()), results);
        const int end = std::min(shape_.thin_w, x + step);
        for (int i = 0; x + i * stride < end; ++i) out[x + i * stride] = results[i];
      }
    }
  }

  Shape shape_;
  const T* wide_;
  const float *weight_, *bias_;
  Activation activation_;
  T* thin_;
  int vectors_;
  Axis rows_, columns_;
  int vector_elems_;  // one vector of channels of a row
  int64_t row_elems_;
  int slots_;
  Scratch packed_, images_, sums_;
  std::vector<Phase> phases_;  // [stride_h][stride_w]
};

}  // namespace

template <typename T>
Kernel MakeWideToThin(const Shape& shape, const T* wide, const float* weight, const float* bias,
                      const Activation& activation, T* thin) {
  if (FitsFewLanes(shape)) {
    return WideToThin<T, kFewLanes>(shape, wide, weight, bias, activation, thin);
  }
  return WideToThin<T, kLanes>(shape, wide, weight, bias, activation, thin);
}
template Kernel MakeWideToThin(const Shape&, const float*, const float*, const float*,
                               const Activation&, float*);
template Kernel MakeWideToThin(const Shape&, const Bf16*, const float*, const float*,
                               const Activation&, Bf16*);

}  // namespace numeral::cpu::thin
