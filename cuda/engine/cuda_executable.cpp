#include "cuda/engine/cuda_executable.h"

#include <cuda_profiler_api.h>

#include "cuda/engine/compile_phase.h"
#include "cuda/engine/rounded_gradients.h"
#include "cuda/support/check.h"

namespace numeral::cuda {

CudaExecutable::CudaExecutable(std::shared_ptr<const Plan> plan, std::shared_ptr<CudaData> data,
                               const EngineOptions& options, Libraries& libraries)
    : plan_(std::move(plan)),
      options_(options),
      stream_(MakeStream()),
      workspace_(plan_->precision, libraries, stream_.get(), counters_),
      owns_data_(data == nullptr),
      data_(owns_data_ ? NewData(static_cast<size_t>(plan_->data_bytes)) : std::move(data)),
      persistent_(workspace_.NewMemory(static_cast<size_t>(plan_->persistent_bytes))),
      transient_(workspace_.NewMemory(static_cast<size_t>(plan_->transient_bytes))),
      binding_(*plan_, persistent_.data(), data_->memory.data(), transient_.data()),
      transfers_(stream_.get(), counters_) {
  NUMERAL_CHECK(data_->bytes == static_cast<size_t>(plan_->data_bytes));
  if (plan_->persistent_bytes > 0) {
    NUMERAL_CUDA(cudaMemsetAsync(persistent_.data(), 0,
                                 static_cast<size_t>(plan_->persistent_bytes), stream_.get()));
  }
  KeepRoundedGradients(binding_, workspace_);
  std::vector<std::vector<NamedNode>> nodes;
  for (const Phase& phase : plan_->phases) {
    nodes.push_back(CompilePhase(phase, binding_, workspace_));
  }
  workspace_.Allocate();
  for (size_t p = 0; p < nodes.size(); ++p) {
    AddPrepares(plan_->phases[p], binding_, workspace_, nodes[p]);
    std::vector<Place> schedule = SchedulePhase(plan_->phases[p], nodes[p], binding_, workspace_);
    phases_.emplace_back(plan_->phases[p].name(), std::move(nodes[p]), std::move(schedule),
                         workspace_.lanes());
  }
}

std::shared_ptr<CudaData> CudaExecutable::NewData(size_t bytes) {
  ++counters_.allocations;
  auto data = std::make_shared<CudaData>(bytes);
  if (bytes > 0) NUMERAL_CUDA(cudaMemsetAsync(data->memory.data(), 0, bytes, stream_.get()));
  return data;
}

void CudaExecutable::Write(TensorId id, std::span<const std::byte> bytes) {
  CheckTransfer(id, bytes.size());
  NUMERAL_CHECK(owns_data_ || plan_->tensor(id).storage != Storage::kData);
  transfers_.Write(binding_.Address(id), bytes);
}

void CudaExecutable::Read(TensorId id, std::span<std::byte> bytes) {
  CheckTransfer(id, bytes.size());
  transfers_.Read(binding_.Address(id), bytes);
}

void CudaExecutable::StartRead(TensorId id, size_t size_bytes) {
  CheckTransfer(id, size_bytes);
  transfers_.StartRead(binding_.Address(id), size_bytes);
}

void CudaExecutable::FinishRead(std::span<std::byte> bytes) { transfers_.FinishRead(bytes); }

void CudaExecutable::Enqueue(int phase, int64_t times) {
  PhaseRunner& runner = phases_[static_cast<size_t>(phase)];
  if (!options_.poison && !profiling_) {
    return runner.Enqueue(times, options_.graphs, counters_);
  }
  for (int64_t i = 0; i < times; ++i) {
    if (options_.poison && plan_->transient_bytes > 0) {
      NUMERAL_CUDA(cudaMemsetAsync(transient_.data(), 0xFF,
                                   static_cast<size_t>(plan_->transient_bytes), stream_.get()));
    }
    if (profiling_) {
      EnqueueTimed(phase);
    } else {
      runner.Enqueue(1, options_.graphs, counters_);
    }
  }
}

void CudaExecutable::Sync() {
  NUMERAL_CUDA(cudaStreamSynchronize(stream_.get()));
  ++counters_.waits;
}

GraphSize CudaExecutable::SizeOfGraph(int phase) {
  return phases_[static_cast<size_t>(phase)].SizeOfGraph();
}

bool CudaExecutable::RecordForProfiler(bool on) {
  Sync();
  NUMERAL_CUDA(on ? cudaProfilerStart() : cudaProfilerStop());
  return true;
}

void CudaExecutable::SetProfiling(bool on) {
  profiling_ = on;
  times_.clear();
  for (size_t p = 0; on && p < phases_.size(); ++p) {
    for (const NamedNode& node : phases_[p].nodes()) {
      times_.push_back({static_cast<int>(p), node.op, 0, 0});
    }
  }
}

void CudaExecutable::EnqueueTimed(int phase) {
  const PhaseRunner& runner = phases_[static_cast<size_t>(phase)];
  std::vector<Event> marks;
  const auto mark = [&](size_t) {
    marks.push_back(MakeTimingEvent());
    NUMERAL_CUDA(cudaEventRecord(marks.back().get(), stream_.get()));
  };
  mark(0);
  runner.RunEach(mark);
  Sync();
  size_t row = 0;
  for (int p = 0; p < phase; ++p) row += phases_[static_cast<size_t>(p)].nodes().size();
  for (size_t i = 0; i + 1 < marks.size(); ++i, ++row) {
    float elapsed_ms = 0;
    NUMERAL_CUDA(cudaEventElapsedTime(&elapsed_ms, marks[i].get(), marks[i + 1].get()));
    times_[row].seconds += elapsed_ms / 1000;
    ++times_[row].runs;
  }
}

void CudaExecutable::CheckTransfer(TensorId id, size_t bytes) const {
  NUMERAL_CHECK(plan_->tensor(id).storage != Storage::kTransient);
  NUMERAL_CHECK(static_cast<size_t>(plan_->tensor(id).bytes()) == bytes);
}

}  // namespace numeral::cuda
