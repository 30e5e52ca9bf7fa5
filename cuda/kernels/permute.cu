#include "cuda/kernels/permute.h"
#include "cuda/support/divide.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/pack_loop.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

template <typename T, int kElems>
__global__ void permute_kernel(Divisor row_packs, int packs, const T* x,
                               const int32_t* source, T* __restrict__ y,
                               bool accumulate) {
  WaitForEarlierKernels();
  for (int i = PackIndex(); i < packs; i += PackStride()) {
    const Division pack = row_packs.Divide(i);
    const T* row = x + int64_t{pack.quotient} * row_packs.value() * kElems;
    const auto indices = LoadPack<int32_t, kElems>(source + pack.remainder * kElems);
    float values[kElems];
    for (int j = 0; j < kElems; ++j) values[j] = ToFloat(row[indices.at[j]]);
    PutFloats(values, y + int64_t{i} * kElems, accumulate);
  }
}

}  // namespace

template <typename T>
void LaunchPermute(const PermuteArgs<T>& args, cudaStream_t stream) {
  const int64_t elems = args.rows * args.features;
  if (elems == 0) return;
  Require(elems > 0 && args.x != nullptr && args.source != nullptr && args.y != nullptr,
          "permute: operands");
  const bool packed =
      PacksFit<T>(args.features, args.y) && Aligned(kPackElems<T> * sizeof(int32_t), args.source);
  WithPacks<T>(packed, [&]<int kElems>() {
    Launch("permute", permute_kernel<T, kElems>, PackLoop(elems / kElems), stream,
           Divisor(args.features / kElems), elems / kElems, args.x, args.source, args.y,
           args.mode == GradientMode::kAccumulate);
  });
}

template void LaunchPermute(const PermuteArgs<float>&, cudaStream_t);
template void LaunchPermute(const PermuteArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
