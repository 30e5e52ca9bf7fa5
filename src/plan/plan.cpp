#include "plan/plan.h"

#include <fmt/format.h>

namespace numeral {

int64_t BytesOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kBF16:
      return 2;
    case DType::kI64:
      return 8;
    case DType::kU8:
      return 1;
  }
  return 0;
}

std::string Phase::name() const {
  constexpr const char* kNames[] = {"prepare", "step",     "d_step",   "g_step",
                                    "sample",  "accuracy", "classify", "predict"};
  return fmt::format("{}[{}]", kNames[static_cast<int>(kind)], batch_size);
}

TensorId Plan::FindTensor(std::string_view name) const {
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].name == name) return static_cast<TensorId>(i);
  }
  return kNoTensor;
}

int Plan::FindPhase(PhaseKind kind, int batch_size) const {
  for (size_t i = 0; i < phases.size(); ++i) {
    if (phases[i].kind == kind && phases[i].batch_size == batch_size) return static_cast<int>(i);
  }
  return -1;
}

std::string DumpPlan(const Plan& plan) {
  std::string text = fmt::format("persistent {} bytes, data {} bytes, transient {} bytes\n",
                                 plan.persistent_bytes, plan.data_bytes, plan.transient_bytes);
  const auto describe = [&](TensorId id) {
    const TensorInfo& t = plan.tensor(id);
    return fmt::format("{}[{}x{}]{}@{}{}", t.name, t.rows, ToString(t.shape),
                       t.dtype == DType::kBF16 ? " bf16 " : "",
                       t.storage == Storage::kPersistent ? "p"
                       : t.storage == Storage::kData     ? "d"
                                                         : "t",
                       t.offset_bytes);
  };
  for (const Phase& phase : plan.phases) {
    text += fmt::format("\nphase {}\n", phase.name());
    for (size_t i = 0; i < phase.ops.size(); ++i) {
      const auto& [op, label] = phase.ops[i];
      text += fmt::format("  {:3} {} ({}) {}\n", i, OpName(op), label, Attributes(op));
      for (const Operand& operand : Operands(op)) {
        const char* arrow = operand.access == Access::kRead    ? "<-"
                            : operand.access == Access::kWrite ? "->"
                                                               : "<>";
        text += fmt::format("        {} {} {}\n", arrow, operand.name, describe(operand.id));
      }
    }
  }
  return text;
}

}  // namespace numeral
