#include "cuda/engine/workspace.h"

#include "cuda/support/check.h"

namespace numeral::cuda {
namespace {

TensorId BaseOf(const Binding& binding, TensorId id) {
  const TensorId base = binding.info(id).base;
  return base == kNoTensor ? id : base;
}

}  // namespace

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

void Workspace::ReserveRounded(const Binding& binding, TensorId weight) {
  const TensorId base = BaseOf(binding, weight);
  mirrors_[base].elems = binding.info(base).elems();
}

bf16* Workspace::Rounded(const Binding& binding, TensorId weight) const {
  const auto mirror = mirrors_.find(BaseOf(binding, weight));
  if (mirror == mirrors_.end()) return nullptr;
  return reinterpret_cast<bf16*>(mirror->second.memory.data()) + binding.info(weight).offset_elems;
}

void Workspace::Allocate(cudaStream_t stream) {
  scratch_ = NewMemory(scratch_bytes_);
  const size_t counter_bytes = static_cast<size_t>(counter_count_) * sizeof(unsigned);
  counter_memory_ = NewMemory(counter_bytes);
  if (counter_bytes > 0) {
    NUMERAL_CUDA(cudaMemsetAsync(counter_memory_.data(), 0, counter_bytes, stream));
  }
  for (auto& [base, mirror] : mirrors_) {
    mirror.memory = NewMemory(static_cast<size_t>(mirror.elems) * sizeof(bf16));
  }
}

}  // namespace numeral::cuda
