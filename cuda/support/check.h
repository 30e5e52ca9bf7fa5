// Status codes of the CUDA runtime as exceptions.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/support/launch.h"
#include "util/error.h"

namespace numeral::cuda {

// Throws Error(kFailure): "cudaMalloc: out of memory (2)".
void Check(cudaError_t status, const char* call);

}  // namespace numeral::cuda

#define NUMERAL_CUDA(call) ::numeral::cuda::Check(call, #call)
