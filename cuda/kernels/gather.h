// Batches of a shuffled data set that lies on the device: images with their labels, or latents with
// theirs.
//
// With s the running step, e = s / steps_per_epoch and p = (s % steps_per_epoch) * batch_size, row
// i takes Permutation(data_count, seed, stream, e)[(p + i) % data_count] (util/permutation.h); the
// remainder matters only where more rows are asked for than there are. Images become value * scale
// + shift in one fused operation, moved down and right by up to max_shift pixels with black coming
// in (GatherBatch of plan/ops.h).
//
// A block per row: its first thread evaluates the permutation, the first of its second warp the
// move, then all copy four neighbours each; single elements where addresses or sizes do not allow
// packs. Any sizes.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace numeral::cuda {

// Which row of the data set a row of the batch is.
struct ShuffledRows {
  const int64_t* step;
  int64_t data_count, steps_per_epoch;
  int batch_size;  // of a full batch
  uint64_t seed;
  uint32_t stream;
};

template <typename T>
struct GatherBatchArgs {
  ShuffledRows order;
  const uint8_t* data_images;  // [data_count][height][width][channels]
  const uint8_t* data_labels;  // [data_count]
  T* images;                   // [rows][height][width][channels]
  int32_t* labels;             // [rows]
  int64_t rows;
  int height, width, channels;  // one channel where max_shift is not 0
  float scale, shift;
  int max_shift;  // at most height and width
  uint32_t shift_stream;
};

template <typename T>
struct GatherPairsArgs {
  ShuffledRows order;
  const float* data_latents;   // [data_count][size]
  const uint8_t* data_labels;  // [data_count]
  T* latents;                  // [rows][size]
  int32_t* labels;             // [rows]
  int64_t rows;
  int size;
};

// T: float or bf16.
template <typename T>
void LaunchGatherBatch(const GatherBatchArgs<T>& args, cudaStream_t stream);
template <typename T>
void LaunchGatherPairs(const GatherPairsArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
