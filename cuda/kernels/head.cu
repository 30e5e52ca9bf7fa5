#include <algorithm>

#include "cuda/kernels/bias_act_element.h"
#include "cuda/kernels/columns.h"
#include "cuda/kernels/head.h"
#include "cuda/kernels/loss_row.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/reduce.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = kColumnThreads;
constexpr int kWarps = kThreads / kWarp;
constexpr int kBlockRows = 4;  // at most
constexpr int kProcessors = 132;

// Where threads stand in front of columns that come in `packs`: the first ones next to each other,
// the others in lanes below them. All threads are in the first lane where one is not enough.
struct Lanes {
  int packs, width, lanes;

  __host__ __device__ explicit Lanes(int pack_count)
      : packs(pack_count),
        width(pack_count < kThreads ? pack_count : kThreads),
        lanes(kThreads / width) {}
  __device__ int first_pack() const { return static_cast<int>(threadIdx.x) % width; }
  // The thread's lane; `end` for threads that are left over.
  __device__ int LaneOr(int end) const {
    const int lane = static_cast<int>(threadIdx.x) / width;
    return lane < lanes ? lane : end;
  }
};

template <typename T, typename Act>
struct HeadKernelArgs {
  int rows, in, channels, block_rows;
  ForwardEpilogue<T, Act> forward;
  BackwardEpilogue<T, Act> backward;
  bool has_forward, has_backward;
  const T* linear;
  T* x;
  const float *weight, *bias;
  T* logits;
  HeadLoss<T> losses[kMaxLosses];
  int loss_count;
  T* grad_x;
  float* grad_bias;
  bool accumulate;
  double* loss_partials;  // [blocks][kMaxLosses]
  float* bias_partials;   // [blocks][channels]
  unsigned* counter;
};

// The rows of a block and what its threads tell each other about them.
struct BlockRows {
  int first, count;
  float* grads;    // [kBlockRows]
  double* values;  // [kBlockRows][kMaxLosses]
};

// x of one pack, which is stored where it is made here.
template <int kWidth, typename T, typename Act>
__device__ void LoadX(const HeadKernelArgs<T, Act>& args, int64_t i, int channel,
                      float (&x)[kWidth]) {
  if (args.has_forward) {
    LoadFloats<kWidth>(args.linear + i, x);
    if constexpr (kWidth == 1) {
      args.x[i] = args.forward.Element(x[0], i, channel);
      x[0] = ToFloat(args.x[i]);
    } else {
      const Pack<T> pack = args.forward.Elements(x, i, channel);
      StorePack(args.x + i, pack);
#pragma unroll
      for (int j = 0; j < kWidth; ++j) x[j] = ToFloat(pack.at[j]);
    }
  } else {
    LoadFloats<kWidth>(args.x + i, x);
  }
}

// The logits of the block's rows.
template <int kWidth, typename T, typename Act>
__device__ void WriteLogits(const HeadKernelArgs<T, Act>& args, const Lanes& lanes,
                            const BlockRows& rows) {
  SIMT_SHARED(float, per_warp, [kWarps][kBlockRows]);
  const int pixels = args.in / args.channels;
  float sums[kBlockRows] = {};
  for (int pack = lanes.first_pack(); pack < lanes.packs; pack += lanes.width) {
    for (int pixel = lanes.LaneOr(pixels); pixel < pixels; pixel += lanes.lanes) {
      const int w = pixel * args.channels + pack * kWidth;
      float factors[kWidth];
      LoadFloats<kWidth>(args.weight + w, factors);
#pragma unroll
      for (int r = 0; r < kBlockRows; ++r) {
        if (r >= rows.count) break;
        float x[kWidth];
        LoadX<kWidth>(args, static_cast<int64_t>(rows.first + r) * args.in + w, pack * kWidth, x);
#pragma unroll
        for (int j = 0; j < kWidth; ++j) sums[r] += x[j] * factors[j];
      }
    }
  }
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
#pragma unroll
  for (int r = 0; r < kBlockRows; ++r) {
    const float sum = WarpSum(sums[r]);
    if (threadIdx.x % kWarp == 0) per_warp[warp][r] = sum;
  }
  __syncthreads();  // The warps' parts of the logits are there.
  if (threadIdx.x >= static_cast<unsigned>(rows.count)) return;
  float logit = 0;
  for (int i = 0; i < kWarps; ++i) logit += per_warp[i][threadIdx.x];
  if (args.bias != nullptr) logit += *args.bias;
  args.logits[rows.first + static_cast<int>(threadIdx.x)] = FromFloat<T>(logit);
}

