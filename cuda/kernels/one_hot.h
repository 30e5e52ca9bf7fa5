// Labels as rows of zeros with a single one.
//
// out[i][j] = 1 where j is labels[i], else 0; a label outside of the classes gives a row of zeros.
// One thread per element, grid-stride. Any counts.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace numeral::cuda {

template <typename T>
struct OneHotArgs {
  const int32_t* labels;  // [rows]
  T* out;                 // [rows][classes]
  int64_t rows;
  int classes;
};

// T: float or bf16.
template <typename T>
void LaunchOneHot(const OneHotArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
