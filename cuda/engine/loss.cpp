// Losses with their gradients, and how often the discriminator is right.
#include "cuda/engine/loss.h"

#include <algorithm>

#include "cuda/engine/nodes.h"
#include "cuda/engine/overlap.h"
#include "cuda/kernels/squared_error.h"

namespace numeral::cuda {
namespace {

template <typename AnyOp>
MetricPlace PlaceOf(const AnyOp& op, const Binding& binding) {
  const TensorInfo& metrics = binding.info(op.metrics);
  NUMERAL_CHECK(metrics.shape.Elems() == kMetricCount);
  return {binding.F32(op.metrics), metrics.rows, binding.I64(op.step), op.metric};
}

// What Loss and Accuracy have in common.
template <typename T, typename AnyOp>
LossArgs<T> CommonArgs(const AnyOp& op, const Binding& binding) {
  const TensorInfo& logits = binding.info(op.logits);
  const bool labelled = NeedsLabels(op.kind, op.part);
  NUMERAL_CHECK(logits.shape.Elems() == OutputsOf(op.kind));
  NUMERAL_CHECK(!labelled || op.labels != kNoTensor);
  LossArgs<T> args = {};
  args.rule = {op.kind, op.part};
  args.outputs = OutputsOf(op.kind);
  args.logits = binding.Activation<T>(op.logits);
  args.labels = labelled ? binding.I32(op.labels) : nullptr;
  args.rows = logits.rows;
  args.place = PlaceOf(op, binding);
  return args;
}

template <typename T>
LossArgs<T> ArgsOf(const Loss& op, const Binding& binding) {
  NUMERAL_CHECK(binding.info(op.grad).elems() == binding.info(op.logits).elems());
  LossArgs<T> args = CommonArgs<T>(op, binding);
  args.rule.label_smoothing = op.label_smoothing;
  args.rule.relative_to = op.relative_to;
  args.add = op.add;
  args.weight = op.weight;
  args.grad = binding.Activation<T>(op.grad);
  return args;
}

template <typename T>
LossArgs<T> ArgsOf(const Accuracy& op, const Binding& binding) {
  NUMERAL_CHECK(op.part != LossPart::kGenerator);
  LossArgs<T> args = CommonArgs<T>(op, binding);
  args.accuracy = true;
  return args;
}

template <typename T>
Node NodeOf(std::vector<LossArgs<T>> losses) {
  return [losses = std::move(losses)](const Lane& lane) { LaunchLosses<T>(losses, lane.stream); };
}

template <typename AnyOp>
Node NodeOfOne(const AnyOp& op, const Binding& binding) {
  return binding.WithElement(
      op.logits, [&]<typename T>() -> Node { return NodeOf<T>({ArgsOf<T>(op, binding)}); });
}

// The tensors of a Loss or an Accuracy that are not the step's.
struct Tensors {
  TensorId logits = kNoTensor, labels = kNoTensor, grad = kNoTensor;
};
Tensors TensorsOf(const Op& op) {
  if (const auto* loss = std::get_if<Loss>(&op)) return {loss->logits, loss->labels, loss->grad};
  if (const auto* accuracy = std::get_if<Accuracy>(&op)) {
    return {accuracy->logits, accuracy->labels, kNoTensor};
  }
  return {};
}

// Whether one's gradient lies on what the other uses.
bool Disturb(const Tensors& a, const Tensors& b, const Binding& binding) {
  return Overlap(a.grad, b.logits, binding) || Overlap(a.grad, b.labels, binding) ||
         Overlap(a.grad, b.grad, binding) || Overlap(b.grad, a.logits, binding) ||
         Overlap(b.grad, a.labels, binding);
}

}  // namespace

size_t JoinableLosses(std::span<const PhaseOp> ops, const Binding& binding) {
  std::vector<Tensors> joined;
  for (const PhaseOp& op : ops.first(std::min<size_t>(ops.size(), kMaxLosses))) {
    const Tensors next = TensorsOf(op.op);
    if (next.logits == kNoTensor) break;
    const bool fits = std::all_of(joined.begin(), joined.end(), [&](const Tensors& other) {
      return binding.info(next.logits).dtype == binding.info(other.logits).dtype &&
             !Disturb(next, other, binding);
    });
    if (!fits) break;
    joined.push_back(next);
  }
  return joined.size();
}

template <typename T>
std::vector<LossArgs<T>> LossArgsOf(std::span<const PhaseOp> ops, const Binding& binding) {
  std::vector<LossArgs<T>> losses;
  for (const PhaseOp& op : ops) {
    const auto* loss = std::get_if<Loss>(&op.op);
    losses.push_back(loss != nullptr ? ArgsOf<T>(*loss, binding)
                                     : ArgsOf<T>(std::get<Accuracy>(op.op), binding));
  }
  return losses;
}
template std::vector<LossArgs<float>> LossArgsOf(std::span<const PhaseOp>, const Binding&);
template std::vector<LossArgs<bf16>> LossArgsOf(std::span<const PhaseOp>, const Binding&);

Node MakeLossesNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace&) {
  NUMERAL_CHECK(!ops.empty() && JoinableLosses(ops, binding) == ops.size());
  return binding.WithElement(TensorsOf(ops[0].op).logits, [&]<typename T>() -> Node {
    return NodeOf<T>(LossArgsOf<T>(ops, binding));
  });
}

Node MakeNode(const Loss& op, const Binding& binding, Workspace&) { return NodeOfOne(op, binding); }

Node MakeNode(const Accuracy& op, const Binding& binding, Workspace&) {
  return NodeOfOne(op, binding);
}

Node MakeNode(const SquaredError& op, const Binding& binding, Workspace& workspace) {
  const int64_t elems = binding.info(op.prediction).elems();
  NUMERAL_CHECK(elems > 0 && binding.info(op.target).elems() == elems);
  NUMERAL_CHECK(binding.info(op.grad).elems() == elems);
  workspace.Reserve(kSquaredErrorPartials * sizeof(double));
  workspace.ReserveBlockCounters(1);
  return binding.WithElement(op.prediction, [&]<typename T>() -> Node {
    const SquaredErrorArgs<T> bound{binding.Activation<T>(op.prediction),
                                    binding.Activation<T>(op.target),
                                    binding.Activation<T>(op.grad),
                                    elems,
                                    PlaceOf(op, binding),
                                    nullptr,
                                    nullptr};
    return [bound](const Lane& lane) {
      SquaredErrorArgs<T> args = bound;
      args.partials = lane.scratch<double>();
      args.counter = lane.block_counters;
      LaunchSquaredError(args, lane.stream);
    };
  });
}

}  // namespace numeral::cuda
