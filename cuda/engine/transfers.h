// Copies between the host and the device through page-locked memory: the driver never has to stage
// a copy itself, and reads can be left under way.
#pragma once

#include <array>
#include <span>

#include "cuda/support/runtime.h"
#include "engine/engine.h"

namespace numeral::cuda {

class Transfers {
 public:
  Transfers(cudaStream_t stream, EngineCounters& counters);

  // Behind everything on the stream; both return when the host's bytes are done with.
  void Write(std::byte* device, std::span<const std::byte> bytes);
  void Read(const std::byte* device, std::span<std::byte> bytes);

  // Executable::StartRead and FinishRead. The memory is as large as the largest read so far, so a
  // read of another size may allocate.
  void StartRead(const std::byte* device, size_t size_bytes);
  void FinishRead(std::span<std::byte> bytes);

 private:
  struct Started {
    PinnedMemory memory;
    size_t capacity_bytes = 0;
    Event done;
  };
  void Wait();

  cudaStream_t stream_;
  EngineCounters& counters_;
  PinnedMemory staging_;
  std::array<Started, Executable::kReadsUnderWay> started_;
  size_t first_started_ = 0, started_count_ = 0;
};

}  // namespace numeral::cuda
