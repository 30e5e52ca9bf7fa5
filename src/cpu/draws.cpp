#include "cpu/draws.h"

#include <cstring>

#include "cpu/vector.h"

namespace numeral::cpu {
namespace {

// Words of several counters in the lower halves of 64-bit lanes, where products need them and leave
// theirs. What the upper halves hold is never read.
#if defined(__AVX512F__)
typedef uint64_t Words __attribute__((vector_size(64)));
#elif defined(__AVX2__)
typedef uint64_t Words __attribute__((vector_size(32)));
#else
typedef uint64_t Words __attribute__((vector_size(16)));
#endif
constexpr int kWords = sizeof(Words) / sizeof(uint64_t);
constexpr uint64_t kLower = 0xFFFFFFFFu;

inline Words Everywhere(uint32_t word) { return Words{} + word; }

// One instruction, which the compiler does not find for itself.
inline Words Product(const Words& words, uint32_t factor) {
#if defined(__AVX512F__)
  return (Words)_mm512_maskz_mul_epu32(0xFF, (__m512i)words, (__m512i)Everywhere(factor));
#elif defined(__AVX2__)
  return (Words)_mm256_mul_epu32((__m256i)words, (__m256i)Everywhere(factor));
#elif defined(__SSE2__)
  return (Words)_mm_mul_epu32((__m128i)words, (__m128i)Everywhere(factor));
#else
  return (words & kLower) * factor;
#endif
}

// a[first], b[first], a[first + 1], b[first + 1] and so on.
inline Words Interleave(const Words& a, const Words& b, int first) {
  Words from;
  NUMERAL_UNROLL_BLOCK for (int j = 0; j < kWords; ++j) {
    from[j] = static_cast<uint64_t>(first + j / 2 + j % 2 * kWords);
  }
  return __builtin_shuffle(a, b, from);
}

// Counters that are worked on together: each waits for its own products.
constexpr int kGroup = kManyRegisters ? 4 : 2;
static_assert(kDrawElems % (4 * kWords * kGroup) == 0);

// Philox4x32 of kGroup * kWords neighbouring counters.
void DrawGroup(const DrawKey& key, uint32_t first, uint32_t* bits) {
  Words lane0[kGroup], lane1[kGroup], lane2[kGroup], lane3[kGroup];
  NUMERAL_UNROLL_BLOCK for (int i = 0; i < kGroup; ++i) {
    NUMERAL_UNROLL_BLOCK for (int j = 0; j < kWords; ++j) {
      lane0[i][j] = first + static_cast<uint32_t>(i * kWords + j);
    }
    lane1[i] = Everywhere(static_cast<uint32_t>(key.step));
    lane2[i] = Everywhere(static_cast<uint32_t>(key.step >> 32));
    lane3[i] = Everywhere(key.stream);
  }
  uint32_t key0 = static_cast<uint32_t>(key.seed), key1 = static_cast<uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    NUMERAL_UNROLL_BLOCK for (int i = 0; i < kGroup; ++i) {
      const Words product0 = Product(lane0[i], 0xD2511F53u);
      const Words product1 = Product(lane2[i], 0xCD9E8D57u);
      lane0[i] = (product1 >> 32) ^ lane1[i] ^ Everywhere(key0);
      lane1[i] = product1;
      lane2[i] = (product0 >> 32) ^ lane3[i] ^ Everywhere(key1);
      lane3[i] = product0;
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  NUMERAL_UNROLL_BLOCK for (int i = 0; i < kGroup; ++i) {
    const Words lanes01 = (lane0[i] & kLower) | (lane1[i] << 32);
    const Words lanes23 = (lane2[i] & kLower) | (lane3[i] << 32);
    for (const int first_word : {0, kWords / 2}) {
      const Words draws = Interleave(lanes01, lanes23, first_word);
      std::memcpy(bits, &draws, sizeof draws);
      bits += 2 * kWords;
    }
  }
}

}  // namespace

void DrawBlock(const DrawKey& key, int64_t first_element, uint32_t* bits) {
  constexpr int kCounters = kWords * kGroup;
  const auto first = static_cast<uint32_t>(static_cast<uint64_t>(first_element) >> 2);
  for (int i = 0; i < kDrawElems / 4; i += kCounters) {
    DrawGroup(key, first + static_cast<uint32_t>(i), bits + 4 * i);
  }
}

}  // namespace numeral::cpu
