// One of the streams that the nodes of a phase are spread over, with memory that is its own.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

namespace numeral::cuda {

// Nodes of one lane run one after another, so its memory is theirs in turn.
struct Lane {
  cudaStream_t stream = nullptr;
  std::byte* memory = nullptr;         // valid within one node
  unsigned* block_counters = nullptr;  // 0 before and after every node

  template <typename T = std::byte>
  T* scratch() const {
    return reinterpret_cast<T*>(memory);
  }
};

}  // namespace numeral::cuda
