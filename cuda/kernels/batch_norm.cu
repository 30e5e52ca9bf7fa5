#include "cuda/kernels/activation.h"
#include "cuda/kernels/batch_norm.h"
#include "cuda/kernels/batch_norm_channel.h"
#include "cuda/kernels/columns.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

// norm_of(column) is asked for once per column of a thread.
template <typename T, int kPack, typename Act, typename NormOf>
__device__ void Normalize(const ColumnGrid& grid, const T* x, T* y, const Act& act,
                          const NormOf& norm_of) {
  const ColumnThread<kPack> thread(grid);
  if (!thread.works()) return;
  Norm norms[kPack];
  for (int p = 0; p < kPack; ++p) norms[p] = norm_of(thread.column + p);
  constexpr int kBatch = kRowBatch<1>;
  Pack<T, kPack> pack[kBatch];
  ForEachRow<kBatch>(
      grid, thread, [&](int k, int64_t i) { pack[k] = LoadPack<T, kPack>(x + i); },
      [&](int k, int64_t i) {
        for (int p = 0; p < kPack; ++p) {
          pack[k].at[p] = FromFloat<T>(act(norms[p](ToFloat(pack[k].at[p]))));
        }
        StorePack(y + i, pack[k]);
      });
}

// ---- statistics

// Sums over all rows of the distances to the tensor's first row, and of their squares: true in the
// threads with a TileColumn of one block per tile.
template <typename T, int kPack>
__device__ bool SumDistances(const BatchNormForwardArgs<T>& args, const ColumnGrid& grid,
                             double (&totals)[2]) {
  const ColumnThread<kPack> thread(grid);
  const int64_t first_row = blockIdx.y * grid.slab_rows;
  const T* near_row = args.x + first_row * grid.columns;
  float near[kPack] = {}, sums[2 * kPack] = {};
  if (thread.works()) {
    for (int p = 0; p < kPack; ++p) near[p] = ToFloat(near_row[thread.column + p]);
  }
  constexpr int kBatch = kRowBatch<1>;
  Pack<T, kPack> pack[kBatch];
  ForEachRow<kBatch>(
      grid, thread, [&](int k, int64_t i) { pack[k] = LoadPack<T, kPack>(args.x + i); },
      [&](int k, int64_t) {
        for (int p = 0; p < kPack; ++p) {
          const float distance = ToFloat(pack[k].at[p]) - near[p];
          sums[p] += distance;
          sums[kPack + p] = fmaf(distance, distance, sums[kPack + p]);
        }
      });
  SumTile<2, kPack>(grid, sums, totals);

  const TileColumn<kPack> own(grid);
  if (own.exists) {
    // The same sums, of distances that are longer by what lies between the two first rows.
    const int64_t left = grid.rows - first_row;
    const double count = static_cast<double>(left < grid.slab_rows ? left : grid.slab_rows);
    const double step =
        static_cast<double>(ToFloat(near_row[own.column])) - ToFloat(args.x[own.column]);
    totals[1] += step * (2 * totals[0] + step * count);
    totals[0] += step * count;
  }
  return SumSlabs<2, kPack>(grid, totals, args.scratch, args.counters);
}

// ---- kernels

// All rows of a tile in one block.
template <typename T, int kPack, typename Act>
__global__ __launch_bounds__(kColumnThreads,
                             2) void batch_norm_one_slab_kernel(const BatchNormForwardArgs<T> args,
                                                                const ColumnGrid grid, Act act) {
  WaitForEarlierKernels();
  double totals[2];
  SumDistances<T, kPack>(args, grid, totals);
  SIMT_SHARED(Norm, norms, [kTileColumns<T>]);
  const TileColumn<kPack> own(grid);
  if (own.exists)
    norms[threadIdx.x] = FinishChannel(args, own.column, ToFloat(args.x[own.column]), totals);
  __syncthreads();  // The norms are there.
  const int first_column = static_cast<int>(blockIdx.x) * grid.width * kPack;
  Normalize<T, kPack>(grid, args.x, args.y, act,
                      [&](int column) { return norms[column - first_column]; });
}

// `slopes` and `shifts` are [channels].
template <typename T, int kPack>
__global__ __launch_bounds__(kColumnThreads, 2) void batch_norm_statistics_kernel(
    const BatchNormForwardArgs<T> args, const ColumnGrid grid, float* slopes, float* shifts) {
  WaitForEarlierKernels();
  double totals[2];
  if (!SumDistances<T, kPack>(args, grid, totals)) return;
  const TileColumn<kPack> own(grid);
  if (!own.exists) return;
  const Norm norm = FinishChannel(args, own.column, ToFloat(args.x[own.column]), totals);
  slopes[own.column] = norm.slope;
  shifts[own.column] = norm.shift;
}

template <typename T, int kPack, typename Act>
__global__ __launch_bounds__(kColumnThreads,
                             2) void batch_norm_apply_kernel(const BatchNormForwardArgs<T> args,
                                                             const ColumnGrid grid,
                                                             const float* slopes,
                                                             const float* shifts, Act act) {
  WaitForEarlierKernels();
  Normalize<T, kPack>(grid, args.x, args.y, act, [&](int column) -> Norm {
    return {args.mean[column], slopes[column], shifts[column]};
  });
}

