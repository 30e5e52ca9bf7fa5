#include "cuda/engine/compile_phase.h"

#include <fmt/format.h>

#include <algorithm>

#include "cuda/engine/dense_tile.h"
#include "cuda/engine/dependencies.h"
#include "cuda/engine/epilogue.h"
#include "cuda/engine/head.h"
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

// Ops that one node does: how many of the first ones, at least 1, and how the node is made. Those
// left out among them are done behind it.
struct Join {
  size_t count = 1;
  Node (*make)(std::span<const PhaseOp>, const Binding&, Workspace&) = nullptr;
  size_t first_left_out = 0, left_out = 0;
};

Join LongestJoin(std::span<const PhaseOp> ops, const Binding& binding) {
  const HeadSize head = SizeOfHead(ops, binding);
  Join longest;
  for (const Join& join : {Join{JoinableLosses(ops, binding), MakeLossesNode},
                           Join{JoinableUpdates(ops, binding), MakeUpdatesNode},
                           Join{JoinableSources(ops, binding), MakeSourcesNode},
                           Join{JoinableEpilogue(ops, binding), MakeEpilogueNode},
                           Join{JoinableDenseTile(ops, binding), MakeDenseTileNode},
                           Join{head.count, MakeHeadNode, head.first_left_out, head.left_out}}) {
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

// Appends the nodes of ops first .. end - 1.
void CompileOps(std::span<const PhaseOp> ops, size_t first, size_t end, const Binding& binding,
                Workspace& workspace, std::vector<NamedNode>& nodes) {
  for (size_t i = first; i < end;) {
    const PhaseOp& op = ops[i];
    const Join join = LongestJoin(ops.subspan(i, end - i), binding);
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
    const size_t left_out = i + join.first_left_out;
    CompileOps(ops, left_out, left_out + join.left_out, binding, workspace, nodes);
    i += join.count;
  }
}

}  // namespace

std::vector<NamedNode> CompilePhase(const Phase& phase, const Binding& binding,
                                    Workspace& workspace) {
  std::vector<NamedNode> nodes;
  CompileOps(phase.ops, 0, phase.ops.size(), binding, workspace, nodes);
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
  // Ops left out of a node are among its own and those of a later one, which does them.
  std::vector<size_t> node_of(phase.ops.size());
  for (size_t n = 0; n < nodes.size(); ++n) {
    std::fill_n(node_of.begin() + nodes[n].op, nodes[n].op_count, n);
  }
  std::vector<Cost> costs(nodes.size());
  for (size_t i = 0; i < phase.ops.size(); ++i) {
    const Cost cost = CostOf(plan, phase.ops[i].op);
    Cost& sum = costs[node_of[i]];
    sum.bytes_read += cost.bytes_read;
    sum.bytes_written += cost.bytes_written;
    sum.flops += cost.flops;
  }
  std::vector<double> microseconds;
  for (size_t n = 0; n < nodes.size(); ++n) {
    microseconds.push_back(nodes[n].run ? EstimatedMicroseconds(costs[n], plan.precision) : 0);
  }
  return MakeSchedule(Dependencies(phase, nodes, binding, workspace), microseconds);
}

}  // namespace numeral::cuda
