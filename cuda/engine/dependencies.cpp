#include "cuda/engine/dependencies.h"

#include <algorithm>

namespace numeral::cuda {
namespace {

struct Touch {
  const std::byte *begin, *end;
  bool writes;

  bool Conflicts(const Touch& other) const {
    return (writes || other.writes) && begin < other.end && other.begin < end;
  }
};

std::vector<Touch> TouchesOf(const NamedNode& node, const Phase& phase, const Binding& binding,
                             const Workspace& workspace) {
  std::vector<Touch> touches;
  if (!node.run) return touches;
  const auto add = [&](const void* address, int64_t bytes, bool writes) {
    const auto* begin = static_cast<const std::byte*>(address);
    touches.push_back({begin, begin + bytes, writes});
  };
  for (int i = node.op; i < node.op + node.op_count; ++i) {
    const Op& op = phase.ops[static_cast<size_t>(i)].op;
    for (const Operand& operand : Operands(op)) {
      const TensorInfo& info = binding.info(operand.id);
      const bool writes = operand.access != Access::kRead;
      add(binding.Address(operand.id), info.bytes(), writes);
      const bf16* rounded = workspace.Rounded(binding, operand.id);
      if (rounded == nullptr) continue;
      // Who writes a weight refreshes its copy; who reads the one may read the other instead.
      add(rounded, info.elems() * static_cast<int64_t>(sizeof(bf16)),
          writes || std::holds_alternative<PrepareWeight>(op));
    }
  }
  return touches;
}

bool Conflict(const std::vector<Touch>& a, const std::vector<Touch>& b) {
  return std::any_of(a.begin(), a.end(), [&](const Touch& one) {
    return std::any_of(b.begin(), b.end(),
                       [&](const Touch& other) { return one.Conflicts(other); });
  });
}

}  // namespace

std::vector<std::vector<size_t>> Dependencies(const Phase& phase,
                                              const std::vector<NamedNode>& nodes,
                                              const Binding& binding, const Workspace& workspace) {
  std::vector<std::vector<Touch>> touches;
  for (const NamedNode& node : nodes) {
    touches.push_back(TouchesOf(node, phase, binding, workspace));
  }
  std::vector<std::vector<size_t>> dependencies(nodes.size());
  std::vector<std::vector<bool>> before(nodes.size());  // by itself or by way of others
  for (size_t i = 0; i < nodes.size(); ++i) {
    before[i].resize(nodes.size());
    for (size_t j = i; j-- > 0;) {
      if (before[i][j] || !Conflict(touches[i], touches[j])) continue;
      dependencies[i].push_back(j);
      before[i][j] = true;
      for (size_t k = 0; k < j; ++k) before[i][k] = before[i][k] || before[j][k];
    }
  }
  return dependencies;
}

}  // namespace numeral::cuda
