#include "cuda/kernels/draw_parts.h"
#include "cuda/support/simt.h"
#include "cuda/support/step.h"

namespace numeral::cuda {
namespace {

template <typename T, typename Make>
__global__ void __launch_bounds__(kDrawThreads)
    draw_kernel(DrawStream draws, Make make, T* __restrict__ out, int64_t elems, bool packed) {
  WaitForEarlierKernels();
  DrawShare(draws, RunningStep(draws.step), make, out, elems, packed, {0, blockIdx.x, gridDim.x});
}

template <typename T, typename Make>
void LaunchDraws(const char* name, const DrawStream& draws, const Make& make, T* out, int64_t elems,
                 cudaStream_t stream) {
  if (elems == 0) return;
  Require(elems > 0 && out != nullptr, "draws: operands");
  Launch(name, draw_kernel<T, Make>, {DrawBlocks(elems), kDrawThreads}, stream, draws, make, out,
         elems, DrawsPacked(out));
}

}  // namespace

template <typename T>
void LaunchDrawLatents(const DrawStream& draws, LatentKind kind, T* out, int64_t elems,
                       cudaStream_t stream) {
  if (kind == LatentKind::kNormal) {
    LaunchDraws("draw_normals", draws, Normals<T>{}, out, elems, stream);
  } else {
    LaunchDraws("draw_uniforms", draws, Uniforms<T>{}, out, elems, stream);
  }
}

template <typename T>
void LaunchDrawTimes(const DrawStream& draws, T* out, int64_t elems, cudaStream_t stream) {
  LaunchDraws("draw_times", draws, Times<T>{}, out, elems, stream);
}

void LaunchDrawDigits(const DrawStream& draws, const int32_t* choices, int choice_count,
                      int32_t* out, int64_t elems, cudaStream_t stream) {
  Require(choices != nullptr && choice_count > 0, "draw_digits: choices");
  LaunchDraws("draw_digits", draws, Digits{choices, static_cast<uint32_t>(choice_count)}, out,
              elems, stream);
}

template void LaunchDrawLatents(const DrawStream&, LatentKind, float*, int64_t, cudaStream_t);
template void LaunchDrawLatents(const DrawStream&, LatentKind, bf16*, int64_t, cudaStream_t);
template void LaunchDrawTimes(const DrawStream&, float*, int64_t, cudaStream_t);
template void LaunchDrawTimes(const DrawStream&, bf16*, int64_t, cudaStream_t);

}  // namespace numeral::cuda
