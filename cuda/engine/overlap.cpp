#include "cuda/engine/overlap.h"

#include <algorithm>

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

bool Replaces(TensorId next, TensorId from, std::span<const PhaseOp> behind,
              const Binding& binding) {
  if (binding.SameMemory(next, from)) return true;
  return binding.info(from).storage == Storage::kTransient && !IsRead(from, behind, binding);
}

void UsedMemory::Add(TensorId id, bool written) {
  if (id == kNoTensor) return;
  const auto known = std::find_if(places_.begin(), places_.end(),
                                  [&](const Place& place) { return place.id == id; });
  if (known == places_.end()) {
    places_.push_back({id, written});
  } else {
    known->written |= written;
  }
}

bool UsedMemory::WritesApart(const Binding& binding) const {
  for (size_t i = 0; i < places_.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if ((places_[i].written || places_[j].written) &&
          Overlap(places_[i].id, places_[j].id, binding)) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace numeral::cuda
