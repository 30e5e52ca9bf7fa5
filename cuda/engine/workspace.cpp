#include "cuda/engine/workspace.h"

#include "cuda/support/check.h"

namespace numeral::cuda {
namespace {

MatrixMode ModeOf(Precision precision) {
  switch (precision) {
    case Precision::kFp32:
      return MatrixMode::kFp32;
    case Precision::kTf32:
      return MatrixMode::kTf32;
    case Precision::kBf16:
      return MatrixMode::kBf16;
  }
  Fail("internal error: no such precision");
}

}  // namespace

Workspace::Workspace(Precision precision, Libraries& libraries, cudaStream_t stream,
                     EngineCounters& counters)
    : libraries_(libraries), mode_(ModeOf(precision)), stream_(stream), counters_(counters) {}

DeviceMemory Workspace::NewMemory(size_t bytes) {
  ++counters_.allocations;
  return DeviceMemory(bytes);
}

const int32_t* Workspace::Table(const std::vector<int32_t>& values) {
  const size_t bytes = values.size() * sizeof(int32_t);
  tables_.push_back(NewMemory(bytes));
  NUMERAL_CUDA(cudaMemcpy(tables_.back().data(), values.data(), bytes, cudaMemcpyHostToDevice));
  return reinterpret_cast<const int32_t*>(tables_.back().data());
}

void* Workspace::MatrixOperand(const Binding& binding, TensorId weight) {
  if (mode_ == MatrixMode::kBf16) return MakeRounded(binding, weight);
  return binding.F32(weight);
}

bf16* Workspace::MakeRounded(const Binding& binding, TensorId weight) {
  const TensorId base = binding.plan().Base(weight);
  if (!mirrors_.contains(base)) {
    mirrors_[base] = NewMemory(static_cast<size_t>(binding.info(base).elems()) * sizeof(bf16));
  }
  return Rounded(binding, weight);
}

bf16* Workspace::Rounded(const Binding& binding, TensorId weight) const {
  const auto mirror = mirrors_.find(binding.plan().Base(weight));
  if (mirror == mirrors_.end()) return nullptr;
  return reinterpret_cast<bf16*>(mirror->second.data()) + binding.info(weight).offset_elems;
}

void Workspace::KeepRounded(const Binding& binding, TensorId gradient) {
  MakeRounded(binding, gradient);
  rounded_gradients_.push_back(gradient);
}

void Workspace::Allocate() {
  const size_t counter_bytes = static_cast<size_t>(counter_count_) * sizeof(unsigned);
  for (size_t i = 0; i < lanes_.size(); ++i) {
    if (i > 0) side_streams_[i - 1] = MakeStream();
    lanes_[i].stream = i > 0 ? side_streams_[i - 1].get() : stream_;
    scratch_[i] = NewMemory(scratch_bytes_);
    lanes_[i].memory = scratch_[i].data();
    counter_memory_[i] = NewMemory(counter_bytes);
    std::byte* counters = counter_memory_[i].data();
    lanes_[i].block_counters = reinterpret_cast<unsigned*>(counters);
    if (counter_bytes > 0) NUMERAL_CUDA(cudaMemsetAsync(counters, 0, counter_bytes, stream_));
  }
}

}  // namespace numeral::cuda
