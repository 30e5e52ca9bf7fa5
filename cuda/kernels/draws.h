// Random numbers of a step: out[i] is made from element i of a stream (util/random.h).
//
// Latents are normal or uniform in [-1, 1], times uniform in (0, 1], digits one of a table's
// entries. In fp32 every engine draws the same bits; bf16 is their rounding. A thread makes the
// four elements of one Philox block, grid-stride; one store of all four where the address allows
// it. Any count.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace numeral::cuda {

struct DrawStream {
  const int64_t* step;
  uint64_t seed;
  uint32_t stream;
};

enum class LatentKind { kNormal, kUniform };

// T: float or bf16.
template <typename T>
void LaunchDrawLatents(const DrawStream& draws, LatentKind kind, T* out, int64_t elems,
                       cudaStream_t stream);
template <typename T>
void LaunchDrawTimes(const DrawStream& draws, T* out, int64_t elems, cudaStream_t stream);
// `choices` is a table on the device.
void LaunchDrawDigits(const DrawStream& draws, const int32_t* choices, int choice_count,
                      int32_t* out, int64_t elems, cudaStream_t stream);

}  // namespace numeral::cuda
