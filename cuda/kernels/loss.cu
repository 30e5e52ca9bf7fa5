#include <algorithm>

#include "cuda/kernels/loss.h"
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
  const double factor = GradientFactor(loss.rule, loss.weight, static_cast<double>(loss.rows));
  double sum = 0;
  for (int64_t row = thread; row < loss.rows; row += kThreads) {
    const int label = loss.labels == nullptr ? 0 : loss.labels[row];
    double logits[kOutputs], slopes[kOutputs];
    NUMERAL_UNROLL
    for (int j = 0; j < kOutputs; ++j) logits[j] = ToFloat(loss.logits[row * kOutputs + j]);
    if (loss.accuracy) {
      sum += RowIsRight(loss.rule, label, logits) ? 1 : 0;
      continue;
    }
    sum += RowLoss(loss.rule, label, logits, slopes);
    NUMERAL_UNROLL
    for (int j = 0; j < kOutputs; ++j) {
      loss.grad[row * kOutputs + j] = FromFloat<T>(static_cast<float>(factor * slopes[j]));
    }
  }
  return sum;
}

template <typename T>
__device__ double SumOfAnyRows(const LossArgs<T>& loss, int thread) {
  if (loss.outputs == 1) return SumOfRows<1>(loss, thread);
  if (loss.outputs == kDigits) return SumOfRows<kDigits>(loss, thread);
  return SumOfRows<kDigits + 1>(loss, thread);
}

// Writes or adds the value of the rows' sum.
template <typename T>
__device__ void Finish(const LossArgs<T>& loss, double sum, float* metric) {
  const auto rows = static_cast<double>(loss.rows);
  if (loss.accuracy) {
    *metric = static_cast<float>(sum / rows);
    return;
  }
  const auto value = static_cast<float>(static_cast<double>(loss.weight) / rows * sum);
  *metric = loss.add ? *metric + value : value;
}

template <typename T>
__global__ void __launch_bounds__(kThreads* kMaxLosses)
    losses_kernel(const __grid_constant__ LossList<T> list, int count) {
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
    Finish(list.at[i], total, metrics[i]);
  }
}

template <typename T>
void CheckLoss(const LossArgs<T>& loss) {
  Require(loss.rows > 0 && loss.outputs == OutputsOf(loss.rule.kind), "losses: shape");
  Require(loss.labels != nullptr || !NeedsLabels(loss.rule.kind, loss.rule.part), "losses: labels");
  Require(loss.logits != nullptr && (loss.accuracy || loss.grad != nullptr), "losses: operands");
  Require(!loss.accuracy || loss.rule.part != LossPart::kGenerator, "losses: accuracy's part");
  Require(loss.rule.relative_to == 0 || MayBeRelative(loss.rule.kind, loss.rule.part),
          "losses: relative to nothing");
  Require(loss.place.metrics != nullptr && loss.place.ring > 0, "losses: metrics");
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
