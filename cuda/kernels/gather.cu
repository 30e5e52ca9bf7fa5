#include "cuda/kernels/gather.h"
#include "cuda/kernels/gather_parts.h"
#include "cuda/support/simt.h"
#include "cuda/support/step.h"

namespace numeral::cuda {
namespace {

template <typename Args>
__global__ void __launch_bounds__(kGatherThreads)
    gather_kernel(const __grid_constant__ Args args, bool packed) {
  WaitForEarlierKernels();
  GatherRow(args, packed, RunningStep(args.order.step), blockIdx.x);
}

template <typename Args>
void LaunchGather(const char* name, const Args& args, cudaStream_t stream) {
  if (args.rows == 0) return;
  CheckGather(args);
  Launch(name, gather_kernel<Args>, {static_cast<unsigned>(args.rows), kGatherThreads}, stream,
         args, GatherPacked(args));
}

}  // namespace

template <typename T>
void LaunchGatherBatch(const GatherBatchArgs<T>& args, cudaStream_t stream) {
  LaunchGather("gather_batch", args, stream);
}

template <typename T>
void LaunchGatherPairs(const GatherPairsArgs<T>& args, cudaStream_t stream) {
  LaunchGather("gather_pairs", args, stream);
}

template void LaunchGatherBatch(const GatherBatchArgs<float>&, cudaStream_t);
template void LaunchGatherBatch(const GatherBatchArgs<bf16>&, cudaStream_t);
template void LaunchGatherPairs(const GatherPairsArgs<float>&, cudaStream_t);
template void LaunchGatherPairs(const GatherPairsArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
