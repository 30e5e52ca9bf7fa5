#include "cuda/kernels/dense_tile.h"
#include "cuda/kernels/dense_tile_finish.h"
#include "cuda/kernels/dense_tile_product.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

// A block per tile of columns.
template <typename Product, bool kForward, typename Finish>
__global__ __launch_bounds__(kTileThreads) void dense_tile_kernel(
    const TileOperands<typename Product::Element> operands, const Finish finish) {
  WaitForEarlierKernels();
  const TilePlace place{operands.rows, operands.columns,
                        static_cast<int>(blockIdx.x) * Product::kColumns};
  finish(TilePipeline<Product, kForward>::Run(operands, place.first_column), place);
}

template <bool kForward, typename Product, typename T, typename Finish>
void LaunchProduct(const char* name, const TileOperands<T>& operands, const Finish& finish,
                   cudaStream_t stream) {
  const int blocks = (operands.columns + Product::kColumns - 1) / Product::kColumns;
  Launch(
      name, dense_tile_kernel<Product, kForward, Finish>,
      {static_cast<unsigned>(blocks), kTileThreads, TilePipeline<Product, kForward>::kSharedBytes},
      stream, operands, finish);
}

template <bool kForward, int kRowTiles, typename T, typename Finish>
void LaunchArithmetic(const char* name, bool tf32, const TileOperands<T>& operands,
                      const Finish& finish, cudaStream_t stream) {
  if constexpr (std::is_same_v<T, float>) {
    if (!tf32) {
      using Product = MultiplyAddTile<kRowTiles, kForward>;
      return LaunchProduct<kForward, Product>(name, operands, finish, stream);
    }
  }
  LaunchProduct<kForward, TensorTile<T, kRowTiles, kForward>>(name, operands, finish, stream);
}

template <bool kForward, typename T, typename Finish>
void LaunchTile(const char* name, bool tf32, TileOperands<T> operands, const Finish& finish,
                cudaStream_t stream) {
  Require(SupportsDenseTile({operands.rows, operands.depth, operands.columns}, sizeof(T)), name);
  Require(operands.x != nullptr && operands.weight != nullptr &&
              Aligned(4, operands.x, operands.weight),
          name);
  // The longest copies that every row of both operands can be cut into.
  const size_t width = static_cast<size_t>(kForward ? operands.depth : operands.columns);
  const size_t depth_bytes = static_cast<size_t>(operands.depth) * sizeof(T);
  operands.copy_bytes = 16;
  while (!Aligned(static_cast<size_t>(operands.copy_bytes), operands.x, operands.weight) ||
         depth_bytes % static_cast<size_t>(operands.copy_bytes) != 0 ||
         width * sizeof(T) % static_cast<size_t>(operands.copy_bytes) != 0) {
    operands.copy_bytes /= 2;
  }
  if (operands.rows <= kMaxTileRows / 2) {
    LaunchArithmetic<kForward, kMaxTileRows / 32>(name, tf32, operands, finish, stream);
  } else {
    LaunchArithmetic<kForward, kMaxTileRows / 16>(name, tf32, operands, finish, stream);
  }
}

}  // namespace

bool SupportsDenseTile(const TileShape& shape, int elem_bytes) {
  // More columns are several blocks to a multiprocessor, and more depth is better split among
  // blocks: a library does both.
  constexpr int kMaxColumns = 2048, kMaxDepth = 2048;
  return shape.rows > 0 && shape.rows <= kMaxTileRows && shape.columns > kMaxThin &&
         shape.columns <= kMaxColumns && shape.depth > kMaxThin && shape.depth <= kMaxDepth &&
         shape.depth * elem_bytes % 4 == 0 && shape.columns * elem_bytes % 4 == 0;
}

template <typename T>
void LaunchDenseTileForward(const DenseTileForwardArgs<T>& args, cudaStream_t stream) {
  const auto [n, in, out] = args.shape;
  const TileOperands<T> operands{args.x, args.weight, n, in, out, 0};
  if (const auto* norm = std::get_if<DenseTileNorm<T>>(&args.behind)) {
    Require(norm->norm.rows == n && norm->norm.channels == out && norm->linear != nullptr &&
                norm->norm.y != nullptr,
            "dense_tile_forward: batch norm");
    LaunchTile<true>("dense_tile_forward_norm", args.tf32, operands, NormFinish<T>{*norm}, stream);
  } else {
    const auto& act = std::get<BiasActForwardArgs<T>>(args.behind);
    Require(act.channels == out && act.range_count > 0 && act.range_count <= kMaxDropoutRanges &&
                act.y != nullptr && (act.dropout_rate == 0 || act.step != nullptr),
            "dense_tile_forward: bias and activation");
    const BiasActFinish<T> finish{{act, AnyActivation{act.activation}}, act.y};
    LaunchTile<true>("dense_tile_forward", args.tf32, operands, finish, stream);
  }
}

template <typename T>
void LaunchDenseTileBackward(const DenseTileBackwardArgs<T>& args, cudaStream_t stream) {
  const auto [n, in, out] = args.shape;
  const TileOperands<T> operands{args.grad_y, args.weight, n, out, in, 0};
  if (const auto* norm = std::get_if<DenseTileNormBackward<T>>(&args.behind)) {
    Require(norm->norm.rows == n && norm->norm.channels == in && norm->norm.x != nullptr &&
                norm->norm.grad_x != nullptr &&
                (norm->norm.y != nullptr || norm->norm.activation == Activation{}),
            "dense_tile_backward: batch norm");
    LaunchTile<false>("dense_tile_backward_norm", args.tf32, operands, NormGradientFinish<T>{*norm},
                      stream);
  } else {
    const auto& act = std::get<BiasActBackwardArgs<T>>(args.behind);
    const bool changes = act.activation != Activation{} || act.dropout_rate > 0;
    Require(act.grad_x != nullptr && (act.y != nullptr || !changes) &&
                (act.grad_bias == nullptr || act.channels == in),
            "dense_tile_backward: activation");
    const BiasActGradientFinish<T> finish{
        {act, AnyActivation{act.activation}}, act.grad_x, act.grad_bias, act.bias_mode};
    LaunchTile<false>("dense_tile_backward", args.tf32, operands, finish, stream);
  }
}

template void LaunchDenseTileForward(const DenseTileForwardArgs<float>&, cudaStream_t);
template void LaunchDenseTileForward(const DenseTileForwardArgs<bf16>&, cudaStream_t);
template void LaunchDenseTileBackward(const DenseTileBackwardArgs<float>&, cudaStream_t);
template void LaunchDenseTileBackward(const DenseTileBackwardArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
