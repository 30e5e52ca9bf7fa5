// The memory and workspace of a case's plan, for tests that make nodes by hand.
#pragma once

#include <vector>

#include "cuda/engine/nodes.h"
#include "cuda/support/check.h"
#include "tests/support/one_op.h"

namespace numeral::cuda {

class PlanOnDevice {
 public:
  explicit PlanOnDevice(const OpCase& op_case)
      : op_case_(op_case),
        libraries_(""),
        stream_(MakeStream()),
        workspace_(op_case.plan->precision, libraries_, stream_.get(), counters_),
        memory_(static_cast<size_t>(op_case.plan->persistent_bytes)),
        binding_(*op_case.plan, memory_.data(), nullptr, nullptr) {
    Reset();
  }

  const Binding& binding() const { return binding_; }
  Workspace& workspace() { return workspace_; }

  // Everything as the case has it.
  void Reset() {
    NUMERAL_CUDA(cudaMemset(memory_.data(), 0, Size()));
    for (const auto& [id, bytes] : op_case_.writes) {
      NUMERAL_CUDA(
          cudaMemcpy(binding_.Address(id), bytes.data(), bytes.size(), cudaMemcpyHostToDevice));
    }
  }

  // All of the memory after the nodes; workspace() is allocated.
  std::vector<std::byte> Run(const std::vector<Node>& nodes) {
    for (const Node& node : nodes) node(workspace_.lanes()[0]);
    NUMERAL_CUDA(cudaStreamSynchronize(stream_.get()));
    std::vector<std::byte> bytes(Size());
    NUMERAL_CUDA(cudaMemcpy(bytes.data(), memory_.data(), Size(), cudaMemcpyDeviceToHost));
    return bytes;
  }

 private:
  size_t Size() const { return static_cast<size_t>(op_case_.plan->persistent_bytes); }

  OpCase op_case_;
  Libraries libraries_;
  EngineCounters counters_;
  Stream stream_;
  Workspace workspace_;
  DeviceMemory memory_;
  Binding binding_;
};

}  // namespace numeral::cuda
