// A block of rows of the result is made at a time, in register blocks of 14 x 32 elements. They sum
// up pairs: neighbours in a row of a, and in b elements of two neighbouring rows, which are packed
// so beforehand, as are both of a transposed a.
#include "cpu/plane_product.h"

#include <algorithm>
#include <array>
#include <utility>

#include "cpu/vector.h"

namespace numeral::cpu::dft {
namespace {

constexpr int kMaxRows = kManyRegisters ? 14 : 4;  // of a register block
constexpr int kMaxVectors = 2;
constexpr int kPanel = kMaxVectors * kLanes;  // columns of b that are packed together
static_assert(kMaxRows <= kLanes);            // a vector of a transposed a has them all

// Two rows as one of pairs; without `both`, the second is zero.
void PackRows(const Bf16* row, int64_t row_elems, bool both, uint32_t* pairs) {
  const auto widen = [](const Bf16* from) {
    return __builtin_convertvector(*reinterpret_cast<const VectorOf<kLanes>::bf16_in_memory*>(from),
                                   PairVector);
  };
  auto& packed = *reinterpret_cast<PairVector*>(pairs);
  packed = both ? widen(row) | widen(row + row_elems) << 16 : widen(row);
}

// Memory that is fetched, so much further with each pair.
struct Ahead {
  const char* from;
  int64_t step_bytes;
};

struct Block {
  int pairs;
  const uint32_t* a;
  int64_t a_row, a_pair;
  const uint32_t* b;  // [pair][column]
  float* result;
  int64_t result_row;
  bool add, stream;
  Ahead a_ahead, b_ahead;  // what the next blocks need, and the next product
};

template <int kVectors, int kRows>
void MultiplyBlock(const Block& block) {
  Vector<kLanes> sums[kRows][kVectors] = {};
  const auto for_each_sum = [&](const auto& body) {
    NUMERAL_UNROLL_BLOCK for (int r = 0; r < kRows; ++r) {
      NUMERAL_UNROLL_BLOCK for (int v = 0; v < kVectors; ++v) {
        body(sums[r][v], block.result + r * block.result_row + v * kLanes);
      }
    }
  };
  if (block.add) for_each_sum([](auto& sum, const float* from) { sum = Load<kLanes>(from); });
  const uint32_t* a = block.a;
  const auto* b = reinterpret_cast<const PairVector*>(block.b);
  Ahead a_ahead = block.a_ahead, b_ahead = block.b_ahead;
  for (int pair = 0; pair < block.pairs; ++pair, a += block.a_pair, b += kVectors) {
    __builtin_prefetch(a_ahead.from, 0, 3);
    __builtin_prefetch(b_ahead.from, 0, 2);
    a_ahead.from += a_ahead.step_bytes;
    b_ahead.from += b_ahead.step_bytes;
    NUMERAL_UNROLL_BLOCK for (int r = 0; r < kRows; ++r) {
      const PairVector row = PairVector{} + a[r * block.a_row];
      NUMERAL_UNROLL_BLOCK for (int v = 0; v < kVectors; ++v) {
        sums[r][v] = AddPairProducts(sums[r][v], row, b[v]);
      }
    }
  }
  if (block.stream) {
    for_each_sum([](const auto& sum, float* to) { Stream(to, sum); });
  } else {
    for_each_sum([](const auto& sum, float* to) { Store<kLanes>(to, sum); });
  }
}

template <int kVectors>
constexpr auto BlocksByRows() {
  return []<int... kLess>(std::integer_sequence<int, kLess...>) {
    return std::array{&MultiplyBlock<kVectors, kLess + 1>...};
  }
  (std::make_integer_sequence<int, kMaxRows>());
}

class Multiplication {
 public:
  Multiplication(const PlaneProduct& product, const PlaneFactors& factors, float* result,
                 bool stream, float* scratch)
      : product_(product),
        factors_(factors),
        result_(result),
        stream_(stream),
        pairs_((product.k + 1) / 2),
        blocks_((product.m + kMaxRows - 1) / kMaxRows),
        panels_((product.n + kPanel - 1) / kPanel),
        b_(reinterpret_cast<uint32_t*>(scratch)),
        a_(b_ + int64_t{pairs_} * product.n) {}

  void Run() {
    PackB();
    for (int block = 0; block < blocks_; ++block) {
      if (product_.transpose_a) PackA(FirstRow(block));
      for (int panel = 0; panel < panels_; ++panel) Multiply(block, panel);
    }
  }

