// A plan on the device: its memory, its ops as nodes, its phases as graphs.
#pragma once

#include <memory>
#include <vector>

#include "cuda/engine/phase_runner.h"
#include "cuda/engine/transfers.h"
#include "cuda/engine/workspace.h"
#include "engine/engine.h"

namespace numeral::cuda {

// The data tensors of one executable or several.
struct CudaData final : DataMemory {
  explicit CudaData(size_t size_bytes) : bytes(size_bytes), memory(size_bytes) {}
  size_t bytes;
  DeviceMemory memory;
};

class CudaExecutable final : public Executable {
 public:
  // `libraries` outlives the executable. Without `data` it has its own.
  CudaExecutable(std::shared_ptr<const Plan> plan, std::shared_ptr<CudaData> data,
                 const EngineOptions& options, Libraries& libraries);

  void Write(TensorId id, std::span<const std::byte> bytes) override;
  void Read(TensorId id, std::span<std::byte> bytes) override;
  void StartRead(TensorId id, size_t size_bytes) override;
  void FinishRead(std::span<std::byte> bytes) override;
  void Enqueue(int phase, int64_t times) override;
  void Sync() override;
  EngineCounters Counters() const override { return counters_; }
  std::shared_ptr<DataMemory> Data() const override { return data_; }
  void SetProfiling(bool on) override;
  std::vector<OpTime> OpTimes() const override { return times_; }
  bool RecordForProfiler(bool on) override;
  GraphSize SizeOfGraph(int phase) override;

 private:
  std::shared_ptr<CudaData> NewData(size_t bytes);
  void EnqueueTimed(int phase);
  void CheckTransfer(TensorId id, size_t bytes) const;

  std::shared_ptr<const Plan> plan_;
  EngineOptions options_;
  EngineCounters counters_;
  Stream stream_;
  Workspace workspace_;
  bool owns_data_;
  std::shared_ptr<CudaData> data_;
  DeviceMemory persistent_, transient_;
  Binding binding_;
  Transfers transfers_;
  std::vector<PhaseRunner> phases_;
  bool profiling_ = false;
  std::vector<OpTime> times_;
};

}  // namespace numeral::cuda
