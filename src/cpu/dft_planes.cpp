#include "cpu/dft_planes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "cpu/vector.h"

namespace numeral::cpu::dft {
namespace {

constexpr int kMaxOutputs = 8;  // of a register block
// Handled together: an access to a plane is several cache lines then.
constexpr int kChannels = 4 * kLanes;

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
};

template <int kOutputs, bool kAdd, typename From, typename To>
void MultiplyBlock(const Lines<From, To>& l) {
  for (int line = 0; line < l.lines; ++line) {
    const From* from = l.from + line * l.from_line_elems;
    To* to = l.to + line * l.to_line_elems;
    Vector<kLanes> sums[kOutputs] = {};
    if constexpr (kAdd) {
      NUMERAL_UNROLL for (int o = 0; o < kOutputs; ++o) {
        sums[o] = Load<kLanes>(to + o * l.to_elems);
      }
    }
    const float* table = l.table;
    for (int i = 0; i < l.inputs; ++i, table += l.table_elems, from += l.from_elems) {
      const Vector<kLanes> input = Load<kLanes>(from);
      NUMERAL_UNROLL for (int o = 0; o < kOutputs; ++o) sums[o] += table[o] * input;
    }
    NUMERAL_UNROLL for (int o = 0; o < kOutputs; ++o) {
      Store<kLanes>(to + o * l.to_elems, sums[o]);
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
    : rows_(torus.rows, Positions(operand, row_span),
            operand == Operand::kImage ? row_span.pad : 0),
      columns_(torus.columns, Positions(operand, column_span),
               operand == Operand::kImage ? column_span.pad : 0) {
  AddPlanes(operand, torus);
}

void Transform::AddPlanes(Operand operand, const Torus& torus) {
  const float once = 1.0f / static_cast<float>(torus.rows * torus.columns);
  const float real_scale = operand == Operand::kWeight ? once : 1;
  const float pair_scale = operand == Operand::kWeight ? 2 * once : 1;
  const float sign = operand == Operand::kImage ? 1 : -1;  // of the exponent
  const auto slot = [&](int row, int column) { return row * torus.columns + column; };
  for (const int row : RealSlots(torus.rows)) {
    for (const int column : RealSlots(torus.columns)) {
      AddPlane({{slot(row, column), real_scale}});
    }
    for (int k = 0; k < PairCount(torus.columns); ++k) {
      AddComplex(operand, pair_scale, {{slot(row, 2 * k + 1), 1}}, {{slot(row, 2 * k + 2), sign}});
    }
  }
  for (int j = 0; j < PairCount(torus.rows); ++j) {
    const int cosine = 2 * j + 1, sine = 2 * j + 2;
    for (const int column : RealSlots(torus.columns)) {
      AddComplex(operand, pair_scale, {{slot(cosine, column), 1}}, {{slot(sine, column), sign}});
    }
    for (int k = 0; k < PairCount(torus.columns); ++k) {
      const int cc = slot(cosine, 2 * k + 1), cs = slot(cosine, 2 * k + 2);
      const int sc = slot(sine, 2 * k + 1), ss = slot(sine, 2 * k + 2);
      AddComplex(operand, pair_scale, {{cc, 1}, {ss, -1}}, {{sc, sign}, {cs, sign}});
      AddComplex(operand, pair_scale, {{cc, 1}, {ss, 1}}, {{sc, sign}, {cs, -sign}});
    }
  }
}

void Transform::AddPlane(std::vector<Term> terms) {
  planes_.push_back({static_cast<int>(terms_.size()), static_cast<int>(terms.size())});
  terms_.insert(terms_.end(), terms.begin(), terms.end());
}

void Transform::AddComplex(Operand operand, float scale, const std::vector<Term>& real,
                           const std::vector<Term>& imaginary) {
  const auto add = [&](float real_factor, float imaginary_factor) {
    std::vector<Term> terms;
    const auto append = [&](const std::vector<Term>& part, float factor) {
      for (const Term& term : part) {
        if (factor != 0) terms.push_back({term.slot, term.factor * factor * scale});
      }
    };
    append(real, real_factor);
    append(imaginary, imaginary_factor);
    AddPlane(std::move(terms));
  };
  switch (operand) {
    case Operand::kImage:
      add(1, 1), add(1, 0), add(0, 1);
      break;
    case Operand::kWeight:
      add(1, 0), add(-1, 1), add(1, 1);
      break;
    case Operand::kFeatures:
      add(1, -1), add(0, -1), add(-1, 0);
      break;
  }
}

int64_t Transform::ScratchElems() const {
  return int64_t{kChannels} * columns_.length * (rows_.positions + rows_.length);
}

template <typename T>
void Transform::ToPlanes(const T* pixels, const Window& window, int channels, float* planes,
                         int64_t plane_elems, float* scratch) const {
  for (int channel = 0; channel < channels; channel += kChannels) {
    const int width = std::min(kChannels, channels - channel);
    const int64_t line_elems = int64_t{width} * columns_.length;
    float *lines = scratch, *slots = scratch + line_elems * rows_.positions;
    for (int c = 0; c < width; c += kLanes) {
      Multiply(Lines{columns_.by_position.data() + window.first_column * columns_.length,
                     columns_.length, window.columns, pixels + channel + c, window.pixel_elems,
                     window.row_elems, lines + c, width, line_elems, window.rows},
               columns_.length);
      Multiply(Lines{rows_.by_position.data() + window.first_row * rows_.length, rows_.length,
                     window.rows, lines + c, line_elems, width, slots + c, line_elems, width,
                     columns_.length},
               rows_.length);
    }
    float* to = planes + channel;
    for (const Plane& plane : planes_) {
      const Term* terms = &terms_[static_cast<size_t>(plane.first)];
      for (int c = 0; c < width; c += kLanes) {
        Vector<kLanes> sum = terms[0].factor * Load<kLanes>(slots + terms[0].slot * width + c);
        for (int i = 1; i < plane.count; ++i) {
          sum += terms[i].factor * Load<kLanes>(slots + terms[i].slot * width + c);
        }
        Store<kLanes>(to + c, sum);
      }
      to += plane_elems;
    }
  }
}

template <typename T>
void Transform::FromPlanes(const float* planes, int64_t plane_elems, int channels, bool add,
                           T* pixels, const Window& window, float* scratch) const {
  for (int channel = 0; channel < channels; channel += kChannels) {
    const int width = std::min(kChannels, channels - channel);
    const int64_t line_elems = int64_t{width} * columns_.length;
    float *lines = scratch, *slots = scratch + line_elems * rows_.positions;
    std::fill(slots, slots + line_elems * rows_.length, 0.0f);
    const float* from = planes + channel;
    for (const Plane& plane : planes_) {
      for (int c = 0; c < width; c += kLanes) {
        const Vector<kLanes> value = Load<kLanes>(from + c);
        for (int i = plane.first; i < plane.first + plane.count; ++i) {
          const Term& term = terms_[static_cast<size_t>(i)];
          float* slot = slots + term.slot * width + c;
          Store<kLanes>(slot, Load<kLanes>(slot) + term.factor * value);
        }
      }
      from += plane_elems;
    }
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
                       window.rows};
      add ? Multiply<true>(last, window.columns) : Multiply(last, window.columns);
    }
  }
}

template void Transform::ToPlanes(const float*, const Window&, int, float*, int64_t, float*) const;
template void Transform::ToPlanes(const Bf16*, const Window&, int, float*, int64_t, float*) const;
template void Transform::FromPlanes(const float*, int64_t, int, bool, float*, const Window&,
                                    float*) const;
template void Transform::FromPlanes(const float*, int64_t, int, bool, Bf16*, const Window&,
                                    float*) const;

}  // namespace numeral::cpu::dft
