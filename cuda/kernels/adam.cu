#include "cuda/kernels/adam.h"
#include "cuda/support/simt.h"
#include "cuda/support/step.h"
#include "cuda/support/vector.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = 132 * 8;

// Elements of all four blocks, in registers.
template <int kElems>
struct Parts {
  Pack<float, kElems> grads, params, first, second;
};

template <int kElems>
__device__ Parts<kElems> Load(const AdamArgs& args, int64_t i) {
  return {LoadPack<float, kElems>(args.grads + i), LoadPack<float, kElems>(args.params + i),
          LoadPack<float, kElems>(args.first_moment + i),
          LoadPack<float, kElems>(args.second_moment + i)};
}

template <int kElems>
__device__ void Store(const AdamArgs& args, int64_t i, const Parts<kElems>& parts) {
  StorePack(args.params + i, parts.params);
  StorePack(args.first_moment + i, parts.first);
  StorePack(args.second_moment + i, parts.second);
  if (args.rounded == nullptr) return;
  Pack<bf16, kElems> rounded;
  for (int j = 0; j < kElems; ++j) rounded.at[j] = FromFloat<bf16>(parts.params.at[j]);
  StorePack(args.rounded + i, rounded);
}

template <int kElems>
__device__ void Update(const AdamScalars& s, Parts<kElems>& parts) {
  for (int j = 0; j < kElems; ++j) {
    const float grad = parts.grads.at[j];
    const float m = s.beta1 * parts.first.at[j] + s.rest1 * grad;
    const float v = s.beta2 * parts.second.at[j] + s.rest2 * (grad * grad);
    parts.first.at[j] = m;
    parts.second.at[j] = v;
    parts.params.at[j] -= s.step_size * m / (sqrtf(v) * s.root_scale + s.epsilon);
  }
}

// kElems: 4, with the elements behind the last pack done by the first threads, or 1.
template <int kElems>
__global__ void __launch_bounds__(kThreads) adam_kernel(const __grid_constant__ AdamArgs args) {
  SIMT_SHARED(AdamScalars, shared_scalars, [1]);
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t stride = int64_t{gridDim.x} * kThreads * kElems;
  const int64_t packed = args.elems - args.elems % kElems;
  int64_t i = thread * kElems;
  Parts<kElems> parts = {};
  if (i < packed) parts = Load<kElems>(args, i);
  if (threadIdx.x == 0) {
    const int64_t update = RunningStep(args.step) / args.period + 1;
    shared_scalars[0] = AdamScalarsAt(args.spec, update, args.total_updates);
  }
  __syncthreads();
  const AdamScalars scalars = shared_scalars[0];
  while (i < packed) {
    Update(scalars, parts);
    Store(args, i, parts);
    i += stride;
    if (i < packed) parts = Load<kElems>(args, i);
  }
  if (packed + thread < args.elems) {
    Parts<1> tail = Load<1>(args, packed + thread);
    Update(scalars, tail);
    Store(args, packed + thread, tail);
  }
}

}  // namespace

void LaunchAdam(const AdamArgs& args, cudaStream_t stream) {
  if (args.elems == 0) return;
  Require(args.elems > 0 && args.period > 0, "adam: sizes");
  constexpr int kElems = 4;
  const bool packed = Aligned(kElems * sizeof(float), args.grads, args.params, args.first_moment,
                              args.second_moment) &&
                      Aligned(kElems * sizeof(bf16), args.rounded);
  const int64_t packs = packed ? (args.elems + kElems - 1) / kElems : args.elems;
  Launch("adam", packed ? adam_kernel<kElems> : adam_kernel<1>,
         {BlocksFor(packs, kThreads, kMaxBlocks), kThreads}, stream, args);
}

}  // namespace numeral::cuda
