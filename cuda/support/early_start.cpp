#include "cuda/support/early_start.h"

#include "cuda/support/check.h"

namespace numeral::cuda {
namespace {

// The architecture, times ten, from which on WaitForEarlierKernels() waits.
constexpr int kFirstWaitingCode = 90;

thread_local EarlyStarts* early_starts = nullptr;

// The one node that the next on the stream comes after; null where there are none or several.
cudaGraphNode_t LastNode(cudaStream_t stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  const cudaGraphNode_t* nodes = nullptr;
  const cudaGraphEdgeData* edges = nullptr;  // to be asked for where some edges carry data
  size_t count = 0;
#if CUDART_VERSION >= 13000
  NUMERAL_CUDA(cudaStreamGetCaptureInfo(stream, &status, nullptr, nullptr, &nodes, &edges, &count));
#else
  NUMERAL_CUDA(
      cudaStreamGetCaptureInfo_v3(stream, &status, nullptr, nullptr, &nodes, &edges, &count));
#endif
  return status == cudaStreamCaptureStatusActive && count == 1 ? nodes[0] : nullptr;
}

}  // namespace

EarlyStarts::EarlyStarts() {
  Require(early_starts == nullptr, "early starts: two captures at a time");
  early_starts = this;
}

EarlyStarts::~EarlyStarts() { early_starts = nullptr; }

EarlyStarts* EarlyStarts::OfThisThread() { return early_starts; }

bool EarlyStarts::Allow(const void* kernel, cudaStream_t stream) const {
  const auto last = last_launches_.find(stream);
  const cudaGraphNode_t node = LastNode(stream);
  if (node == nullptr || last == last_launches_.end() || node != last->second) return false;
  // Not the device's own number: it may run code of an older architecture, which does not wait.
  cudaFuncAttributes attributes = {};
  NUMERAL_CUDA(cudaFuncGetAttributes(&attributes, kernel));
  return attributes.ptxVersion >= kFirstWaitingCode;
}

void EarlyStarts::Launched(cudaStream_t stream) { last_launches_[stream] = LastNode(stream); }

}  // namespace numeral::cuda
