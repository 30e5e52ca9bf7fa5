// Vectors of floats as the loops of the convolutions are written with: of the processor's width,
// and of what is narrower.
#pragma once

#include <cstdint>

#if defined(__SSE__)
#include <immintrin.h>
#endif

#include "cpu/element.h"

namespace numeral::cpu {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
inline constexpr bool kManyRegisters = true;  // 32, and broadcasts are free
#elif defined(__AVX__)
inline constexpr int kLanes = 8;
inline constexpr bool kManyRegisters = false;  // 16
#else
inline constexpr int kLanes = 4;
inline constexpr bool kManyRegisters = false;
#endif

template <int kWidth>
struct VectorOf;
template <>
struct VectorOf<4> {
  typedef float type __attribute__((vector_size(16)));
  typedef float in_memory __attribute__((vector_size(16), aligned(4), may_alias));
  typedef uint32_t bits __attribute__((vector_size(16)));
  typedef uint16_t bf16_in_memory __attribute__((vector_size(8), aligned(2), may_alias));
};
template <>
struct VectorOf<8> {
  typedef float type __attribute__((vector_size(32)));
  typedef float in_memory __attribute__((vector_size(32), aligned(4), may_alias));
  typedef uint32_t bits __attribute__((vector_size(32)));
  typedef uint16_t bf16_in_memory __attribute__((vector_size(16), aligned(2), may_alias));
};
template <>
struct VectorOf<16> {
  typedef float type __attribute__((vector_size(64)));
  typedef float in_memory __attribute__((vector_size(64), aligned(4), may_alias));
  typedef uint32_t bits __attribute__((vector_size(64)));
  typedef uint16_t bf16_in_memory __attribute__((vector_size(32), aligned(2), may_alias));
};
template <int kWidth>
using Vector = typename VectorOf<kWidth>::type;

// At any address of an element.
template <int kWidth>
inline Vector<kWidth> Load(const float* from) {
  return *reinterpret_cast<const typename VectorOf<kWidth>::in_memory*>(from);
}
template <int kWidth>
inline Vector<kWidth> Load(const Bf16* from) {
  using Types = VectorOf<kWidth>;
  const typename Types::bits upper = __builtin_convertvector(
      *reinterpret_cast<const typename Types::bf16_in_memory*>(from), typename Types::bits);
  return reinterpret_cast<Vector<kWidth>>(upper << 16);
}
template <int kWidth>
inline void Store(float* to, const Vector<kWidth>& value) {
  *reinterpret_cast<typename VectorOf<kWidth>::in_memory*>(to) = value;
}

// Past the caches: for what is too much for them. `to` is aligned to the vector. Other threads may
// read it once this one has called FinishStreams.
inline void Stream(float* to, const Vector<kLanes>& value) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, reinterpret_cast<const __m512&>(value));
#elif defined(__AVX__)
  _mm256_stream_ps(to, reinterpret_cast<const __m256&>(value));
#elif defined(__SSE__)
  _mm_stream_ps(to, reinterpret_cast<const __m128&>(value));
#else
  Store<kLanes>(to, value);
#endif
}
inline void FinishStreams() {
#if defined(__SSE__)
  _mm_sfence();
#endif
}

// Rounds as Bf16 does.
template <int kWidth>
inline void Store(Bf16* to, const Vector<kWidth>& value) {
  using Types = VectorOf<kWidth>;
  using Bits = typename Types::bits;
  const Bits bits = reinterpret_cast<const Bits&>(value);
  const Bits rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  const Bits nan = (bits >> 16) | 0x40u;
  const Bits kept = (bits & 0x7FFFFFFFu) > 0x7F800000u ? nan : rounded;
  *reinterpret_cast<typename Types::bf16_in_memory*>(to) =
      __builtin_convertvector(kept, typename Types::bf16_in_memory);
}

// Pairs of bf16, the first of each in the lower half.
using PairVector = VectorOf<kLanes>::bits;
#if defined(__AVX512BF16__) && !defined(__AMX_BF16__)
inline constexpr bool kMultipliesPairs = true;
#else
inline constexpr bool kMultipliesPairs = false;  // not here, or not as fast as whole tiles
#endif
// sum + a.first * b.first + a.second * b.second, in every lane.
inline Vector<kLanes> AddPairProducts(const Vector<kLanes>& sum, const PairVector& a,
                                      const PairVector& b) {
#if defined(__AVX512BF16__)
  return reinterpret_cast<Vector<kLanes>>(_mm512_dpbf16_ps(reinterpret_cast<const __m512&>(sum),
                                                           reinterpret_cast<const __m512bh&>(a),
                                                           reinterpret_cast<const __m512bh&>(b)));
#else
  const auto first = [](const PairVector& pair) {
    return reinterpret_cast<Vector<kLanes>>(pair << 16);
  };
  const auto second = [](const PairVector& pair) {
    return reinterpret_cast<Vector<kLanes>>(pair & 0xFFFF0000u);
  };
  return sum + first(a) * first(b) + second(a) * second(b);
#endif
}

// Without it, gcc reads a value again from memory for each of its uses in a register block.
template <typename V>
inline void KeepInRegister([[maybe_unused]] V& value) {
#if defined(__GNUC__) && defined(__x86_64__)
  asm("" : "+v"(value));
#endif
}

// Register blocks are local arrays: they stay in registers only where every loop over them is
// unrolled.
#define NUMERAL_UNROLL_BLOCK _Pragma("GCC unroll 32")

}  // namespace numeral::cpu
