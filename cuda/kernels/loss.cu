#include <algorithm>

#include "cuda/kernels/loss_row.h"
#include "cuda/support/reduce.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = 128;  // of one loss
constexpr int kWarps = kThreads / kWarp;

template <typename T>
struct LossList {
  LossArgs<T> at[kMaxLosses];
};

// A thread's share of the sum over rows, its rows' gradients written.
template <int kOutputs, typename T>
__device__ double SumOfRows(const LossArgs<T>& loss, int thread) {
  const double factor = FactorOf(loss);
  double sum = 0;
  for (int64_t row = thread; row < loss.rows; row += kThreads) {
    sum += JudgeRow<kOutputs>(loss, factor, row);
  }
  return sum;
}

template <typename T>
__device__ double SumOfAnyRows(const LossArgs<T>& loss, int thread) {
  if (loss.outputs == 1) return SumOfRows<1>(loss, thread);
  if (loss.outputs == kDigits) return SumOfRows<kDigits>(loss, thread);
  return SumOfRows<kDigits + 1>(loss, thread);
}

template <typename T>
__global__ void __launch_bounds__(kThreads* kMaxLosses)
    losses_kernel(const __grid_constant__ LossList<T> list, int count) {
  WaitForEarlierKernels();
  SIMT_SHARED(double, sums, [kMaxLosses * kWarps]);
  SIMT_SHARED(float*, metrics, [kMaxLosses]);
  const int which = static_cast<int>(threadIdx.x) / kThreads;
  const int thread = static_cast<int>(threadIdx.x) % kThreads;
  const LossArgs<T>& loss = list.at[which];
  if (thread == 0) metrics[which] = AddressOf(loss.place);
  const double sum = WarpSum(SumOfAnyRows(loss, thread));
  if (thread % kWarp == 0) sums[threadIdx.x / kWarp] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int i = 0; i < count; ++i) {
    double total = 0;
    for (int j = 0; j < kWarps; ++j) total += sums[i * kWarps + j];
    FinishLoss(list.at[i], total, metrics[i]);
  }
}

}  // namespace

template <typename T>
void LaunchLosses(std::span<const LossArgs<T>> losses, cudaStream_t stream) {
  if (losses.empty()) return;
  Require(losses.size() <= kMaxLosses, "losses: too many");
  for (const LossArgs<T>& loss : losses) CheckLoss(loss);
  LossList<T> list = {};
  std::copy(losses.begin(), losses.end(), list.at);
  const int count = static_cast<int>(losses.size());
  Launch("losses", losses_kernel<T>, {1, static_cast<unsigned>(count * kThreads)}, stream, list,
         count);
}

template void LaunchLosses(std::span<const LossArgs<float>>, cudaStream_t);
template void LaunchLosses(std::span<const LossArgs<bf16>>, cudaStream_t);

}  // namespace numeral::cuda
