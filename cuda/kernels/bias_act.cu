#include "cuda/kernels/bias_act.h"
#include "cuda/kernels/bias_act_element.h"
#include "cuda/kernels/columns.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

constexpr int kForwardThreads = 256;

// ---- forward

// What the launcher works out for all ranges.
struct ForwardConstants {
  bool packed, packed_bias;  // x and y, and the bias, are aligned for packs
  uint32_t threshold;        // of dropout
  float scale;
};

// What is the same for all threads of a block.
template <typename T, typename Act>
struct ForwardRange {
  const T* x;  // of the range's first element
  const float* bias;
  T* y;
  int64_t elems;
  int channels;
  bool packed;
  ForwardConstants constants;
  Act act;
  uint64_t seed, step;
  uint32_t stream;
};

// Adds the bias to four neighbours, the first of which is of the given channel; returns the channel
// of the element behind them.
__device__ inline int AddBias(const float* bias, bool packed, int channel, int channels,
                              float* values) {
  if (packed) {
    const auto pack = LoadPack<float, kDrawGroup>(bias + channel);
    for (int j = 0; j < kDrawGroup; ++j) values[j] += pack.at[j];
    channel += kDrawGroup;
    return channel == channels ? 0 : channel;
  }
  for (int j = 0; j < kDrawGroup; ++j) {
    values[j] += bias[channel];
    channel = channel + 1 == channels ? 0 : channel + 1;
  }
  return channel;
}

// Elements i .. i + kPackElems of the range, as far as there are so many.
template <bool kDropout, typename T, typename Act>
__device__ void ForwardPack(const ForwardRange<T, Act>& range, int64_t i) {
  constexpr int kElems = kPackElems<T>;
  const int64_t left = range.elems - i;
  const bool packed = range.packed && left >= kElems;
  Pack<T> pack;
  if (packed) {
    pack = LoadPack<T>(range.x + i);
  } else {
    for (int j = 0; j < kElems; ++j) pack.at[j] = j < left ? range.x[i + j] : FromFloat<T>(0.0f);
  }
  float values[kElems];
  for (int j = 0; j < kElems; ++j) values[j] = ToFloat(pack.at[j]);
  if (range.bias != nullptr) {
    int channel = static_cast<int>(i % range.channels);
    for (int j = 0; j < kElems; j += kDrawGroup) {
      channel =
          AddBias(range.bias, range.constants.packed_bias, channel, range.channels, values + j);
    }
  }
  for (int g = 0; g < kElems; g += kDrawGroup) {
    PhiloxBlock draws;
    if (kDropout) {
      draws =
          Draw(range.seed, range.stream, range.step, static_cast<uint32_t>((i + g) / kDrawGroup));
    }
    for (int j = 0; j < kDrawGroup; ++j) {
      const float value = range.act(values[g + j]);
      if (kDropout) {
        pack.at[g + j] =
            DropElement<T>(value, draws.lane[j], range.constants.threshold, range.constants.scale);
      } else {
        pack.at[g + j] = FromFloat<T>(value);
      }
    }
  }
  if (packed) {
    StorePack(range.y + i, pack);
  } else {
    for (int j = 0; j < kElems; ++j) {
      if (j < left) range.y[i + j] = pack.at[j];
    }
  }
}

template <typename T, bool kDropout, typename Act>
__global__ __launch_bounds__(kForwardThreads) void bias_act_forward_kernel(
    const BiasActForwardArgs<T> args, const ForwardConstants constants, Act act) {
  WaitForEarlierKernels();
  const DropoutRange& place = args.ranges[blockIdx.y];
  ForwardRange<T, Act> range = {};
  range.x = args.x + place.first_elem;
  range.bias = args.bias;
  range.y = args.y + place.first_elem;
  range.elems = place.elems;
  range.channels = args.channels;
  range.packed = constants.packed && place.first_elem % kPackElems<T> == 0;
  range.constants = constants;
  range.act = act;
  if (kDropout) {
    range.seed = args.seed;
    range.step = static_cast<uint64_t>(*args.step - 1);
    range.stream = place.stream;
  }
  const int64_t thread = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const int64_t stride = int64_t{gridDim.x} * blockDim.x * kPackElems<T>;
  for (int64_t i = thread * kPackElems<T>; i < range.elems; i += stride) {
    ForwardPack<kDropout>(range, i);
  }
}

// ---- backward