// What the losses say of the block's rows: a warp for each of both.
template <typename T, typename Act>
__device__ void Judge(const HeadKernelArgs<T, Act>& args, const BlockRows& rows) {
  if (threadIdx.x % kWarp != 0) return;
  for (int i = static_cast<int>(threadIdx.x) / kWarp; i < rows.count * args.loss_count;
       i += kWarps) {
    const int r = i / args.loss_count, which = i % args.loss_count;
    const HeadLoss<T>& head = args.losses[which];
    const int64_t row = rows.first + r - head.first_row;
    const bool judged = row >= 0 && row < head.loss.rows;
    rows.values[r * kMaxLosses + which] =
        judged ? JudgeRow<1>(head.loss, FactorOf(head.loss), row) : 0;
    if (judged && head.feeds_back) rows.grads[r] = ToFloat(head.loss.grad[row]);
  }
}

// The way back, with the block's sums for grad_bias.
template <int kWidth, typename T, typename Act>
__device__ void WriteGradients(const HeadKernelArgs<T, Act>& args, const Lanes& lanes,
                               const BlockRows& rows) {
  SIMT_SHARED(float, shared, [kWidth][kThreads]);
  const int pixels = args.in / args.channels;
  float* partials = args.bias_partials + int64_t{blockIdx.x} * args.channels;
  const bool in_lanes = lanes.lanes > 1;
  float sums[kWidth] = {};
  for (int pack = lanes.first_pack(); pack < lanes.packs; pack += lanes.width) {
    for (int pixel = lanes.LaneOr(pixels); pixel < pixels; pixel += lanes.lanes) {
      const int w = pixel * args.channels + pack * kWidth;
      float factors[kWidth];
      LoadFloats<kWidth>(args.weight + w, factors);
#pragma unroll
      for (int r = 0; r < kBlockRows; ++r) {
        if (r >= rows.count) break;
        const int64_t i = static_cast<int64_t>(rows.first + r) * args.in + w;
        float x[kWidth], grads[kWidth];
        if (args.has_backward) LoadFloats<kWidth>(args.x + i, x);
#pragma unroll
        for (int j = 0; j < kWidth; ++j) {
          grads[j] = rows.grads[r] * factors[j];
          if (args.has_backward) grads[j] = args.backward.Gradient(grads[j], x[j]);
          sums[j] += grads[j];
        }
        StoreFloats<kWidth>(grads, args.grad_x + i);
      }
    }
    if (args.grad_bias == nullptr || in_lanes) continue;
#pragma unroll
    for (int j = 0; j < kWidth; ++j) {
      partials[pack * kWidth + j] = sums[j];
      sums[j] = 0;
    }
  }
  if (args.grad_bias == nullptr || !in_lanes) return;
  SumLanes(lanes.lanes, lanes.width, sums, shared);
  if (static_cast<int>(threadIdx.x) >= lanes.width) return;
#pragma unroll
  for (int j = 0; j < kWidth; ++j) partials[lanes.first_pack() * kWidth + j] = sums[j];
}

