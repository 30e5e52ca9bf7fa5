// How large a captured graph is.
#pragma once

#include <cuda_runtime_api.h>

#include "engine/engine.h"

namespace numeral::cuda {

GraphSize SizeOf(cudaGraph_t graph);

}  // namespace numeral::cuda
