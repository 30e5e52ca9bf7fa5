#include "cuda/kernels/activation.h"
#include "cuda/kernels/batch_norm_backward.h"
#include "cuda/kernels/batch_norm_channel.h"
#include "cuda/kernels/columns.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

// The packs of a row that both passes read, as they lie in memory.
template <typename T, int kPack, typename Act>
struct Row {
  Pack<T, kPack> x, y, grad_y;

  __device__ void Load(const BatchNormBackwardArgs<T>& args, int64_t i) {
    x = LoadPack<T, kPack>(args.x + i);
    if (Act::kReadsResult) y = LoadPack<T, kPack>(args.y + i);
    grad_y = LoadPack<T, kPack>(args.grad_y + i);
  }
  // g of element p.
  __device__ float Inner(const Act& act, int p) const {
    const float grad = ToFloat(grad_y.at[p]);
    return Act::kReadsResult ? grad * act.Derivative(ToFloat(y.at[p])) : grad;
  }
};

// Sums over all rows of g and g * (x - mean): true in the threads with a TileColumn of one block
// per tile.
template <typename T, int kPack, typename Act>
__device__ bool SumGradients(const BatchNormBackwardArgs<T>& args, const ColumnGrid& grid,
                             const Act& act, double (&totals)[2]) {
  const ColumnThread<kPack> thread(grid);
  float mean[kPack] = {}, sums[2 * kPack] = {};
  if (thread.works()) {
    for (int p = 0; p < kPack; ++p) mean[p] = args.mean[thread.column + p];
  }
  constexpr int kBatch = kRowBatch<3>;
  Row<T, kPack, Act> rows[kBatch];
  ForEachRow<kBatch>(
      grid, thread, [&](int k, int64_t i) { rows[k].Load(args, i); },
      [&](int k, int64_t) {
        for (int p = 0; p < kPack; ++p) {
          const float inner = rows[k].Inner(act, p);
          sums[p] += inner;
          sums[kPack + p] = fmaf(inner, ToFloat(rows[k].x.at[p]) - mean[p], sums[kPack + p]);
        }
      });
  SumTile<2, kPack>(grid, sums, totals);
  return SumSlabs<2, kPack>(grid, totals, args.scratch, args.counters);
}

// slopes_of(column) is asked for once per column of a thread.
template <typename T, int kPack, typename Act, typename SlopesOf>
__device__ void WriteGradients(const BatchNormBackwardArgs<T>& args, const ColumnGrid& grid,
                               const Act& act, const SlopesOf& slopes_of) {
  const ColumnThread<kPack> thread(grid);
  if (!thread.works()) return;
  Slopes slopes[kPack];
  for (int p = 0; p < kPack; ++p) slopes[p] = slopes_of(thread.column + p);
  constexpr int kBatch = kRowBatch<3>;
  Row<T, kPack, Act> rows[kBatch];
  ForEachRow<kBatch>(
      grid, thread, [&](int k, int64_t i) { rows[k].Load(args, i); },
      [&](int k, int64_t i) {
        Pack<T, kPack> grad_x;
        for (int p = 0; p < kPack; ++p) {
          const float x = ToFloat(rows[k].x.at[p]);
          grad_x.at[p] = FromFloat<T>(slopes[p](rows[k].Inner(act, p), x));
        }
        StorePack(args.grad_x + i, grad_x);
      });
}

// ---- kernels

// All rows of a tile in one block.
template <typename T, int kPack, typename Act>
__global__ __launch_bounds__(kColumnThreads, 2) void batch_norm_backward_one_slab_kernel(
    const BatchNormBackwardArgs<T> args, const ColumnGrid grid, Act act) {
  WaitForEarlierKernels();
  double totals[2];
  SumGradients<T, kPack>(args, grid, act, totals);
  SIMT_SHARED(Slopes, slopes, [kTileColumns<T>]);
  const TileColumn<kPack> own(grid);
  if (own.exists) slopes[threadIdx.x] = FinishChannel(args, own.column, totals);
  __syncthreads();  // The slopes are there.
  const int first_column = static_cast<int>(blockIdx.x) * grid.width * kPack;
  WriteGradients<T, kPack>(args, grid, act,
                           [&](int column) { return slopes[column - first_column]; });
}

