#include "cpu/dft_planes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <type_traits>
#include <utility>

#include "cpu/vector.h"

namespace numeral::cpu::dft {
namespace {

constexpr int kMaxOutputs = 8;  // of a register block
// Handled together: an access to a plane is several cache lines then.
constexpr int kChannels = 4 * kLanes;

// What is used next is fetched meanwhile: a block's pixels and planes lie in so many places that
// the processor does not see them coming, and each would be waited for.
template <typename T>
inline void FetchToRead(const T* from) {
  __builtin_prefetch(from, 0, 2);
}
template <typename T>
inline void FetchToWrite(T* to) {
  __builtin_prefetch(to, 1, 2);
}

// outputs[o] = sum over i of table[i][o] * inputs[i], of one vector each, along some lines.
template <typename From, typename To>
struct Lines {
  const float* table;
  int64_t table_elems;
  int inputs;
  const From* from;
  int64_t from_elems, from_line_elems;
  To* to;
  int64_t to_elems, to_line_elems;
  int lines;
  int64_t from_ahead = 0, to_ahead = 0;  // from what is used to what will be
};

template <int kOutputs, bool kAdd, typename From, typename To>
void MultiplyBlock(const Lines<From, To>& l) {
  for (int line = 0; line < l.lines; ++line) {
    const From* from = l.from + line * l.from_line_elems;
    To* to = l.to + line * l.to_line_elems;
    Vector<kLanes> sums[kOutputs] = {};
    if constexpr (kAdd) {
      NUMERAL_UNROLL_BLOCK for (int o = 0; o < kOutputs; ++o) {
        sums[o] = Load<kLanes>(to + o * l.to_elems);
      }
    }
    const float* table = l.table;
    for (int i = 0; i < l.inputs; ++i, table += l.table_elems, from += l.from_elems) {
      const Vector<kLanes> input = Load<kLanes>(from);
      FetchToRead(from + l.from_ahead);
      NUMERAL_UNROLL_BLOCK for (int o = 0; o < kOutputs; ++o) sums[o] += table[o] * input;
    }
    NUMERAL_UNROLL_BLOCK for (int o = 0; o < kOutputs; ++o) {
      Store<kLanes>(to + o * l.to_elems, sums[o]);
      FetchToWrite(to + o * l.to_elems + l.to_ahead);
    }
  }
}

template <bool kAdd, typename From, typename To>
constexpr auto BlocksByOutputs() {
  return []<int... kLess>(std::integer_sequence<int, kLess...>) {
    return std::array{&MultiplyBlock<kLess + 1, kAdd, From, To>...};
  }
  (std::make_integer_sequence<int, kMaxOutputs>());
}

template <bool kAdd = false, typename From, typename To>
void Multiply(Lines<From, To> l, int outputs) {
  static constexpr auto kBlocks = BlocksByOutputs<kAdd, From, To>();
  for (int blocks = (outputs + kMaxOutputs - 1) / kMaxOutputs; blocks > 0; --blocks) {
    const int size = (outputs + blocks - 1) / blocks;
    kBlocks[static_cast<size_t>(size - 1)](l);
    l.table += size;
    l.to += size * l.to_elems;
    outputs -= size;
  }
}

// The slots of a circle's functions: a constant; cosine and sine of each frequency; and, where the
// length is even, what alternates.
bool HasAlternating(int length) { return length % 2 == 0; }
int PairCount(int length) { return (length - 1) / 2; }
std::vector<int> RealSlots(int length) {
  return HasAlternating(length) ? std::vector{0, length - 1} : std::vector{0};
}

int Positions(Operand operand, const Span& span) {
  switch (operand) {
    case Operand::kImage:
      return span.image;
    case Operand::kWeight:
      return span.kernel;
    default:
      return span.features;
  }
}

using V = Vector<kLanes>;

struct Complex {
  V real, imaginary;
};
struct Three {
  V first, second, third;
};

template <bool kStream, typename P>
inline void StorePlane(P* to, const V& value) {
  if constexpr (kStream) {
    Stream(to, value);
  } else {
    FetchToWrite(to + kChannels);
    Store<kLanes>(to, value);
  }
}

// Only the weights' planes carry the inverse transform's factor: 1 / length for a real frequency,
// twice that for one that stands for its conjugate too.
template <Operand kOperand>
float ScaleOf(int length) {
  return kOperand == Operand::kWeight ? 1 / static_cast<float>(length) : 1;
}
template <Operand kOperand>
inline V Scaled(const V& value, float scale) {
  return kOperand == Operand::kWeight ? value * scale : value;
}

// `sum` is that of the sines, so the imaginary part of the image, and of the others its negative,
// whose exponents are negative.
template <Operand kOperand>
inline Three Split(const V& real, const V& sum, float scale) {
  if constexpr (kOperand == Operand::kImage) return {real + sum, real, sum};
  if constexpr (kOperand == Operand::kFeatures) return {real + sum, sum, -real};
  return {real * scale, -(real + sum) * scale, (real - sum) * scale};
}
// The transpose.
template <Operand kOperand>
inline Complex Join(const Three& t, float scale) {
  if constexpr (kOperand == Operand::kImage) return {t.first + t.second, t.first + t.third};
  if constexpr (kOperand == Operand::kFeatures) return {t.first - t.third, t.first + t.second};
  return {(t.first - t.second + t.third) * scale, -(t.second + t.third) * scale};
}

// use.template operator()<operand>().
template <typename Use>
void WithOperand(Operand operand, const Use& use) {
  switch (operand) {
    case Operand::kImage:
      return use.template operator()<Operand::kImage>();
    case Operand::kWeight:
      return use.template operator()<Operand::kWeight>();
    case Operand::kFeatures:
      return use.template operator()<Operand::kFeatures>();
  }
}

}  // namespace

int GroupChannels() { return kLanes; }

int CircleLength(const Span& span) {
  return std::max({span.image + span.pad, span.features + span.kernel - 1 - span.pad, span.kernel});
}

int Torus::PlaneCount() const {
  const int real = (HasAlternating(rows) ? 2 : 1) * (HasAlternating(columns) ? 2 : 1);
  return real + 3 * (rows * columns - real) / 2;
}

Transform::Functions::Functions(int circle_length, int position_count, int shift)
    : length(circle_length),
      positions(position_count),
      by_position(static_cast<size_t>(length) * static_cast<size_t>(positions)),
      by_function(by_position.size()) {
  for (int i = 0; i < positions; ++i) {
    for (int slot = 0; slot < length; ++slot) {
      const int frequency = (slot + 1) / 2;
      const double turn = static_cast<double>(frequency * (i + shift) % length) / length;
      const double angle = 2 * std::numbers::pi * turn;
      // What alternates is the last cosine, whose slot is odd.
      const double value = slot == 0 || slot % 2 == 1 ? std::cos(angle) : std::sin(angle);
      by_position[static_cast<size_t>(i * length + slot)] = static_cast<float>(value);
      by_function[static_cast<size_t>(slot * positions + i)] = static_cast<float>(value);
    }
  }
}

Transform::Transform(Operand operand, const Torus& torus, const Span& row_span,
                     const Span& column_span)
    : operand_(operand),
      rows_(torus.rows, Positions(operand, row_span),
            operand == Operand::kImage ? row_span.pad : 0),
      columns_(torus.columns, Positions(operand, column_span),
               operand == Operand::kImage ? column_span.pad : 0) {
  const auto slot = [&](int row, int column) { return row * torus.columns + column; };
  for (const int row : RealSlots(torus.rows)) {
    for (const int column : RealSlots(torus.columns)) real_slots_.push_back(slot(row, column));
    for (int k = 0; k < PairCount(torus.columns); ++k) {
      pairs_.push_back({slot(row, 2 * k + 1), slot(row, 2 * k + 2)});
    }
  }
  for (int j = 0; j < PairCount(torus.rows); ++j) {
    const int cosine = 2 * j + 1, sine = 2 * j + 2;
    for (const int column : RealSlots(torus.columns)) {
      pairs_.push_back({slot(cosine, column), slot(sine, column)});
    }
    for (int k = 0; k < PairCount(torus.columns); ++k) {
      quads_.push_back({slot(cosine, 2 * k + 1), slot(sine, 2 * k + 2), slot(sine, 2 * k + 1),
                        slot(cosine, 2 * k + 2)});
    }
  }
}

template <Operand kOperand, bool kStream, typename P>
void Transform::PlanesOfSlots(const float* slots, int width, P* planes, int64_t plane_elems) const {
  const float once = ScaleOf<kOperand>(rows_.length * columns_.length), twice = 2 * once;
  const auto put = [&](const V& real, const V& imaginary, P* to) {
    const Three three = Split<kOperand>(real, imaginary, twice);
    StorePlane<kStream>(to, three.first);
    StorePlane<kStream>(to + plane_elems, three.second);
    StorePlane<kStream>(to + 2 * plane_elems, three.third);
  };
  for (const int slot : real_slots_) {
    for (int c = 0; c < width; c += kLanes) {
      StorePlane<kStream>(planes + c,
                          Scaled<kOperand>(Load<kLanes>(slots + slot * width + c), once));
    }
    planes += plane_elems;
  }
  for (const Pair& pair : pairs_) {
    for (int c = 0; c < width; c += kLanes) {
      put(Load<kLanes>(slots + pair.cosine * width + c),
          Load<kLanes>(slots + pair.sine * width + c), planes + c);
    }
    planes += 3 * plane_elems;
  }
  for (const Quad& quad : quads_) {
    for (int c = 0; c < width; c += kLanes) {
      const V cosine_cosine = Load<kLanes>(slots + quad.cosine_cosine * width + c);
      const V sine_sine = Load<kLanes>(slots + quad.sine_sine * width + c);
      const V sine_cosine = Load<kLanes>(slots + quad.sine_cosine * width + c);
      const V cosine_sine = Load<kLanes>(slots + quad.cosine_sine * width + c);
      put(cosine_cosine - sine_sine, sine_cosine + cosine_sine, planes + c);
      put(cosine_cosine + sine_sine, sine_cosine - cosine_sine, planes + 3 * plane_elems + c);
    }
    planes += 6 * plane_elems;
  }
}

template <Operand kOperand>
void Transform::SlotsOfPlanes(const float* planes, int64_t plane_elems, int width,
                              float* slots) const {
  const float once = ScaleOf<kOperand>(rows_.length * columns_.length), twice = 2 * once;
  const auto get = [&](const float* from) {
    for (int i = 0; i < 3; ++i) FetchToRead(from + kChannels + i * plane_elems);
    return Join<kOperand>({Load<kLanes>(from), Load<kLanes>(from + plane_elems),
                           Load<kLanes>(from + 2 * plane_elems)},
                          twice);
  };
  for (const int slot : real_slots_) {
    for (int c = 0; c < width; c += kLanes) {
      Store<kLanes>(slots + slot * width + c, Scaled<kOperand>(Load<kLanes>(planes + c), once));
    }
    planes += plane_elems;
  }
  for (const Pair& pair : pairs_) {
    for (int c = 0; c < width; c += kLanes) {
      const Complex value = get(planes + c);
      Store<kLanes>(slots + pair.cosine * width + c, value.real);
      Store<kLanes>(slots + pair.sine * width + c, value.imaginary);
    }
    planes += 3 * plane_elems;
  }
  for (const Quad& quad : quads_) {
    for (int c = 0; c < width; c += kLanes) {
      const Complex minus = get(planes + c), plus = get(planes + 3 * plane_elems + c);
      Store<kLanes>(slots + quad.cosine_cosine * width + c, minus.real + plus.real);
      Store<kLanes>(slots + quad.sine_sine * width + c, plus.real - minus.real);
      Store<kLanes>(slots + quad.sine_cosine * width + c, minus.imaginary + plus.imaginary);
      Store<kLanes>(slots + quad.cosine_sine * width + c, minus.imaginary - plus.imaginary);
    }
    planes += 6 * plane_elems;
  }
}

int64_t Transform::ScratchElems() const {
  return int64_t{kChannels} * columns_.length * (rows_.positions + rows_.length);
}

template <typename T, typename P>
void Transform::ToPlanes(const T* pixels, const Window& window, int channels, P* planes,
                         int64_t plane_elems, float* scratch, int64_t next_pixels,
                         bool stream) const {
  for (int channel = 0; channel < channels; channel += kChannels) {
    const int width = std::min(kChannels, channels - channel);
    const int64_t ahead = channel + kChannels < channels ? kChannels : next_pixels - channel;
    const int64_t line_elems = int64_t{width} * columns_.length;
    float *lines = scratch, *slots = scratch + line_elems * rows_.positions;
    for (int c = 0; c < width; c += kLanes) {
      Multiply(Lines{columns_.by_position.data() + window.first_column * columns_.length,
                     columns_.length, window.columns, pixels + channel + c, window.pixel_elems,
                     window.row_elems, lines + c, width, line_elems, window.rows, ahead},
               columns_.length);
      Multiply(Lines{rows_.by_position.data() + window.first_row * rows_.length, rows_.length,
                     window.rows, lines + c, line_elems, width, slots + c, line_elems, width,
                     columns_.length},
               rows_.length);
    }
    WithOperand(operand_, [&]<Operand kOperand>() {
      if constexpr (std::is_same_v<P, float>) {
        if (stream) {
          return PlanesOfSlots<kOperand, true>(slots, width, planes + channel, plane_elems);
        }
      }
      PlanesOfSlots<kOperand, false>(slots, width, planes + channel, plane_elems);
    });
  }
}

template <typename T>
void Transform::FromPlanes(const float* planes, int64_t plane_elems, int channels, bool add,
                           T* pixels, const Window& window, float* scratch,
                           int64_t next_pixels) const {
  for (int channel = 0; channel < channels; channel += kChannels) {
    const int width = std::min(kChannels, channels - channel);
    const int64_t ahead = channel + kChannels < channels ? kChannels : next_pixels - channel;
    const int64_t line_elems = int64_t{width} * columns_.length;
    float *lines = scratch, *slots = scratch + line_elems * rows_.positions;
    WithOperand(operand_, [&]<Operand kOperand>() {
      SlotsOfPlanes<kOperand>(planes + channel, plane_elems, width, slots);
    });
    for (int c = 0; c < width; c += kLanes) {
      Multiply(Lines{rows_.by_function.data() + window.first_row, rows_.positions, rows_.length,
                     slots + c, line_elems, width, lines + c, line_elems, width, columns_.length},
               window.rows);
      const Lines last{columns_.by_function.data() + window.first_column,
                       columns_.positions,
                       columns_.length,
                       lines + c,
                       width,
                       line_elems,
                       pixels + channel + c,
                       window.pixel_elems,
                       window.row_elems,
                       window.rows,
                       0,
                       ahead};
      add ? Multiply<true>(last, window.columns) : Multiply(last, window.columns);
    }
  }
}

template void Transform::ToPlanes(const float*, const Window&, int, float*, int64_t, float*,
                                  int64_t, bool) const;
template void Transform::ToPlanes(const float*, const Window&, int, Bf16*, int64_t, float*, int64_t,
                                  bool) const;
template void Transform::ToPlanes(const Bf16*, const Window&, int, float*, int64_t, float*, int64_t,
                                  bool) const;
template void Transform::ToPlanes(const Bf16*, const Window&, int, Bf16*, int64_t, float*, int64_t,
                                  bool) const;
template void Transform::FromPlanes(const float*, int64_t, int, bool, float*, const Window&, float*,
                                    int64_t) const;
template void Transform::FromPlanes(const float*, int64_t, int, bool, Bf16*, const Window&, float*,
                                    int64_t) const;

}  // namespace numeral::cpu::dft
