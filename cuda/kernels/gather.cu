#include "cuda/kernels/gather.h"
#include "cuda/support/simt.h"
#include "cuda/support/step.h"
#include "cuda/support/vector.h"
#include "util/permutation.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kElems = 4;  // of a thread at a time

__device__ int64_t SourceRow(const ShuffledRows& order, int64_t step, int64_t row) {
  const Permutation permutation(static_cast<uint64_t>(order.data_count), order.seed, order.stream,
                                static_cast<uint64_t>(step / order.steps_per_epoch));
  const int64_t position = step % order.steps_per_epoch * order.batch_size + row;
  return static_cast<int64_t>(permutation(static_cast<uint64_t>(position % order.data_count)));
}

// By how many pixels an image moves along one axis.
template <typename T>
__device__ int Move(const GatherBatchArgs<T>& args, int64_t step, int64_t element) {
  const uint32_t bits = DrawBits(args.order.seed, args.shift_stream, static_cast<uint64_t>(step),
                                 static_cast<uint64_t>(element));
  const auto choices = static_cast<uint32_t>(2 * args.max_shift + 1);
  return static_cast<int>(ChoiceFromBits(bits, choices)) - args.max_shift;
}

// Pixel `i` of an image that has moved.
__device__ uint8_t MovedPixel(const uint8_t* image, int i, int height, int width, int down,
                              int right) {
  const int y = i / width - down, x = i % width - right;
  const bool inside = y >= 0 && y < height && x >= 0 && x < width;
  return inside ? image[y * width + x] : uint8_t{0};
}

template <typename T, bool kMoved, bool kPacked>
__global__ void __launch_bounds__(kThreads)
    gather_batch_kernel(const __grid_constant__ GatherBatchArgs<T> args) {
  SIMT_SHARED(int64_t, source, [1]);
  SIMT_SHARED(int, move, [2]);
  const int64_t row = blockIdx.x;
  if (threadIdx.x == 0) source[0] = SourceRow(args.order, RunningStep(args.order.step), row);
  if (kMoved && threadIdx.x == kWarp) {
    const int64_t step = RunningStep(args.order.step);
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
  if (kPacked) {
    for (int i = static_cast<int>(threadIdx.x) * kElems; i < pixels; i += kThreads * kElems) {
      Pack<uint8_t, kElems> bytes;
      if (kMoved) {
        for (int j = 0; j < kElems; ++j) bytes.at[j] = moved(i + j);
      } else {
        bytes = LoadPack<uint8_t, kElems>(image + i);
      }
      Pack<T, kElems> values;
      for (int j = 0; j < kElems; ++j) values.at[j] = scaled(bytes.at[j]);
      StorePack(out + i, values);
    }
  } else {
    for (int i = static_cast<int>(threadIdx.x); i < pixels; i += kThreads) {
      out[i] = scaled(kMoved ? moved(i) : image[i]);
    }
  }
  if (threadIdx.x == 0) args.labels[row] = args.data_labels[source[0]];
}

template <typename T, bool kPacked>
__global__ void __launch_bounds__(kThreads)
    gather_pairs_kernel(const __grid_constant__ GatherPairsArgs<T> args) {
  SIMT_SHARED(int64_t, source, [1]);
  const int64_t row = blockIdx.x;
  if (threadIdx.x == 0) source[0] = SourceRow(args.order, RunningStep(args.order.step), row);
  __syncthreads();
  const float* latent = args.data_latents + source[0] * args.size;
  T* out = args.latents + row * args.size;
  if (kPacked) {
    for (int i = static_cast<int>(threadIdx.x) * kElems; i < args.size; i += kThreads * kElems) {
      const Pack<float, kElems> in = LoadPack<float, kElems>(latent + i);
      Pack<T, kElems> values;
      for (int j = 0; j < kElems; ++j) values.at[j] = FromFloat<T>(in.at[j]);
      StorePack(out + i, values);
    }
  } else {
    for (int i = static_cast<int>(threadIdx.x); i < args.size; i += kThreads) {
      out[i] = FromFloat<T>(latent[i]);
    }
  }
  if (threadIdx.x == 0) args.labels[row] = args.data_labels[source[0]];
}

void CheckOrder(const ShuffledRows& order) {
  Require(order.data_count > 0 && order.steps_per_epoch > 0 && order.batch_size > 0,
          "gather: size of the data");
}

template <typename T>
auto BatchKernel(bool moved, bool packed) {
  if (moved)
    return packed ? gather_batch_kernel<T, true, true> : gather_batch_kernel<T, true, false>;
  return packed ? gather_batch_kernel<T, false, true> : gather_batch_kernel<T, false, false>;
}

}  // namespace

template <typename T>
void LaunchGatherBatch(const GatherBatchArgs<T>& args, cudaStream_t stream) {
  if (args.rows == 0) return;
  CheckOrder(args.order);
  Require(args.height > 0 && args.width > 0 && args.channels > 0, "gather_batch: shape");
  Require(args.max_shift == 0 || (args.channels == 1 && args.max_shift > 0 &&
                                  args.max_shift <= args.height && args.max_shift <= args.width),
          "gather_batch: shift");
  const bool packed = args.height * args.width * args.channels % kElems == 0 &&
                      Aligned(kElems, args.data_images) && Aligned(kElems * sizeof(T), args.images);
  Launch("gather_batch", BatchKernel<T>(args.max_shift != 0, packed),
         {static_cast<unsigned>(args.rows), kThreads}, stream, args);
}

template <typename T>
void LaunchGatherPairs(const GatherPairsArgs<T>& args, cudaStream_t stream) {
  if (args.rows == 0) return;
  CheckOrder(args.order);
  Require(args.size > 0, "gather_pairs: size");
  const bool packed = args.size % kElems == 0 &&
                      Aligned(kElems * sizeof(float), args.data_latents) &&
                      Aligned(kElems * sizeof(T), args.latents);
  Launch("gather_pairs", packed ? gather_pairs_kernel<T, true> : gather_pairs_kernel<T, false>,
         {static_cast<unsigned>(args.rows), kThreads}, stream, args);
}

template void LaunchGatherBatch(const GatherBatchArgs<float>&, cudaStream_t);
template void LaunchGatherBatch(const GatherBatchArgs<bf16>&, cudaStream_t);
template void LaunchGatherPairs(const GatherPairsArgs<float>&, cudaStream_t);
template void LaunchGatherPairs(const GatherPairsArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
