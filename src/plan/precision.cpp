#include "plan/precision.h"

#include <algorithm>

#include "util/error.h"

namespace numeral {
namespace {

// By base tensor: whether it is transient fp32 and nothing but an activation.
std::vector<bool> PureActivations(const Plan& plan) {
  std::vector<bool> pure(plan.tensors.size());
  for (size_t i = 0; i < pure.size(); ++i) {
    const TensorInfo& tensor = plan.tensors[i];
    pure[i] = tensor.storage == Storage::kTransient && tensor.dtype == DType::kF32;
  }
  for (const Phase& phase : plan.phases) {
    for (const PhaseOp& op : phase.ops) {
      for (const Operand& operand : Operands(op.op)) {
        if (!operand.activation) pure[static_cast<size_t>(plan.Base(operand.id))] = false;
      }
    }
  }
  return pure;
}

// All activations of an op have the type of the first.
void CheckTypes(const Plan& plan, const PhaseOp& op) {
  if (std::holds_alternative<Convert>(op.op)) return;
  DType type = DType::kBF16;
  bool first = true;
  for (const Operand& operand : Operands(op.op)) {
    if (!operand.activation) continue;
    const DType found = plan.tensor(operand.id).dtype;
    if (!first && found != type) {
      Fail("internal error: {} ({}) has operands of two types", OpName(op.op), op.label);
    }
    type = found;
    first = false;
  }
}

}  // namespace

void ApplyPrecision(Plan& plan, Precision precision) {
  plan.precision = precision;
  if (precision != Precision::kBf16) return;
  const std::vector<bool> pure = PureActivations(plan);
  for (size_t i = 0; i < plan.tensors.size(); ++i) {
    const TensorId base = plan.Base(static_cast<TensorId>(i));
    if (pure[static_cast<size_t>(base)]) plan.tensors[i].dtype = DType::kBF16;
  }
  for (const Phase& phase : plan.phases) {
    for (const PhaseOp& op : phase.ops) CheckTypes(plan, op);
  }
}

}  // namespace numeral
