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

constexpr int kNarrowRows = 128, kNarrowColumns = 2048, kWideRows = 256;

template <bool kForward, int kRowTiles, typename T, typename Finish>
void LaunchNarrow(const char* name, Precision precision, const TileOperands<T>& operands,
                  const Finish& finish, cudaStream_t stream) {
  if constexpr (std::is_same_v<T, float>) {
    if (precision == Precision::kFp32) {
      using Product = MultiplyAddTile<kRowTiles, kForward>;
      return LaunchProduct<kForward, Product>(name, operands, finish, stream);
    }
  }
  using Product = TensorTile<T, kRowTiles, 1, kForward>;
  LaunchProduct<kForward, Product>(name, operands, finish, stream);
}

// The longest copies that every row of both operands can be cut into.
template <bool kForward, typename T>
int CopyBytes(const TileOperands<T>& operands) {
  const size_t depth_bytes = static_cast<size_t>(operands.depth) * sizeof(T);
  const size_t weight_bytes =
      kForward ? depth_bytes : static_cast<size_t>(operands.columns) * sizeof(T);
  size_t bytes = 16;
  while (!Aligned(bytes, operands.x, operands.weight) || depth_bytes % bytes != 0 ||
         weight_bytes % bytes != 0) {
    bytes /= 2;
  }
  return static_cast<int>(bytes);
}

template <bool kForward, typename T, typename Finish>
void LaunchTile(const char* name, Precision precision, TileOperands<T> operands,
                const Finish& finish, cudaStream_t stream) {
  const TileShape shape{operands.rows, operands.depth, operands.columns};
  Require((precision == Precision::kBf16) == (sizeof(T) == 2) &&
              (kForward ? SupportsDenseTileForward(shape, precision)
                        : SupportsDenseTileBackward(shape, precision)) &&
              operands.x != nullptr && operands.weight != nullptr &&
              Aligned(4, operands.x, operands.weight),
          name);
  operands.copy_bytes = CopyBytes<kForward>(operands);
  if constexpr (kForward) {
    if (operands.columns > kNarrowColumns) {
      using Product = TensorTile<T, kWideRows / kMatrixTile, 6, true>;
      return LaunchProduct<true, Product>(name, operands, finish, stream);
    }
  }
  if (operands.rows <= kNarrowRows / 2) {
    LaunchNarrow<kForward, kNarrowRows / 32>(name, precision, operands, finish, stream);
  } else {
    LaunchNarrow<kForward, kNarrowRows / 16>(name, precision, operands, finish, stream);
  }
}

bool IsCopied(const TileShape& shape, Precision precision) {
  const int elem_bytes = precision == Precision::kBf16 ? 2 : 4;
  return shape.depth * elem_bytes % 4 == 0 && shape.columns * elem_bytes % 4 == 0;
}

// More depth is better split among blocks, which a library does.
bool IsNarrow(const TileShape& shape) {
  constexpr int kMaxDepth = 2048;
  return shape.rows > 0 && shape.rows <= kNarrowRows && shape.columns > kMaxThin &&
         shape.columns <= kNarrowColumns && shape.depth > kMaxThin && shape.depth <= kMaxDepth;
}
// Without tensor cores these are bound by arithmetic, for which a library's tiles are better.
bool IsWide(const TileShape& shape, Precision precision) {
  constexpr int kMaxDepth = 512, kMaxColumns = 65536;
  return precision != Precision::kFp32 && shape.rows > 0 && shape.rows <= kWideRows &&
         shape.columns > kNarrowColumns && shape.columns <= kMaxColumns && shape.depth > kMaxThin &&
         shape.depth <= kMaxDepth;
}

}  // namespace

bool SupportsDenseTileForward(const TileShape& shape, Precision precision) {
  return (IsNarrow(shape) || IsWide(shape, precision)) && IsCopied(shape, precision);
}

bool SupportsDenseTileBackward(const TileShape& shape, Precision precision) {
  return IsNarrow(shape) && IsCopied(shape, precision);
}

template <typename T>
void LaunchDenseTileForward(const DenseTileForwardArgs<T>& args, cudaStream_t stream) {
  const auto [n, in, out] = args.shape;
  const TileOperands<T> operands{args.x, args.weight, n, in, out, 0};
  if (const auto* norm = std::get_if<DenseTileNorm<T>>(&args.behind)) {
    Require(norm->norm.rows == n && norm->norm.channels == out && norm->linear != nullptr &&
                norm->norm.y != nullptr,
            "dense_tile_forward: batch norm");
    LaunchTile<true>("dense_tile_forward_norm", args.precision, operands, NormFinish<T>{*norm},
                     stream);
  } else {
    const auto& act = std::get<BiasActForwardArgs<T>>(args.behind);
    Require(act.channels == out && act.range_count > 0 && act.range_count <= kMaxDropoutRanges &&
                act.y != nullptr && (act.dropout_rate == 0 || act.step != nullptr),
            "dense_tile_forward: bias and activation");
    const BiasActFinish<T> finish{{act, AnyActivation{act.activation}}, act.y};
    LaunchTile<true>("dense_tile_forward", args.precision, operands, finish, stream);
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
    LaunchTile<false>("dense_tile_backward_norm", args.precision, operands,
                      NormGradientFinish<T>{*norm}, stream);
  } else {
    const auto& act = std::get<BiasActBackwardArgs<T>>(args.behind);
    const bool changes = act.activation != Activation{} || act.dropout_rate > 0;
    Require(act.grad_x != nullptr && (act.y != nullptr || !changes) &&
                (act.grad_bias == nullptr || act.channels == in),
            "dense_tile_backward: activation");
    const BiasActGradientFinish<T> finish{
        {act, AnyActivation{act.activation}}, act.grad_x, act.grad_bias, act.bias_mode};
    LaunchTile<false>("dense_tile_backward", args.precision, operands, finish, stream);
  }
}

template void LaunchDenseTileForward(const DenseTileForwardArgs<float>&, cudaStream_t);
template void LaunchDenseTileForward(const DenseTileForwardArgs<bf16>&, cudaStream_t);
template void LaunchDenseTileBackward(const DenseTileBackwardArgs<float>&, cudaStream_t);
template void LaunchDenseTileBackward(const DenseTileBackwardArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
