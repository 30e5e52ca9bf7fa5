#include "cuda/engine/overlap.h"

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

}  // namespace numeral::cuda
