// Memory of the CPU engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/engine.h"

namespace numeral::cpu {

// Aligned bytes, counted: to 64, or to the large pages that they are in where they fill one.
class Memory {
 public:
  Memory(int64_t bytes, EngineCounters& counters);
  std::byte* data() const { return data_.get(); }

 private:
  struct Free {
    size_t alignment;
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{alignment}); }
  };
  std::unique_ptr<std::byte[], Free> data_;
};

// The data tensors of one executable or several.
class CpuData final : public DataMemory {
 public:
  CpuData(int64_t bytes, EngineCounters& counters) : bytes_(bytes), memory_(bytes, counters) {}
  int64_t bytes() const { return bytes_; }
  std::byte* data() const { return memory_.data(); }

 private:
  int64_t bytes_;
  Memory memory_;
};

}  // namespace numeral::cpu