// `table` is [channels].
template <typename T, int kPack, typename Act>
__global__ __launch_bounds__(kColumnThreads, 2) void batch_norm_backward_sums_kernel(
    const BatchNormBackwardArgs<T> args, const ColumnGrid grid, Slopes* table, Act act) {
  WaitForEarlierKernels();
  double totals[2];
  if (!SumGradients<T, kPack>(args, grid, act, totals)) return;
  const TileColumn<kPack> own(grid);
  if (own.exists) table[own.column] = FinishChannel(args, own.column, totals);
}

template <typename T, int kPack, typename Act>
__global__ __launch_bounds__(kColumnThreads, 2) void batch_norm_backward_apply_kernel(
    const BatchNormBackwardArgs<T> args, const ColumnGrid grid, const Slopes* table, Act act) {
  WaitForEarlierKernels();
  WriteGradients<T, kPack>(args, grid, act, [&](int column) { return table[column]; });
}

// ---- launches

template <typename T>
int PackOf(const BatchNormBackwardArgs<T>& args) {
  return PackFor<T>(args.channels, args.x, args.y, args.grad_y, args.grad_x);
}

template <typename T>
ColumnGrid SumGridOf(const BatchNormBackwardArgs<T>& args) {
  return GridForSums<T>(args.rows, args.channels, PackOf(args));
}

template <int kPack, typename T>
void LaunchBackward(const BatchNormBackwardArgs<T>& args, cudaStream_t stream) {
  const ColumnGrid sums = SumGridOf(args);
  WithActivation(args.activation, [&](auto act) {
    using Act = decltype(act);
    Require(args.y != nullptr || !Act::kReadsResult, "batch_norm_backward: y");
    if (sums.slabs == 1) {
      return Launch("batch_norm_backward_one_slab",
                    batch_norm_backward_one_slab_kernel<T, kPack, Act>, sums.Shape(), stream, args,
                    sums, act);
    }
    // The table of the second kernel lies behind the partial sums.
    auto* table =
        reinterpret_cast<Slopes*>(args.scratch + ScratchFor(sums, 2).bytes / sizeof(double));
    Launch("batch_norm_backward_sums", batch_norm_backward_sums_kernel<T, kPack, Act>, sums.Shape(),
           stream, args, sums, table, act);
    const ColumnGrid rows = GridForRows<T>(args.rows, args.channels, kPack);
    Launch("batch_norm_backward_apply", batch_norm_backward_apply_kernel<T, kPack, Act>,
           rows.Shape(), stream, args, rows, table, act);
  });
}

}  // namespace

template <typename T>
SumScratch ScratchOf(const BatchNormBackwardArgs<T>& args) {
  if (args.rows == 0) return {};
  SumScratch scratch = ScratchFor(SumGridOf(args), 2);
  if (scratch.bytes > 0) scratch.bytes += sizeof(Slopes) * static_cast<size_t>(args.channels);
  return scratch;
}

template <typename T>
void LaunchBatchNormBackward(const BatchNormBackwardArgs<T>& args, cudaStream_t stream) {
  if (args.rows == 0) return;
  Require(args.rows > 0 && args.channels > 0, "batch_norm_backward: sizes");
  Require(args.x != nullptr && args.grad_y != nullptr && args.grad_x != nullptr &&
              args.scale != nullptr && args.mean != nullptr && args.inv_std != nullptr,
          "batch_norm_backward: operands");
  Require(ScratchOf(args).bytes == 0 || (args.scratch != nullptr && args.counters != nullptr),
          "batch_norm_backward: scratch");
  if (PackOf(args) == 1) {
    LaunchBackward<1>(args, stream);
  } else {
    LaunchBackward<kColumnPack>(args, stream);
  }
}

template SumScratch ScratchOf(const BatchNormBackwardArgs<float>&);
template SumScratch ScratchOf(const BatchNormBackwardArgs<bf16>&);
template void LaunchBatchNormBackward(const BatchNormBackwardArgs<float>&, cudaStream_t);
template void LaunchBatchNormBackward(const BatchNormBackwardArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
