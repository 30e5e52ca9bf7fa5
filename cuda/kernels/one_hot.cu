#include "cuda/kernels/one_hot.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = 256;

template <typename T>
__global__ void one_hot_kernel(OneHotArgs<T> args) {
  WaitForEarlierKernels();
  const int64_t elems = args.rows * args.classes;
  const int64_t stride = int64_t{gridDim.x} * kThreads;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < elems; i += stride) {
    const int64_t row = i / args.classes;
    args.out[i] = FromFloat<T>(args.labels[row] == i - row * args.classes ? 1.0f : 0.0f);
  }
}

}  // namespace

template <typename T>
void LaunchOneHot(const OneHotArgs<T>& args, cudaStream_t stream) {
  if (args.rows == 0) return;
  Require(args.rows > 0 && args.classes > 0, "one_hot: shape");
  Require(args.labels != nullptr && args.out != nullptr, "one_hot: operands");
  const LaunchShape shape{BlocksFor(args.rows * args.classes, kThreads), kThreads};
  Launch("one_hot", one_hot_kernel<T>, shape, stream, args);
}

template void LaunchOneHot(const OneHotArgs<float>&, cudaStream_t);
template void LaunchOneHot(const OneHotArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
