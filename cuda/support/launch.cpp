#include "cuda/support/launch.h"

#include "cuda/support/early_start.h"

namespace numeral::cuda {

PreparedLaunch::PreparedLaunch(const char* name, const void* kernel, const LaunchShape& shape,
                               cudaStream_t stream)
    : name_(name) {
  constexpr size_t kWithoutAsking = 48 * 1024;
  if (shape.shared_bytes > kWithoutAsking) {
    CheckLaunch(name, cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                           static_cast<int>(shape.shared_bytes)));
  }
  config_.gridDim = shape.grid;
  config_.blockDim = shape.block;
  config_.dynamicSmemBytes = shape.shared_bytes;
  config_.stream = stream;
  const EarlyStarts* const early_starts = EarlyStarts::OfThisThread();
  if (early_starts == nullptr || !early_starts->Allow(kernel, stream)) return;
  early_.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early_.val.programmaticStreamSerializationAllowed = 1;
  config_.attrs = &early_;
  config_.numAttrs = 1;
}

void PreparedLaunch::Finish(cudaError_t status) const {
  CheckLaunch(name_, status);
  if (EarlyStarts* const early_starts = EarlyStarts::OfThisThread()) {
    early_starts->Launched(config_.stream);
  }
}

}  // namespace numeral::cuda
