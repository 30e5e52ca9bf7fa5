// 16 x 16 sums of products on tensor cores, spread over the lanes of a warp: WMMA of the CUDA C++
// Programming Guide, from compute capability 8.0 on.
#pragma once

#include "cuda/support/simt.h"

namespace numeral::cuda {

inline constexpr int kMatrixTile = 16;

// Products that one MultiplyAdd sums up.
template <typename T>
inline constexpr int kMatrixTileDepth = sizeof(T) == 2 ? 16 : 8;

}  // namespace numeral::cuda

#ifdef NUMERAL_EMULATED
#include "tests/emulator/matrix_tile.h"
#else

#include <mma.h>

#include <type_traits>

namespace numeral::cuda {

namespace matrix_tile {

// A fragment of WMMA; fp32 elements are rounded to TF32.
template <typename T, typename Use, typename Layout>
class Operand {
 public:
  __device__ void Load(const T* from, int stride) {
    nvcuda::wmma::load_matrix_sync(fragment, from, static_cast<unsigned>(stride));
    if constexpr (kTf32) {
#pragma unroll
      for (int i = 0; i < fragment.num_elements; ++i) {
        fragment.x[i] = nvcuda::wmma::__float_to_tf32(fragment.x[i]);
      }
    }
  }

 private:
  static constexpr bool kTf32 = std::is_same_v<T, float>;
  using Element = std::conditional_t<kTf32, nvcuda::wmma::precision::tf32, T>;

 public:
  nvcuda::wmma::fragment<Use, kMatrixTile, kMatrixTile, kMatrixTileDepth<T>, Element, Layout>
      fragment;
};

}  // namespace matrix_tile

// Operands in shared memory, for T = bf16 or float, which is rounded to TF32. Strides are in
// elements and multiples of 16 bytes, addresses of 32. All lanes of a warp call together, with the
// same arguments.
//
// 16 rows a[i][d] of kMatrixTileDepth<T> d.
template <typename T>
using MatrixRows = matrix_tile::Operand<T, nvcuda::wmma::matrix_a, nvcuda::wmma::row_major>;
// 16 columns b(d, j), which lie as b[d][j] or as b[j][d].
template <typename T, bool kByDepth>
using MatrixColumns = matrix_tile::Operand<
    T, nvcuda::wmma::matrix_b,
    std::conditional_t<kByDepth, nvcuda::wmma::row_major, nvcuda::wmma::col_major> >;

// sums[i][j] of a[i][d] * b(d, j) in fp32, in an order of the hardware's.
template <typename T>
class MatrixSums {
 public:
  __device__ MatrixSums() { nvcuda::wmma::fill_fragment(sums_, 0.0f); }

  template <typename Columns>
  __device__ void MultiplyAdd(const MatrixRows<T>& rows, const Columns& columns) {
    nvcuda::wmma::mma_sync(sums_, rows.fragment, columns.fragment, sums_);
  }
  // to[i][j], with stride and address as above.
  __device__ void Store(float* to, int stride) const {
    nvcuda::wmma::store_matrix_sync(to, sums_, static_cast<unsigned>(stride),
                                    nvcuda::wmma::mem_row_major);
  }

 private:
  nvcuda::wmma::fragment<nvcuda::wmma::accumulator, kMatrixTile, kMatrixTile, kMatrixTileDepth<T>,
                         float>
      sums_;
};

}  // namespace numeral::cuda

#endif