// Metrics, from what the blocks' rows add to them.
template <typename T, typename Act>
__device__ void FinishLosses(const HeadKernelArgs<T, Act>& args) {
  SIMT_SHARED(double, totals, [kMaxLosses]);
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  if (warp < args.loss_count) {
    double sum = 0;
    for (unsigned block = threadIdx.x % kWarp; block < gridDim.x; block += kWarp) {
      sum += args.loss_partials[block * kMaxLosses + warp];
    }
    sum = WarpSum(sum);
    if (threadIdx.x % kWarp == 0) totals[warp] = sum;
  }
  __syncthreads();  // The sums over all rows are there.
  if (threadIdx.x != 0) return;
  for (int i = 0; i < args.loss_count; ++i) {
    const LossArgs<T>& loss = args.losses[i].loss;
    FinishLoss(loss, totals[i], AddressOf(loss.place));
  }
}

template <typename T, typename Act>
__device__ void FinishBias(const HeadKernelArgs<T, Act>& args) {
  SIMT_SHARED(double, shared, [1][kThreads]);
  const Lanes lanes(args.channels);
  const auto put = [&](int channel, double sum) {
    float* target = args.grad_bias + channel;
    *target = args.accumulate ? *target + static_cast<float>(sum) : static_cast<float>(sum);
  };
  const int blocks = static_cast<int>(gridDim.x);
  double sum[1] = {};
  for (int channel = lanes.first_pack(); channel < args.channels; channel += lanes.width) {
    for (int block = lanes.LaneOr(blocks); block < blocks; block += lanes.lanes) {
      sum[0] += args.bias_partials[int64_t{block} * args.channels + channel];
    }
    if (lanes.lanes > 1) continue;
    put(channel, sum[0]);
    sum[0] = 0;
  }
  if (lanes.lanes == 1) return;
  SumLanes(lanes.lanes, lanes.width, sum, shared);
  if (static_cast<int>(threadIdx.x) < lanes.width) put(lanes.first_pack(), sum[0]);
}

template <typename T, int kWidth, typename Act>
__global__ void __launch_bounds__(kThreads)
    head_kernel(const __grid_constant__ HeadKernelArgs<T, Act> args) {
  WaitForEarlierKernels();
  SIMT_SHARED(float, grads, [kBlockRows]);
  SIMT_SHARED(double, values, [kBlockRows * kMaxLosses]);
  const int first_row = static_cast<int>(blockIdx.x) * args.block_rows;
  const BlockRows rows = {first_row, min(args.block_rows, args.rows - first_row), grads, values};
  const Lanes lanes(args.channels / kWidth);
  WriteLogits<kWidth>(args, lanes, rows);
  __syncthreads();  // The logits are there.
  Judge(args, rows);
  __syncthreads();  // The losses and their gradients are there.
  const int which = static_cast<int>(threadIdx.x);
  if (which < args.loss_count) {
    double sum = 0;
    for (int r = 0; r < rows.count; ++r) sum += values[r * kMaxLosses + which];
    args.loss_partials[blockIdx.x * kMaxLosses + static_cast<unsigned>(which)] = sum;
  }
  WriteGradients<kWidth>(args, lanes, rows);
  if (!IsLastBlock(args.counter, gridDim.x)) return;
  FinishLosses(args);
  if (args.grad_bias != nullptr) FinishBias(args);
}

// ---- launcher

int BlockRowsFor(int rows) { return std::min(kBlockRows, (rows + kProcessors - 1) / kProcessors); }
int BlocksOf(int rows) { return (rows + BlockRowsFor(rows) - 1) / BlockRowsFor(rows); }

template <typename T>
int ChannelsOf(const HeadArgs<T>& args) {
  return args.forward ? args.forward->channels : args.backward ? args.backward->channels : args.in;
}

