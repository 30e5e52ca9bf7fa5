// The step counter goes on: step += 1. One thread.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace numeral::cuda {

void LaunchAdvanceStep(int64_t* step, cudaStream_t stream);

}  // namespace numeral::cuda
