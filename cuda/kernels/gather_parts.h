// What kernels that gather batches are made of: the row that a block gathers (gather.h), and what
// their launchers check.
#pragma once

#include "cuda/kernels/gather.h"
#include "cuda/support/simt.h"
#include "cuda/support/vector.h"
#include "util/permutation.h"
#include "util/random.h"

namespace numeral::cuda {

inline constexpr int kGatherThreads = 128;
inline constexpr int kGatherElems = 4;  // of a thread at a time

__device__ inline int64_t SourceRow(const ShuffledRows& order, int64_t step, int64_t row) {
  const Permutation permutation(static_cast<uint64_t>(order.data_count), order.seed, order.stream,
                                static_cast<uint64_t>(step / order.steps_per_epoch));
  const int64_t position = step % order.steps_per_epoch * order.batch_size + row;
  return static_cast<int64_t>(permutation(static_cast<uint64_t>(position % order.data_count)));
}

// By how many pixels an image moves along one axis.
template <typename T>
__device__ inline int Move(const GatherBatchArgs<T>& args, int64_t step, int64_t element) {
  const uint32_t bits = DrawBits(args.order.seed, args.shift_stream, static_cast<uint64_t>(step),
                                 static_cast<uint64_t>(element));
  const auto choices = static_cast<uint32_t>(2 * args.max_shift + 1);
  return static_cast<int>(ChoiceFromBits(bits, choices)) - args.max_shift;
}

// Pixel `i` of an image that has moved.
__device__ inline uint8_t MovedPixel(const uint8_t* image, int i, int height, int width, int down,
                                     int right) {
  const int y = i / width - down, x = i % width - right;
  const bool inside = y >= 0 && y < height && x >= 0 && x < width;
  return inside ? image[y * width + x] : uint8_t{0};
}

// A block's work. `packed`: GatherPacked(args).
template <typename T>
__device__ inline void GatherRow(const GatherBatchArgs<T>& args, bool packed, int64_t step,
                                 int64_t row) {
  SIMT_SHARED(int64_t, source, [1]);
  SIMT_SHARED(int, move, [2]);
  if (threadIdx.x == 0) source[0] = SourceRow(args.order, step, row);
  const bool is_moved = args.max_shift != 0;
  if (is_moved && threadIdx.x == kWarp) {
    move[0] = Move(args, step, 2 * row);
    move[1] = Move(args, step, 2 * row + 1);
  }
  __syncthreads();
  const int pixels = args.height * args.width * args.channels;
  const uint8_t* image = args.data_images + source[0] * pixels;
  T* out = args.images + row * pixels;
  const auto scaled = [&](uint8_t value) {
    return FromFloat<T>(fmaf(static_cast<float>(value), args.scale, args.shift));
  };
  const auto moved = [&](int i) {
    return MovedPixel(image, i, args.height, args.width, move[0], move[1]);
  };
  if (packed) {
    for (int i = static_cast<int>(threadIdx.x) * kGatherElems; i < pixels;
         i += kGatherThreads * kGatherElems) {
      Pack<uint8_t, kGatherElems> bytes;
      if (is_moved) {
        for (int j = 0; j < kGatherElems; ++j) bytes.at[j] = moved(i + j);
      } else {
        bytes = LoadPack<uint8_t, kGatherElems>(image + i);
      }
      Pack<T, kGatherElems> values;
      for (int j = 0; j < kGatherElems; ++j) values.at[j] = scaled(bytes.at[j]);
      StorePack(out + i, values);
    }
  } else {
    for (int i = static_cast<int>(threadIdx.x); i < pixels; i += kGatherThreads) {
      out[i] = scaled(is_moved ? moved(i) : image[i]);
    }
  }
  if (threadIdx.x == 0) args.labels[row] = args.data_labels[source[0]];
}

template <typename T>
__device__ inline void GatherRow(const GatherPairsArgs<T>& args, bool packed, int64_t step,
                                 int64_t row) {
  SIMT_SHARED(int64_t, source, [1]);
  if (threadIdx.x == 0) source[0] = SourceRow(args.order, step, row);
  __syncthreads();
  const float* latent = args.data_latents + source[0] * args.size;
  T* out = args.latents + row * args.size;
  if (packed) {
    for (int i = static_cast<int>(threadIdx.x) * kGatherElems; i < args.size;
         i += kGatherThreads * kGatherElems) {
      const Pack<float, kGatherElems> in = LoadPack<float, kGatherElems>(latent + i);
      Pack<T, kGatherElems> values;
      for (int j = 0; j < kGatherElems; ++j) values.at[j] = FromFloat<T>(in.at[j]);
      StorePack(out + i, values);
    }
  } else {
    for (int i = static_cast<int>(threadIdx.x); i < args.size; i += kGatherThreads) {
      out[i] = FromFloat<T>(latent[i]);
    }
  }
  if (threadIdx.x == 0) args.labels[row] = args.data_labels[source[0]];
}

inline void CheckOrder(const ShuffledRows& order) {
  Require(order.data_count > 0 && order.steps_per_epoch > 0 && order.batch_size > 0,
          "gather: size of the data");
}

template <typename T>
void CheckGather(const GatherBatchArgs<T>& args) {
  CheckOrder(args.order);
  Require(args.height > 0 && args.width > 0 && args.channels > 0, "gather_batch: shape");
  Require(args.max_shift == 0 || (args.channels == 1 && args.max_shift > 0 &&
                                  args.max_shift <= args.height && args.max_shift <= args.width),
          "gather_batch: shift");
}
template <typename T>
void CheckGather(const GatherPairsArgs<T>& args) {
  CheckOrder(args.order);
  Require(args.size > 0, "gather_pairs: size");
}

// Whether packs are copied.
template <typename T>
bool GatherPacked(const GatherBatchArgs<T>& args) {
  return args.height * args.width * args.channels % kGatherElems == 0 &&
         Aligned(kGatherElems, args.data_images) && Aligned(kGatherElems * sizeof(T), args.images);
}
template <typename T>
bool GatherPacked(const GatherPairsArgs<T>& args) {
  return args.size % kGatherElems == 0 &&
         Aligned(kGatherElems * sizeof(float), args.data_latents) &&
         Aligned(kGatherElems * sizeof(T), args.latents);
}

}  // namespace numeral::cuda
