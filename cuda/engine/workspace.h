// What the nodes of one executable share: scratch memory, the counters of kernels whose last block
// finishes the work, bf16 copies of weights, and small tables.
//
// All of it is asked for while ops are compiled and allocated once after; addresses are therefore
// taken when a node runs. Nodes of an executable run one after another on one stream.
#pragma once

#include <map>
#include <vector>

#include "cuda/engine/binding.h"
#include "cuda/support/runtime.h"
#include "engine/engine.h"

namespace numeral::cuda {

class Workspace {
 public:
  explicit Workspace(EngineCounters& counters) : counters_(counters) {}

  // Counted device memory.
  DeviceMemory NewMemory(size_t bytes);

  // At least `bytes` of scratch that are valid within one node; all nodes share it.
  void Reserve(size_t bytes) { scratch_bytes_ = std::max(scratch_bytes_, bytes); }
  template <typename T = std::byte>
  T* scratch() const {
    return reinterpret_cast<T*>(scratch_.data());
  }

  // So many unsigned numbers that are 0 before and after every node.
  void ReserveCounters(int count) { counter_count_ = std::max(counter_count_, count); }
  unsigned* counters() const { return reinterpret_cast<unsigned*>(counter_memory_.data()); }

  // A constant table on the device, filled from the host once; kept as long as the workspace.
  const int32_t* Table(const std::vector<int32_t>& values);

  // The bf16 copy of a weight, in its layout. Its memory mirrors that of the weight's base tensor,
  // so that an update of all weights refreshes all copies in one pass.
  void ReserveRounded(const Binding& binding, TensorId weight);
  // nullptr where nothing of the base tensor has been asked for.
  bf16* Rounded(const Binding& binding, TensorId weight) const;

  // Allocates what was asked for. No node may run before.
  void Allocate(cudaStream_t stream);

 private:
  EngineCounters& counters_;
  size_t scratch_bytes_ = 0;
  int counter_count_ = 0;
  DeviceMemory scratch_, counter_memory_;
  std::vector<DeviceMemory> tables_;
  struct Mirror {
    int64_t elems = 0;
    DeviceMemory memory;
  };
  std::map<TensorId, Mirror> mirrors_;  // by base tensor
};

}  // namespace numeral::cuda
