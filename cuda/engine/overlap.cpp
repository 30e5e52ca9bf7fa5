#include "cuda/engine/overlap.h"

#include <algorithm>
#include <vector>

namespace numeral::cuda {

bool Overlap(TensorId a, TensorId b, const Binding& binding) {
  if (a == kNoTensor || b == kNoTensor) return false;
  return binding.Address(a) < binding.Address(b) + binding.info(b).bytes() &&
         binding.Address(b) < binding.Address(a) + binding.info(a).bytes();
}

bool Disturbs(const Op& writer, const Op& user, const Binding& binding) {
  for (const Operand& written : Operands(writer)) {
    if (written.access == Access::kRead) continue;
    for (const Operand& used : Operands(user)) {
      if (Overlap(written.id, used.id, binding)) return true;
    }
  }
  return false;
}

bool IsRead(TensorId id, std::span<const PhaseOp> ops, const Binding& binding) {
  const TensorId base = binding.plan().Base(id);
  return std::any_of(ops.begin(), ops.end(), [&](const PhaseOp& op) {
    const std::vector<Operand> operands = Operands(op.op);
    return std::any_of(operands.begin(), operands.end(), [&](const Operand& operand) {
      return operand.access != Access::kWrite && binding.plan().Base(operand.id) == base;
    });
  });
}

}  // namespace numeral::cuda
