// The CUDA engine: the first GPU that the runtime shows.
#pragma once

#include <memory>

#include "engine/engine.h"

namespace numeral::cuda {

// Throws Error(kFailure) that says why, where there is no GPU that it can use.
std::unique_ptr<Engine> MakeCudaEngine(const EngineOptions& options);

}  // namespace numeral::cuda
