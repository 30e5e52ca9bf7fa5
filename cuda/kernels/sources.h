// The inputs of a step, and the step counter that they are drawn by, in one launch: up to four of
// what gather.h and draws.h do, with the same bits.
//
// The blocks of the grid are shared out among the sources, each of which gets the blocks that it
// has in a launch of its own. Where the counter goes on, blocks read it before and take it for the
// index of the step that begins; the last block of all writes it. No source may read what another
// writes.
#pragma once

#include <cuda_runtime_api.h>

#include <span>

#include "cuda/kernels/draws.h"
#include "cuda/kernels/gather.h"

namespace numeral::cuda {

template <typename T>
struct ValueDraws {
  DrawStream draws;
  T* out;
  int64_t elems;
};

struct DigitDraws {
  DrawStream draws;
  const int32_t* choices;  // a table on the device
  int choice_count;
  int32_t* out;
  int64_t elems;
};

enum class SourceKind { kBatch, kPairs, kNormals, kUniforms, kTimes, kDigits };

template <typename T>
struct SourceArgs {
  SourceKind kind;
  union {
    GatherBatchArgs<T> batch;
    GatherPairsArgs<T> pairs;
    ValueDraws<T> values;  // normals, uniforms, times
    DigitDraws digits;
  };
};

inline constexpr int kMaxSources = 4;

struct StepCounter {
  int64_t* step;  // that of all sources
  bool advances;
  unsigned* counter;  // 0; of the blocks that are done
};

// T: float or bf16. There must be something to gather or to draw.
template <typename T>
void LaunchSources(const StepCounter& counter, std::span<const SourceArgs<T>> sources,
                   cudaStream_t stream);

}  // namespace numeral::cuda
