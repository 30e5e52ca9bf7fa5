#include "cuda/kernels/accumulate.h"
#include "cuda/support/pack_loop.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

template <typename T, int kElems>
__global__ void accumulate_kernel(const T* __restrict__ source, T* __restrict__ target,
                                  int64_t elems, bool accumulate) {
  ForEachPack<kElems>(elems, [=]<int kCount>(int64_t i) {
    PutFloats(LoadFloats<kCount>(source + i), target + i, accumulate);
  });
}

}  // namespace

template <typename T>
void LaunchAccumulate(const AccumulateArgs<T>& args, cudaStream_t stream) {
  if (args.elems == 0) return;
  Require(args.elems > 0 && args.source != nullptr && args.target != nullptr,
          "accumulate: operands");
  WithPacks<T>(Aligned(16, args.source, args.target), [&]<int kElems>() {
    Launch("accumulate", accumulate_kernel<T, kElems>, ElementLoop(args.elems, kElems), stream,
           args.source, args.target, args.elems, args.mode == GradientMode::kAccumulate);
  });
}

template void LaunchAccumulate(const AccumulateArgs<float>&, cudaStream_t);
template void LaunchAccumulate(const AccumulateArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
