// Every random draw of the project, as a pure function of (seed; stream, step, element).
//
// Philox4x32-10 of Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC
// 2011. No generator state exists, so resuming is exact and the order of evaluation is free. The
// functions use integer arithmetic and correctly rounded float operations (+, *, fma, sqrt) only:
// every engine draws the same bits, on a CPU and on a GPU.
//
//   counter = {element / 4, step low, step high, stream}, key = {seed low, seed high}, lane =
//   element % 4
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "util/host_device.h"

namespace numeral {

struct PhiloxBlock {
  uint32_t lane[4];
};

// The bijection itself: ten rounds on a counter with a key.
NUMERAL_HOST_DEVICE inline PhiloxBlock Philox4x32(PhiloxBlock counter, uint32_t key0,
                                                  uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53u} * counter.lane[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57u} * counter.lane[2];
    counter = {{static_cast<uint32_t>(product1 >> 32) ^ counter.lane[1] ^ key0,
                static_cast<uint32_t>(product1),
                static_cast<uint32_t>(product0 >> 32) ^ counter.lane[3] ^ key1,
                static_cast<uint32_t>(product0)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// Elements 4 * group .. 4 * group + 3 of a stream.
NUMERAL_HOST_DEVICE inline PhiloxBlock Draw(uint64_t seed, uint32_t stream, uint64_t step,
                                            uint32_t group) {
  return Philox4x32(
      {{group, static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32), stream}},
      static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
}

NUMERAL_HOST_DEVICE inline uint32_t DrawBits(uint64_t seed, uint32_t stream, uint64_t step,
                                             uint64_t element) {
  return Draw(seed, stream, step, static_cast<uint32_t>(element >> 2)).lane[element & 3];
}

// A stream's id from its name, such as "latents" or "init/generator/dense.weight" (FNV-1a, 32
// bits). The plan compiler refuses a plan in which two names collide.
inline uint32_t StreamId(std::string_view name) {
  uint32_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash;
}

// In (0, 1]: (bits + 1/2) / 2^32, rounded.
NUMERAL_HOST_DEVICE inline float UnitFromBits(uint32_t bits) {
  return fmaf(static_cast<float>(bits), 0x1p-32f, 0x1p-33f);
}

// In [-1, 1].
NUMERAL_HOST_DEVICE inline float SignedUnitFromBits(uint32_t bits) {
  return static_cast<float>(static_cast<int32_t>(bits)) * 0x1p-31f;
}

// One of 0 .. count-1, each with probability within 2^-32 of 1/count.
NUMERAL_HOST_DEVICE inline uint32_t ChoiceFromBits(uint32_t bits, uint32_t count) {
  return static_cast<uint32_t>((uint64_t{bits} * count) >> 32);
}

// A dropped element is one whose bits are below this.
NUMERAL_HOST_DEVICE inline uint32_t DropoutThreshold(float rate) {
  return static_cast<uint32_t>(static_cast<double>(rate) * 4294967296.0);
}

// Natural logarithm of x in (0, 1]; relative error below 2e-7. Range reduction to [sqrt(1/2),
// sqrt(2)) and the minimax polynomial of Cephes logf (Moshier).
NUMERAL_HOST_DEVICE inline float LogUnit(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t shifted = bits - 0x3F3504F3u;  // sqrt(1/2)
  const float exponent = static_cast<float>(static_cast<int32_t>(shifted) >> 23);
  const uint32_t mantissa_bits = (shifted & 0x007FFFFFu) + 0x3F3504F3u;
  float m;
  memcpy(&m, &mantissa_bits, sizeof m);
  const float f = m - 1.0f;
  float p = 7.0376836292e-2f;
  p = fmaf(p, f, -1.1514610310e-1f);
  p = fmaf(p, f, 1.1676998740e-1f);
  p = fmaf(p, f, -1.2420140846e-1f);
  p = fmaf(p, f, 1.4249322787e-1f);
  p = fmaf(p, f, -1.6668057665e-1f);
  p = fmaf(p, f, 2.0000714765e-1f);
  p = fmaf(p, f, -2.4999993993e-1f);
  p = fmaf(p, f, 3.3333331174e-1f);
  const float square = f * f;
  const float tail = fmaf(exponent, -2.12194440e-4f, square * f * p);
  return fmaf(exponent, 0.693359375f, f + fmaf(-0.5f, square, tail));
}

struct SinCos {
  float sin, cos;
};

// sin and cos of 2 pi bits / 2^32: the quadrant from the top bits, Cephes polynomials on [-pi/4,
// pi/4].
NUMERAL_HOST_DEVICE inline SinCos SinCosFromBits(uint32_t bits) {
  const uint32_t quadrant = (bits + 0x20000000u) >> 30;
  const int32_t offset = static_cast<int32_t>(bits - (quadrant << 30));
  const float x = static_cast<float>(offset) * 1.4629180792671596e-9f;  // 2 pi / 2^32
  const float square = x * x;
  const float s0 =
      fmaf(fmaf(-1.9515295891e-4f, square, 8.3321608736e-3f), square, -1.6666654611e-1f);
  const float c0 = fmaf(fmaf(2.443315711809948e-5f, square, -1.388731625493765e-3f), square,
                        4.166664568298827e-2f);
  const float sin = fmaf(x * square, s0, x);
  const float cos = fmaf(square * square, c0, fmaf(-0.5f, square, 1.0f));
  // Selects rather than branches, so that loops over draws vectorise.
  const float a = (quadrant & 1) ? cos : sin, b = (quadrant & 1) ? sin : cos;
  const float minus_a = -a, minus_b = -b;
  return {(quadrant & 2) ? minus_a : a, ((quadrant + 1) & 2) ? minus_b : b};
}

struct NormalPair {
  float first, second;
};

// Two independent N(0, 1) from two words (Box & Muller 1958); at most 6.8 in size.
NUMERAL_HOST_DEVICE inline NormalPair NormalFromBits(uint32_t bits0, uint32_t bits1) {
  const float radius = sqrtf(-2.0f * LogUnit(UnitFromBits(bits0)));
  const SinCos angle = SinCosFromBits(bits1);
  return {radius * angle.cos, radius * angle.sin};
}

// Element `element` of a stream of normal draws: lanes 0, 1 and lanes 2, 3 make a pair each.
NUMERAL_HOST_DEVICE inline float DrawNormal(uint64_t seed, uint32_t stream, uint64_t step,
                                            uint64_t element) {
  const PhiloxBlock block = Draw(seed, stream, step, static_cast<uint32_t>(element >> 2));
  const int pair = static_cast<int>(element & 2);
  const NormalPair normal = NormalFromBits(block.lane[pair], block.lane[pair + 1]);
  return (element & 1) ? normal.second : normal.first;
}

}  // namespace numeral
