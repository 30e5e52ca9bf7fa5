#include "cuda/kernels/average.h"
#include "cuda/kernels/ema.h"
#include "cuda/support/simt.h"
#include "cuda/support/vector.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kElems = 4;  // of a thread at a time

template <int kCount>
__device__ void Update(const EmaArgs& args, float rest, int64_t i) {
  const Pack<float, kCount> source = LoadPack<float, kCount>(args.source + i);
  Pack<float, kCount> target = LoadPack<float, kCount>(args.target + i);
  Pack<bf16, kCount> rounded;
  for (int j = 0; j < kCount; ++j) {
    target.at[j] = Averaged(args.decay, rest, target.at[j], source.at[j]);
    rounded.at[j] = FromFloat<bf16>(target.at[j]);
  }
  StorePack(args.target + i, target);
  if (args.rounded != nullptr) StorePack(args.rounded + i, rounded);
}

template <bool kPacked>
__global__ void ema_kernel(EmaArgs args, float rest) {
  WaitForEarlierKernels();
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t stride = int64_t{gridDim.x} * kThreads * kElems;
  for (int64_t i = thread * kElems; i < args.elems; i += stride) {
    if (kPacked && i + kElems <= args.elems) {
      Update<kElems>(args, rest, i);
    } else {
      for (int64_t j = i; j < i + kElems && j < args.elems; ++j) Update<1>(args, rest, j);
    }
  }
}

}  // namespace

void LaunchEma(const EmaArgs& args, cudaStream_t stream) {
  if (args.elems == 0) return;
  Require(args.elems > 0 && args.source != nullptr && args.target != nullptr, "ema: operands");
  const bool packed = Aligned(kElems * sizeof(float), args.source, args.target) &&
                      Aligned(kElems * sizeof(bf16), args.rounded);
  const LaunchShape shape{BlocksFor((args.elems + kElems - 1) / kElems, kThreads), kThreads};
  Launch("ema", packed ? ema_kernel<true> : ema_kernel<false>, shape, stream, args,
         RestOf(args.decay));
}

}  // namespace numeral::cuda
