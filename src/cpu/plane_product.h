// The matrix product of one plane of a convolution by Fourier transforms (dft_conv.h), in bf16.
//
// When their turn comes, the factors are in no cache, and their product is too short to forget
// that: so what comes next is fetched while registers are busy, and results that no cache will hold
// go past it. A library that is given one product at a time can do neither.
#pragma once

#include <cstdint>

#include "cpu/element.h"

namespace numeral::cpu::dft {

// result[m][n] (+)= a[m][k] * b[k][n]; transposed, a is [k][m].
struct PlaneProduct {
  bool transpose_a;
  int m, n, k;
  bool add;
  bool operator==(const PlaneProduct&) const = default;
};

// `next` are those of the product to come: fetched, and not used.
struct PlaneFactors {
  const Bf16 *a, *b;
  const Bf16 *next_a, *next_b;
};

// Whether MultiplyPlane is faster here than the library.
bool OwnProductsPay();

// What a product needs for itself, aligned to 64 bytes.
int64_t ProductScratchElems(const PlaneProduct& product);

// n is a multiple of GroupChannels(), and k even unless a is transposed: then a may be read
// GroupChannels() elements beyond its end. Sums are fp32, of exact products in pairs; numbers too
// small to be normal count as zeros. With `stream`, results, aligned to 64 bytes, are stored past
// the caches (FinishStreams in vector.h).
void MultiplyPlane(const PlaneProduct& product, const PlaneFactors& factors, float* result,
                   bool stream, float* scratch);

}  // namespace numeral::cpu::dft
