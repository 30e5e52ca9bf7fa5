#include "cuda/engine/compile_phase.h"

#include <fmt/format.h>

#include "cuda/engine/dependencies.h"
#include "cuda/engine/epilogue.h"
#include "cuda/engine/loss.h"
#include "cuda/engine/nodes.h"
#include "cuda/engine/sources.h"
#include "cuda/engine/update.h"

namespace numeral::cuda {
namespace {

// make(), with the op's name on whatever it throws.
template <typename Make>
Node Named(const PhaseOp& op, const Make& make) {
  try {
    return make();
  } catch (const Error& error) {
    throw Error(error.kind(),
                fmt::format("the CUDA engine cannot compile {} ({}), {}: {}", OpName(op.op),
                            op.label, Attributes(op.op), error.what()));
  }
}

// Ops that one node does: how many of the first ones, at least 1, and how the node is made.
struct Join {
  size_t count = 1;
  Node (*make)(std::span<const PhaseOp>, const Binding&, Workspace&) = nullptr;
};

Join LongestJoin(std::span<const PhaseOp> ops, const Binding& binding) {
  Join longest;
  for (const Join& join : {Join{JoinableLosses(ops, binding), MakeLossesNode},
                           Join{JoinableUpdates(ops, binding), MakeUpdatesNode},
                           Join{JoinableSources(ops, binding), MakeSourcesNode},
                           Join{JoinableEpilogue(ops, binding), MakeEpilogueNode}}) {
    if (join.count > longest.count) longest = join;
  }
  return longest;
}

// Whether the copy of the weight that ops[i] prepares is fresh: of the ops before it, the last to
// write the weight refreshed it.
bool IsFresh(const std::vector<PhaseOp>& ops, size_t i, TensorId weight, const Binding& binding) {
  const TensorId base = binding.plan().Base(weight);
  for (size_t j = i; j-- > 0;) {
    for (const Operand& operand : Operands(ops[j].op)) {
      if (operand.access == Access::kRead || binding.plan().Base(operand.id) != base) continue;
      return std::holds_alternative<AdamUpdate>(ops[j].op) ||
             std::holds_alternative<EmaUpdate>(ops[j].op);
    }
  }
  return false;
}

}  // namespace

std::vector<NamedNode> CompilePhase(const Phase& phase, const Binding& binding,
                                    Workspace& workspace) {
  const std::span<const PhaseOp> ops(phase.ops);
  std::vector<NamedNode> nodes;
  for (size_t i = 0; i < ops.size();) {
    const PhaseOp& op = ops[i];
    const Join join = LongestJoin(ops.subspan(i), binding);
    NamedNode node{{}, op.label, static_cast<int>(i), static_cast<int>(join.count)};
    if (join.count > 1) {
      node.run =
          Named(op, [&] { return join.make(ops.subspan(i, join.count), binding, workspace); });
    } else if (!std::holds_alternative<PrepareWeight>(op.op)) {
      node.run = Named(op, [&] {
        return std::visit([&](const auto& o) { return MakeNode(o, binding, workspace); }, op.op);
      });
    }
    nodes.push_back(std::move(node));
    i += join.count;
  }
  return nodes;
}

void AddPrepares(const Phase& phase, const Binding& binding, Workspace& workspace,
                 std::vector<NamedNode>& nodes) {
  for (NamedNode& node : nodes) {
    const auto i = static_cast<size_t>(node.op);
    const auto* prepare = std::get_if<PrepareWeight>(&phase.ops[i].op);
    if (prepare == nullptr || IsFresh(phase.ops, i, prepare->weight, binding)) continue;
    node.run = MakeNode(*prepare, binding, workspace);
  }
}

std::vector<Place> SchedulePhase(const Phase& phase, const std::vector<NamedNode>& nodes,
                                 const Binding& binding, const Workspace& workspace) {
  const Plan& plan = binding.plan();
  std::vector<double> microseconds;
  for (const NamedNode& node : nodes) {
    Cost sum;
    for (int i = node.op; i < node.op + node.op_count; ++i) {
      const Cost cost = CostOf(plan, phase.ops[static_cast<size_t>(i)].op);
      sum.bytes_read += cost.bytes_read;
      sum.bytes_written += cost.bytes_written;
      sum.flops += cost.flops;
    }
    microseconds.push_back(node.run ? EstimatedMicroseconds(sum, plan.precision) : 0);
  }
  return MakeSchedule(Dependencies(phase, nodes, binding, workspace), microseconds);
}

}  // namespace numeral::cuda
