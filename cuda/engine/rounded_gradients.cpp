#include "cuda/engine/rounded_gradients.h"

#include <algorithm>
#include <map>

#include "cuda/engine/overlap.h"
#include "cuda/kernels/adam.h"
#include "cuda/kernels/thin_conv.h"
#include "cuda/support/vector.h"

namespace numeral::cuda {
namespace {

// Whether cuDNN computes a gradient by this op, in bf16, from nothing that was there before.
bool IsRoundedByCudnn(const ConvBackwardWeight& op) {
  return op.mode == GradientMode::kOverwrite && !ThinConvSupports(op.geometry);
}

std::vector<const Op*> UsersOf(TensorId id, const Phase& phase, const Binding& binding) {
  std::vector<const Op*> users;
  for (const PhaseOp& op : phase.ops) {
    const std::vector<Operand> operands = Operands(op.op);
    if (std::any_of(operands.begin(), operands.end(),
                    [&](const Operand& operand) { return Overlap(operand.id, id, binding); })) {
      users.push_back(&op.op);
    }
  }
  return users;
}

bool CanStayRounded(TensorId gradient, const Phase& phase, const Binding& binding) {
  const std::vector<const Op*> users = UsersOf(gradient, phase, binding);
  if (users.empty()) return true;
  if (users.size() != 2) return false;
  const auto* conv = std::get_if<ConvBackwardWeight>(users[0]);
  const auto* update = std::get_if<AdamUpdate>(users[1]);
  return conv != nullptr && conv->grad_weight == gradient && IsRoundedByCudnn(*conv) &&
         update != nullptr && update->grads == binding.plan().Base(gradient);
}

// In the order of the plan, each once.
std::vector<TensorId> ConvGradients(const Plan& plan) {
  std::vector<TensorId> gradients;
  for (const Phase& phase : plan.phases) {
    for (const PhaseOp& op : phase.ops) {
      const auto* conv = std::get_if<ConvBackwardWeight>(&op.op);
      if (conv == nullptr) continue;
      if (std::find(gradients.begin(), gradients.end(), conv->grad_weight) == gradients.end()) {
        gradients.push_back(conv->grad_weight);
      }
    }
  }
  return gradients;
}

}  // namespace

void KeepRoundedGradients(const Binding& binding, Workspace& workspace) {
  if (workspace.mode() != MatrixMode::kBf16) return;
  const Plan& plan = binding.plan();
  std::map<TensorId, int> kept_of_block;
  for (const TensorId gradient : ConvGradients(plan)) {
    int& kept = kept_of_block[plan.Base(gradient)];
    const bool fits = std::all_of(plan.phases.begin(), plan.phases.end(), [&](const Phase& phase) {
      return CanStayRounded(gradient, phase, binding);
    });
    // Less aligned than scratch it would leave cuDNN fewer kernels.
    const bool aligned = binding.info(gradient).offset_elems % kPackElems<bf16> == 0;
    if (!fits || !aligned || kept == kMaxRoundedGrads) continue;
    workspace.KeepRounded(binding, gradient);
    ++kept;
  }
}

}  // namespace numeral::cuda
