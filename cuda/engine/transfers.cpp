#include "cuda/engine/transfers.h"

#include <algorithm>
#include <cstring>

#include "cuda/support/check.h"

namespace numeral::cuda {
namespace {

constexpr size_t kStagingBytes = size_t{4} << 20;

}  // namespace

Transfers::Transfers(cudaStream_t stream, EngineCounters& counters)
    : stream_(stream), counters_(counters), staging_(kStagingBytes) {
  ++counters_.allocations;
  for (Started& started : started_) started.done = MakeEvent();
}

void Transfers::Wait() {
  NUMERAL_CUDA(cudaStreamSynchronize(stream_));
  ++counters_.waits;
}

void Transfers::Write(std::byte* device, std::span<const std::byte> bytes) {
  for (size_t begin = 0; begin < bytes.size(); begin += kStagingBytes) {
    const size_t count = std::min(kStagingBytes, bytes.size() - begin);
    std::memcpy(staging_.data(), bytes.data() + begin, count);
    NUMERAL_CUDA(
        cudaMemcpyAsync(device + begin, staging_.data(), count, cudaMemcpyHostToDevice, stream_));
    Wait();
  }
}

void Transfers::Read(const std::byte* device, std::span<std::byte> bytes) {
  for (size_t begin = 0; begin < bytes.size(); begin += kStagingBytes) {
    const size_t count = std::min(kStagingBytes, bytes.size() - begin);
    NUMERAL_CUDA(
        cudaMemcpyAsync(staging_.data(), device + begin, count, cudaMemcpyDeviceToHost, stream_));
    Wait();
    std::memcpy(bytes.data() + begin, staging_.data(), count);
  }
}

void Transfers::StartRead(const std::byte* device, size_t size_bytes) {
  NUMERAL_CHECK(started_count_ < started_.size());
  Started& started = started_[(first_started_ + started_count_++) % started_.size()];
  if (started.capacity_bytes < size_bytes) {
    started.memory = PinnedMemory(size_bytes);
    started.capacity_bytes = size_bytes;
    ++counters_.allocations;
  }
  NUMERAL_CUDA(
      cudaMemcpyAsync(started.memory.data(), device, size_bytes, cudaMemcpyDeviceToHost, stream_));
  NUMERAL_CUDA(cudaEventRecord(started.done.get(), stream_));
}

void Transfers::FinishRead(std::span<std::byte> bytes) {
  NUMERAL_CHECK(started_count_ > 0);
  const Started& started = started_[first_started_];
  NUMERAL_CHECK(bytes.size() <= started.capacity_bytes);
  NUMERAL_CUDA(cudaEventSynchronize(started.done.get()));
  std::memcpy(bytes.data(), started.memory.data(), bytes.size());
  first_started_ = (first_started_ + 1) % started_.size();
  --started_count_;
}

}  // namespace numeral::cuda
