#include "cuda/kernels/flow_path.h"
#include "cuda/support/simt.h"
#include "cuda/support/vector.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = 128;
constexpr float kQuarter = 1.57079632679489662f;  // of a turn

// kElems: 4, where rows are a multiple of it, or 1.
template <typename T, int kElems>
__global__ void flow_path_kernel(FlowPathArgs<T> args) {
  WaitForEarlierKernels();
  const int64_t elems = args.rows * args.size;
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t stride = int64_t{gridDim.x} * kThreads * kElems;
  for (int64_t i = thread * kElems; i < elems; i += stride) {
    float s, c;
    sincospif(0.5f * ToFloat(args.times[i / args.size]), &s, &c);
    const Pack<T, kElems> noise = LoadPack<T, kElems>(args.noise + i);
    const Pack<T, kElems> latents = LoadPack<T, kElems>(args.latents + i);
    Pack<T, kElems> place, velocity;
    for (int j = 0; j < kElems; ++j) {
      const float from = ToFloat(noise.at[j]), to = ToFloat(latents.at[j]);
      place.at[j] = FromFloat<T>(c * from + s * to);
      velocity.at[j] = FromFloat<T>(kQuarter * (c * to - s * from));
    }
    StorePack(args.place + i, place);
    StorePack(args.velocity + i, velocity);
  }
}

}  // namespace

template <typename T>
void LaunchFlowPath(const FlowPathArgs<T>& args, cudaStream_t stream) {
  const int64_t elems = args.rows * args.size;
  if (elems == 0) return;
  Require(args.rows > 0 && args.size > 0, "flow_path: shape");
  constexpr int kElems = 4;
  const bool packed = args.size % kElems == 0 && Aligned(kElems * sizeof(T), args.noise,
                                                         args.latents, args.place, args.velocity);
  if (packed) {
    Launch("flow_path", flow_path_kernel<T, kElems>,
           {BlocksFor(elems / kElems, kThreads), kThreads}, stream, args);
  } else {
    Launch("flow_path", flow_path_kernel<T, 1>, {BlocksFor(elems, kThreads), kThreads}, stream,
           args);
  }
}

template void LaunchFlowPath(const FlowPathArgs<float>&, cudaStream_t);
template void LaunchFlowPath(const FlowPathArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