template <typename T, int kPack, typename Act>
__global__ __launch_bounds__(kColumnThreads, 2) void batch_norm_inference_kernel(
    const BatchNormInferenceArgs<T> args, const ColumnGrid grid, Act act) {
  WaitForEarlierKernels();
  Normalize<T, kPack>(grid, args.x, args.y, act, [&](int column) -> Norm {
    const float inv_std = 1 / sqrtf(args.running_variance[column] + args.epsilon);
    return {args.running_mean[column], args.scale[column] * inv_std, args.shift[column]};
  });
}

// ---- launches

template <typename Args>
int PackOf(const Args& args) {
  using T = std::remove_pointer_t<decltype(args.y)>;
  return PackFor<T>(args.channels, args.x, args.y);
}

template <typename T>
ColumnGrid SumGridOf(const BatchNormForwardArgs<T>& args) {
  return GridForSums<T>(args.rows, args.channels, PackOf(args));
}

template <int kPack, typename T>
void LaunchForward(const BatchNormForwardArgs<T>& args, cudaStream_t stream) {
  const ColumnGrid sums = SumGridOf(args);
  if (sums.slabs == 1) {
    return WithActivation(args.activation, [&](auto act) {
      Launch("batch_norm_one_slab", batch_norm_one_slab_kernel<T, kPack, decltype(act)>,
             sums.Shape(), stream, args, sums, act);
    });
  }
  // The tables of the second kernel lie behind the partial sums.
  auto* slopes = reinterpret_cast<float*>(args.scratch) + ScratchFor(sums, 2).bytes / sizeof(float);
  float* shifts = slopes + args.channels;
  Launch("batch_norm_statistics", batch_norm_statistics_kernel<T, kPack>, sums.Shape(), stream,
         args, sums, slopes, shifts);
  const ColumnGrid rows = GridForRows<T>(args.rows, args.channels, kPack);
  WithActivation(args.activation, [&](auto act) {
    Launch("batch_norm_apply", batch_norm_apply_kernel<T, kPack, decltype(act)>, rows.Shape(),
           stream, args, rows, slopes, shifts, act);
  });
}

template <int kPack, typename T>
void LaunchInference(const BatchNormInferenceArgs<T>& args, cudaStream_t stream) {
  const ColumnGrid grid = GridForRows<T>(args.rows, args.channels, kPack);
  WithActivation(args.activation, [&](auto act) {
    Launch("batch_norm_inference", batch_norm_inference_kernel<T, kPack, decltype(act)>,
           grid.Shape(), stream, args, grid, act);
  });
}

}  // namespace

template <typename T>
SumScratch ScratchOf(const BatchNormForwardArgs<T>& args) {
  if (args.rows == 0) return {};
  SumScratch scratch = ScratchFor(SumGridOf(args), 2);
  if (scratch.bytes > 0) scratch.bytes += 2 * sizeof(float) * static_cast<size_t>(args.channels);
  return scratch;
}

template <typename T>
void LaunchBatchNormForward(const BatchNormForwardArgs<T>& args, cudaStream_t stream) {
  if (args.rows == 0) return;
  Require(args.rows > 0 && args.channels > 0, "batch_norm_forward: sizes");
  Require(args.x != nullptr && args.y != nullptr && args.scale != nullptr &&
              args.shift != nullptr && args.mean != nullptr && args.inv_std != nullptr &&
              args.running_mean != nullptr && args.running_variance != nullptr,
          "batch_norm_forward: operands");
  Require(ScratchOf(args).bytes == 0 || (args.scratch != nullptr && args.counters != nullptr),
          "batch_norm_forward: scratch");
  if (PackOf(args) == 1) {
    LaunchForward<1>(args, stream);
  } else {
    LaunchForward<kColumnPack>(args, stream);
  }
}

template <typename T>
void LaunchBatchNormInference(const BatchNormInferenceArgs<T>& args, cudaStream_t stream) {
  if (args.rows == 0) return;
  Require(args.rows > 0 && args.channels > 0, "batch_norm_inference: sizes");
  Require(args.x != nullptr && args.y != nullptr && args.scale != nullptr &&
              args.shift != nullptr && args.running_mean != nullptr &&
              args.running_variance != nullptr,
          "batch_norm_inference: operands");
  if (PackOf(args) == 1) {
    LaunchInference<1>(args, stream);
  } else {
    LaunchInference<kColumnPack>(args, stream);
  }
}

template SumScratch ScratchOf(const BatchNormForwardArgs<float>&);
template SumScratch ScratchOf(const BatchNormForwardArgs<bf16>&);
template void LaunchBatchNormForward(const BatchNormForwardArgs<float>&, cudaStream_t);
template void LaunchBatchNormForward(const BatchNormForwardArgs<bf16>&, cudaStream_t);
template void LaunchBatchNormInference(const BatchNormInferenceArgs<float>&, cudaStream_t);
template void LaunchBatchNormInference(const BatchNormInferenceArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
