#include "tests/cuda/engine/tested_engine.h"

#include "cuda/engine/cuda_engine.h"

namespace numeral {

std::unique_ptr<Engine> MakeTestedEngine(const EngineOptions& options) {
  return cuda::MakeCudaEngine(options);
}

}  // namespace numeral