template <typename T>
void CheckLosses(const HeadArgs<T>& args) {
  Require(args.losses.size() <= kMaxLosses, "head: too many losses");
  int64_t fed = 0;
  for (const HeadLoss<T>& head : args.losses) {
    CheckLoss(head.loss);
    const bool in_place = head.loss.outputs == 1 && head.first_row >= 0 &&
                          head.first_row + head.loss.rows <= args.rows &&
                          head.loss.logits == args.logits + head.first_row;
    Require(in_place && !(head.feeds_back && head.loss.accuracy), "head: rows of a loss");
    if (head.feeds_back) fed += head.loss.rows;
  }
  Require(fed == args.rows, "head: rows without a gradient");
}

template <typename T>
void Check(const HeadArgs<T>& args) {
  Require(args.rows > 0 && args.in > 0 && ChannelsOf(args) > 0 && args.in % ChannelsOf(args) == 0,
          "head: sizes");
  Require(args.x != nullptr && args.weight != nullptr && args.logits != nullptr &&
              args.grad_x != nullptr && args.scratch != nullptr && args.counter != nullptr,
          "head: operands");
  if (args.forward) {
    Require(args.linear != nullptr && args.forward->range_count > 0 &&
                args.forward->range_count <= kMaxDropoutRanges &&
                (args.forward->dropout_rate == 0 || args.forward->step != nullptr),
            "head: forward");
  }
  if (args.forward && args.backward) {
    Require(args.forward->channels == args.backward->channels &&
                args.forward->activation == args.backward->activation,
            "head: two activations");
  }
  CheckLosses(args);
}

template <typename T, typename Act>
void LaunchWith(const HeadArgs<T>& args, const Act& act, cudaStream_t stream) {
  HeadKernelArgs<T, Act> bound = {
      .rows = args.rows,
      .in = args.in,
      .channels = ChannelsOf(args),
      .block_rows = BlockRowsFor(args.rows),
      .forward = ForwardEpilogue<T, Act>(args.forward.value_or(BiasActForwardArgs<T>{}), act),
      .backward = BackwardEpilogue<T, Act>(args.backward.value_or(BiasActBackwardArgs<T>{}), act),
      .has_forward = args.forward.has_value(),
      .has_backward = args.backward.has_value(),
      .linear = args.linear,
      .x = args.x,
      .weight = args.weight,
      .bias = args.bias,
      .logits = args.logits,
      .losses = {},
      .loss_count = static_cast<int>(args.losses.size()),
      .grad_x = args.grad_x,
      .grad_bias = args.backward ? args.backward->grad_bias : nullptr,
      .accumulate = args.backward && args.backward->bias_mode == GradientMode::kAccumulate,
      .loss_partials = reinterpret_cast<double*>(args.scratch),
      .bias_partials = nullptr,
      .counter = args.counter};
  std::copy(args.losses.begin(), args.losses.end(), bound.losses);
  const int blocks = BlocksOf(args.rows);
  bound.bias_partials = reinterpret_cast<float*>(bound.loss_partials + blocks * kMaxLosses);
  const bool packed = bound.channels % kPackElems<T> == 0 && bound.forward.InPacks() &&
                      Aligned(16, args.linear, args.x, args.weight, args.grad_x);
  Launch("head", packed ? head_kernel<T, kPackElems<T>, Act> : head_kernel<T, 1, Act>,
         {static_cast<unsigned>(blocks), kThreads}, stream, bound);
}

}  // namespace

template <typename T>
void LaunchHead(const HeadArgs<T>& args, cudaStream_t stream) {
  if (args.rows == 0) return;
  Check(args);
  const Activation activation = args.forward    ? args.forward->activation
                                : args.backward ? args.backward->activation
                                                : Activation{};
  WithActivation(activation, [&](auto act) { LaunchWith(args, act, stream); });
}

size_t HeadScratchBytes(int rows, int channels) {
  if (rows == 0) return 0;
  return static_cast<size_t>(BlocksOf(rows)) *
         (sizeof(double) * kMaxLosses + sizeof(float) * static_cast<size_t>(channels));
}

template void LaunchHead(const HeadArgs<float>&, cudaStream_t);
template void LaunchHead(const HeadArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