template <typename T, int kPack, bool kDropout, typename Act>
__global__ __launch_bounds__(kColumnThreads,
                             2) void bias_act_backward_kernel(const BiasActBackwardArgs<T> args,
                                                              const ColumnGrid grid, float keep,
                                                              float scale, Act act) {
  WaitForEarlierKernels();
  constexpr bool kReadsResult = kDropout || Act::kReadsResult;
  const ColumnThread<kPack> thread(grid);
  constexpr int kBatch = kRowBatch<2>;
  Pack<T, kPack> grad[kBatch], result[kBatch];
  float sums[kPack] = {};
  ForEachRow<kBatch>(
      grid, thread,
      [&](int k, int64_t i) {
        grad[k] = LoadPack<T, kPack>(args.grad_y + i);
        if (kReadsResult) result[k] = LoadPack<T, kPack>(args.y + i);
      },
      [&](int k, int64_t i) {
        for (int p = 0; p < kPack; ++p) {
          float value = ToFloat(grad[k].at[p]);
          if (kReadsResult) {
            value = GradientElement<kDropout>(act, value, ToFloat(result[k].at[p]), keep, scale);
          }
          grad[k].at[p] = FromFloat<T>(value);
          sums[p] += value;
        }
        StorePack(args.grad_x + i, grad[k]);
      });
  if (args.grad_bias == nullptr) return;

  double total[1];
  SumTile<1, kPack>(grid, sums, total);
  if (!SumSlabs<1, kPack>(grid, total, args.scratch, args.counters)) return;
  const TileColumn<kPack> own(grid);
  if (own.exists) StoreSum(args.bias_mode, total[0], args.grad_bias[own.column]);
}

template <typename T>
int PackOf(const BiasActBackwardArgs<T>& args) {
  return PackFor<T>(args.channels, args.y, args.grad_y, args.grad_x);
}

template <typename T>
ColumnGrid GridOf(const BiasActBackwardArgs<T>& args) {
  return args.grad_bias == nullptr ? GridForRows<T>(args.rows, args.channels, PackOf(args))
                                   : GridForSums<T>(args.rows, args.channels, PackOf(args));
}

template <int kPack, typename T>
void LaunchBackward(const BiasActBackwardArgs<T>& args, const ColumnGrid& grid,
                    cudaStream_t stream) {
  const float keep = 1 - args.dropout_rate, scale = 1 / (1 - args.dropout_rate);
  WithActivation(args.activation, [&](auto act) {
    using Act = decltype(act);
    Require(args.y != nullptr || (!Act::kReadsResult && args.dropout_rate == 0),
            "bias_act_backward: y");
    Launch("bias_act_backward",
           args.dropout_rate > 0 ? bias_act_backward_kernel<T, kPack, true, Act>
                                 : bias_act_backward_kernel<T, kPack, false, Act>,
           grid.Shape(), stream, args, grid, keep, scale, act);
  });
}

}  // namespace

template <typename T>
void LaunchBiasActForward(const BiasActForwardArgs<T>& args, cudaStream_t stream) {
  Require(args.channels > 0 && args.range_count > 0 && args.range_count <= kMaxDropoutRanges,
          "bias_act_forward: ranges");
  int64_t longest = 0;
  for (int i = 0; i < args.range_count; ++i) {
    const int64_t elems = args.ranges[i].elems;
    longest = elems > longest ? elems : longest;
  }
  if (longest == 0) return;
  const bool dropout = args.dropout_rate > 0;
  Require(args.x != nullptr && args.y != nullptr && (!dropout || args.step != nullptr),
          "bias_act_forward: operands");
  const int64_t packs = (longest + kPackElems<T> - 1) / kPackElems<T>;
  const LaunchShape shape{
      dim3(BlocksFor(packs, kForwardThreads), static_cast<unsigned>(args.range_count)),
      kForwardThreads};
  const ForwardConstants constants{Aligned(sizeof(Pack<T>), args.x, args.y),
                                   args.channels % kDrawGroup == 0 && Aligned(16, args.bias),
                                   DropoutThreshold(args.dropout_rate),
                                   1 / (1 - args.dropout_rate)};
  WithActivation(args.activation, [&](auto act) {
    using Act = decltype(act);
    Launch("bias_act_forward",
           dropout ? bias_act_forward_kernel<T, true, Act> : bias_act_forward_kernel<T, false, Act>,
           shape, stream, args, constants, act);
  });
}

template <typename T>
SumScratch ScratchOf(const BiasActBackwardArgs<T>& args) {
  return args.rows == 0 || args.grad_bias == nullptr ? SumScratch() : ScratchFor(GridOf(args), 1);
}

template <typename T>
void LaunchBiasActBackward(const BiasActBackwardArgs<T>& args, cudaStream_t stream) {
  if (args.rows == 0) return;
  Require(args.rows > 0 && args.channels > 0, "bias_act_backward: sizes");
  Require(args.grad_y != nullptr && args.grad_x != nullptr, "bias_act_backward: operands");
  const ColumnGrid grid = GridOf(args);
  Require(ScratchOf(args).bytes == 0 || (args.scratch != nullptr && args.counters != nullptr),
          "bias_act_backward: scratch");
  if (PackOf(args) == 1) {
    LaunchBackward<1>(args, grid, stream);
  } else {
    LaunchBackward<kColumnPack>(args, grid, stream);
  }
}

template void LaunchBiasActForward(const BiasActForwardArgs<float>&, cudaStream_t);
template void LaunchBiasActForward(const BiasActForwardArgs<bf16>&, cudaStream_t);
template SumScratch ScratchOf(const BiasActBackwardArgs<float>&);
template SumScratch ScratchOf(const BiasActBackwardArgs<bf16>&);
template void LaunchBiasActBackward(const BiasActBackwardArgs<float>&, cudaStream_t);
template void LaunchBiasActBackward(const BiasActBackwardArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
