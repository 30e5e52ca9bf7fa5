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

// T is bf16, or float, which is rounded to TF32 on the way; sums are fp32 in an order of the
// hardware's. All lanes of a warp call together, with the same arguments.
template <typename T>
class MatrixTile {
 public:
  __device__ MatrixTile() { nvcuda::wmma::fill_fragment(sums_, 0.0f); }

  // sums[i][j] += a[i][d] * b(d, j) over kMatrixTileDepth<T> d; b lies in shared memory as b[d][j],
  // or as b[j][d]. Strides are in elements and multiples of 16 bytes, addresses of 32.
  template <bool kByDepth>
  __device__ void MultiplyAdd(const T* a, int a_stride, const T* b, int b_stride) {
    using Layout = std::conditional_t<kByDepth, nvcuda::wmma::row_major, nvcuda::wmma::col_major>;
    Operand<nvcuda::wmma::matrix_a, nvcuda::wmma::row_major> left;
    Operand<nvcuda::wmma::matrix_b, Layout> right;
    Load(left, a, a_stride);
    Load(right, b, b_stride);
    nvcuda::wmma::mma_sync(sums_, left, right, sums_);
  }

  // to[i][j], under the same conditions.
  __device__ void Store(float* to, int stride) const {
    nvcuda::wmma::store_matrix_sync(to, sums_, static_cast<unsigned>(stride),
                                    nvcuda::wmma::mem_row_major);
  }

 private:
  static constexpr bool kTf32 = std::is_same_v<T, float>;
  using Element = std::conditional_t<kTf32, nvcuda::wmma::precision::tf32, T>;
  template <typename Use, typename Layout>
  using Operand =
      nvcuda::wmma::fragment<Use, kMatrixTile, kMatrixTile, kMatrixTileDepth<T>, Element, Layout>;

  template <typename Fragment>
  __device__ static void Load(Fragment& fragment, const T* from, int stride) {
    nvcuda::wmma::load_matrix_sync(fragment, from, static_cast<unsigned>(stride));
    if constexpr (kTf32) {
#pragma unroll
      for (int i = 0; i < fragment.num_elements; ++i) {
        fragment.x[i] = nvcuda::wmma::__float_to_tf32(fragment.x[i]);
      }
    }
  }

  nvcuda::wmma::fragment<nvcuda::wmma::accumulator, kMatrixTile, kMatrixTile, kMatrixTileDepth<T>,
                         float>
      sums_;
};

}  // namespace numeral::cuda

#endif