 private:
  // Blocks are of nearly equal sizes.
  int FirstRow(int block) const { return static_cast<int>(int64_t{product_.m} * block / blocks_); }
  bool IsWhole(int pair) const { return 2 * pair + 1 < product_.k; }

  void PackB() {
    uint32_t* to = b_;
    for (int panel = 0; panel < panels_; ++panel) {
      const int first = panel * kPanel, end = std::min(first + kPanel, product_.n);
      for (int pair = 0; pair < pairs_; ++pair) {
        for (int column = first; column < end; column += kLanes, to += kLanes) {
          PackRows(factors_.b + int64_t{2} * pair * product_.n + column, product_.n, IsWhole(pair),
                   to);
        }
      }
    }
  }
  void PackA(int first) {
    for (int pair = 0; pair < pairs_; ++pair) {
      PackRows(factors_.a + int64_t{2} * pair * product_.m + first, product_.m, IsWhole(pair),
               a_ + int64_t{pair} * kLanes);
    }
  }

  void Multiply(int block_index, int panel) const {
    static constexpr auto kWide = BlocksByRows<kMaxVectors>(), kNarrow = BlocksByRows<1>();
    const int row = FirstRow(block_index), column = panel * kPanel;
    Block block;
    block.pairs = pairs_;
    if (product_.transpose_a) {
      block.a = a_;
      block.a_row = 1;
      block.a_pair = kLanes;
    } else {
      block.a = reinterpret_cast<const uint32_t*>(factors_.a + int64_t{row} * product_.k);
      block.a_row = pairs_;
      block.a_pair = 1;
    }
    block.b = b_ + int64_t{column} * pairs_;
    block.result = result_ + int64_t{row} * product_.n + column;
    block.result_row = product_.n;
    block.add = product_.add;
    block.stream = stream_;
    block.a_ahead =
        product_.transpose_a ? NextColumns(block_index, panel) : NextRows(block_index, panel);
    block.b_ahead = PartOf(factors_.next_b, int64_t{product_.k} * product_.n,
                           block_index * panels_ + panel, blocks_ * panels_);
    const auto& by_rows = product_.n - column < kPanel ? kNarrow : kWide;
    by_rows[static_cast<size_t>(FirstRow(block_index + 1) - row - 1)](block);
  }

  // One of equal parts of some elements.
  Ahead PartOf(const Bf16* from, int64_t elems, int part, int parts) const {
    const int64_t bytes = elems * static_cast<int64_t>(sizeof(Bf16));
    const int64_t step_bytes = bytes / (int64_t{parts} * pairs_) + 1;
    return {reinterpret_cast<const char*>(from) + part * pairs_ * step_bytes, step_bytes};
  }
  // What the next block needs of a, in parts that are fetched with this one's panels.
  Ahead NextRows(int block, int panel) const {
    const bool last = block + 1 == blocks_;
    const Bf16* rows =
        last ? factors_.next_a : factors_.a + int64_t{FirstRow(block + 1)} * product_.k;
    return PartOf(rows, int64_t{kMaxRows} * product_.k, panel, panels_);
  }
  // The first panel fetches the first row of each pair, the second one the other. A cache line
  // holds the columns of some blocks: what is new to the next one are its last.
  Ahead NextColumns(int block, int panel) const {
    const bool last = block + 1 == blocks_;
    const Bf16* columns = (last ? factors_.next_a : factors_.a + FirstRow(block + 1)) + kMaxRows;
    const int64_t row_bytes = int64_t{product_.m} * static_cast<int64_t>(sizeof(Bf16));
    return {reinterpret_cast<const char*>(columns) + panel % 2 * row_bytes,
            panel < 2 ? 2 * row_bytes : 0};
  }

  const PlaneProduct& product_;
  const PlaneFactors& factors_;
  float* result_;
  bool stream_;
  int pairs_, blocks_, panels_;
  uint32_t *b_, *a_;  // packed: [panel][pair][column], and [pair][row] of a block
};

}  // namespace

bool OwnProductsPay() { return kMultipliesPairs; }

int64_t ProductScratchElems(const PlaneProduct& product) {
  return int64_t{product.k + 1} / 2 * (product.n + kLanes);
}

void MultiplyPlane(const PlaneProduct& product, const PlaneFactors& factors, float* result,
                   bool stream, float* scratch) {
  Multiplication(product, factors, result, stream, scratch).Run();
}

}  // namespace numeral::cpu::dft
