// One run of a one-op plan on the emulated CUDA engine, for promises that no tolerance can state.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cuda/engine/cuda_engine.h"
#include "cuda/kernels/column_grid.h"
#include "cuda/support/check.h"
#include "cuda/support/runtime.h"
#include "tests/support/one_op.h"
#include "util/bf16.h"

namespace numeral::emulator {

enum class Stored { kFloat, kBf16 };  // the activations

class OneOpRun {
 public:
  explicit OneOpRun(const OpCase& op_case)
      : plan_(op_case.plan), executable_(cuda::MakeCudaEngine({})->Compile(plan_)) {
    WriteInputs(op_case, *executable_);
    executable_->Enqueue(0);
    executable_->Sync();
  }

  std::vector<double> Reals(const std::string& name) const {
    const TensorId id = plan_->FindTensor(name);
    const int64_t elems = plan_->tensor(id).elems();
    if (plan_->tensor(id).dtype == DType::kF32) {
      const auto values = executable_->ReadAll<float>(id, elems);
      return {values.begin(), values.end()};
    }
    std::vector<double> values;
    for (const uint16_t bits : executable_->ReadAll<uint16_t>(id, elems)) {
      values.push_back(FloatFromBf16(bits));
    }
    return values;
  }

 private:
  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<Executable> executable_;
};

inline OneOpRun RunOnce(const OpCase& op_case, Stored stored) {
  return OneOpRun(stored == Stored::kBf16 ? WithBf16Activations(op_case).value() : op_case);
}

// What a launcher of column sums is lent.
class SumMemory {
 public:
  explicit SumMemory(const cuda::SumScratch& needed)
      : scratch_(needed.bytes), counters_(static_cast<size_t>(needed.counters) * sizeof(unsigned)) {
    if (needed.counters > 0) {
      NUMERAL_CUDA(
          cudaMemset(counters_.data(), 0, static_cast<size_t>(needed.counters) * sizeof(unsigned)));
    }
  }
  double* scratch() const { return reinterpret_cast<double*>(scratch_.data()); }
  unsigned* counters() const { return reinterpret_cast<unsigned*>(counters_.data()); }

 private:
  cuda::DeviceMemory scratch_, counters_;
};

}  // namespace numeral::emulator
