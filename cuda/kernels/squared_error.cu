#include "cuda/kernels/squared_error.h"
#include "cuda/support/reduce.h"
#include "cuda/support/simt.h"
#include "cuda/support/vector.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kElems = 4;  // of a thread at a time

// The squared distance of an element, its gradient written.
template <typename T>
__device__ double Square(T prediction, T target, double slope, T& grad) {
  const double error = static_cast<double>(ToFloat(prediction)) - ToFloat(target);
  grad = FromFloat<T>(static_cast<float>(slope * error));
  return error * error;
}

// A thread's share of the sum over elements.
template <typename T, bool kPacked>
__device__ double SumOfSquares(const SquaredErrorArgs<T>& args) {
  const double slope = 2 / static_cast<double>(args.elems);
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t stride = int64_t{gridDim.x} * kThreads * kElems;
  double sum = 0;
  for (int64_t i = thread * kElems; i < args.elems; i += stride) {
    if (kPacked && i + kElems <= args.elems) {
      const Pack<T, kElems> prediction = LoadPack<T, kElems>(args.prediction + i);
      const Pack<T, kElems> target = LoadPack<T, kElems>(args.target + i);
      Pack<T, kElems> grad;
      for (int j = 0; j < kElems; ++j) {
        sum += Square(prediction.at[j], target.at[j], slope, grad.at[j]);
      }
      StorePack(args.grad + i, grad);
    } else {
      for (int64_t j = i; j < i + kElems && j < args.elems; ++j) {
        sum += Square(args.prediction[j], args.target[j], slope, args.grad[j]);
      }
    }
  }
  return sum;
}

template <typename T, bool kPacked>
__global__ void __launch_bounds__(kThreads)
    squared_error_kernel(const __grid_constant__ SquaredErrorArgs<T> args) {
  WaitForEarlierKernels();
  SIMT_SHARED(double, per_warp, [kThreads / kWarp]);
  double sum = BlockSum(SumOfSquares<T, kPacked>(args), per_warp);
  if (threadIdx.x == 0) args.partials[blockIdx.x] = sum;
  if (!IsLastBlock(args.counter, gridDim.x)) return;
  sum = 0;
  for (unsigned i = threadIdx.x; i < gridDim.x; i += kThreads) sum += __ldcg(args.partials + i);
  sum = BlockSum(sum, per_warp);
  if (threadIdx.x == 0) {
    *AddressOf(args.place) = static_cast<float>(sum / static_cast<double>(args.elems));
  }
}

}  // namespace

template <typename T>
void LaunchSquaredError(const SquaredErrorArgs<T>& args, cudaStream_t stream) {
  Require(args.elems > 0 && args.place.ring > 0, "squared_error: shape");
  Require(args.partials != nullptr && args.counter != nullptr, "squared_error: workspace");
  const unsigned blocks =
      BlocksFor((args.elems + kElems - 1) / kElems, kThreads, kSquaredErrorPartials);
  const bool packed = Aligned(kElems * sizeof(T), args.prediction, args.target, args.grad);
  Launch("squared_error", packed ? squared_error_kernel<T, true> : squared_error_kernel<T, false>,
         {blocks, kThreads}, stream, args);
}

template void LaunchSquaredError(const SquaredErrorArgs<float>&, cudaStream_t);
template void LaunchSquaredError(const SquaredErrorArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
