#include "cuda/engine/head.h"

#include <algorithm>
#include <vector>

#include "cuda/engine/bias_act.h"
#include "cuda/engine/epilogue.h"
#include "cuda/engine/loss.h"
#include "cuda/engine/overlap.h"
#include "cuda/kernels/head.h"

namespace numeral::cuda {
namespace {

// The ops of a head; nullptr or empty where there is none.
struct Head {
  const BiasActForward* forward = nullptr;
  const DenseForward* dense = nullptr;
  const BiasActForward* bias = nullptr;  // of the dense layer
  std::span<const PhaseOp> losses;
  const BiasActBackward* grad_bias = nullptr;  // left out, and the next
  const DenseBackwardWeight* grad_weight = nullptr;
  const DenseBackwardData* data = nullptr;
  const BiasActBackward* backward = nullptr;
  HeadSize size;

  TensorId logits() const { return bias == nullptr ? dense->y : bias->y; }
  TensorId result() const { return backward == nullptr ? data->grad_x : backward->grad_x; }
};

Head Parse(std::span<const PhaseOp> ops, const Binding& binding) {
  Head head;
  size_t& count = head.size.count;
  const auto next = [&]<typename AnyOp>(const AnyOp*& op) {
    op = count < ops.size() ? std::get_if<AnyOp>(&ops[count].op) : nullptr;
    if (op != nullptr) ++count;
  };
  next(head.forward);
  next(head.dense);
  next(head.bias);
  head.losses = ops.subspan(count, JoinableLosses(ops.subspan(count), binding));
  count += head.losses.size();
  head.size.first_left_out = count;
  next(head.grad_bias);
  next(head.grad_weight);
  head.size.left_out = count - head.size.first_left_out;
  next(head.data);
  next(head.backward);
  return head;
}

Head WithoutBackward(Head head) {
  if (head.backward != nullptr) --head.size.count;
  head.backward = nullptr;
  return head;
}

bool IsForward(const Head& head, const Binding& binding) {
  const DenseForward& dense = *head.dense;
  if (dense.out != 1 || dense.bias != kNoTensor || dense.activation != Activation{}) return false;
  if (head.forward == nullptr) return true;
  return binding.SameMemory(head.forward->y, dense.x) &&
         dense.in % binding.info(head.forward->x).shape.c == 0;
}

bool IsBias(const Head& head, std::span<const PhaseOp> behind, const Binding& binding) {
  if (head.bias == nullptr) return true;
  const BiasActForward& bias = *head.bias;
  return bias.bias != kNoTensor && bias.activation == Activation{} && bias.dropout_rate == 0 &&
         binding.SameMemory(bias.x, head.dense->y) && binding.info(bias.bias).elems() == 1 &&
         Replaces(bias.y, bias.x, behind, binding);
}

// Which of the head's rows the tensor is, if it lies in `whole`.
int FirstRow(TensorId rows, TensorId whole, const Binding& binding) {
  return static_cast<int>((binding.Address(rows) - binding.Address(whole)) /
                          BytesOf(binding.info(whole).dtype));
}
bool IsPart(TensorId rows, TensorId whole, const Binding& binding) {
  const std::byte *begin = binding.Address(rows), *all = binding.Address(whole);
  return begin >= all && begin + binding.info(rows).bytes() <= all + binding.info(whole).bytes();
}

// Losses of parts of the logits, whose gradients are one for every row.
bool AreLosses(const Head& head, const Binding& binding) {
  int64_t fed = 0;
  for (const PhaseOp& op : head.losses) {
    const auto* loss = std::get_if<Loss>(&op.op);
    const TensorId logits = loss != nullptr ? loss->logits : std::get<Accuracy>(op.op).logits;
    const LossKind kind = loss != nullptr ? loss->kind : std::get<Accuracy>(op.op).kind;
    if (OutputsOf(kind) != 1 || !IsPart(logits, head.logits(), binding)) return false;
    if (loss == nullptr || !Overlap(loss->grad, head.data->grad_y, binding)) continue;
    const bool same_rows = IsPart(loss->grad, head.data->grad_y, binding) &&
                           FirstRow(loss->grad, head.data->grad_y, binding) ==
                               FirstRow(logits, head.logits(), binding);
    if (!same_rows) return false;
    fed += binding.info(loss->grad).rows;
  }
  return fed == head.dense->n;
}

// Gradients of the same layer, of all of its rows.
bool AreGradients(const Head& head, const Binding& binding) {
  const DenseForward& dense = *head.dense;
  const DenseBackwardData& data = *head.data;
  const auto same_layer = [&](const auto& op) {
    return op.n == dense.n && op.in == dense.in && op.out == dense.out &&
           binding.SameMemory(op.grad_y, data.grad_y);
  };
  if (!same_layer(data) || !binding.SameMemory(data.weight, dense.weight)) return false;
  if (head.grad_weight != nullptr &&
      (!same_layer(*head.grad_weight) || !binding.SameMemory(head.grad_weight->x, dense.x))) {
    return false;
  }
  return head.grad_bias == nullptr || (IsBiasGradient(*head.grad_bias, binding) &&
                                       binding.SameMemory(head.grad_bias->grad_y, data.grad_y));
}

bool IsBackward(const Head& head, std::span<const PhaseOp> behind, const Binding& binding) {
  if (head.backward == nullptr) return true;
  const BiasActBackward& backward = *head.backward;
  const int channels = binding.info(backward.grad_y).shape.c;
  if (backward.y == kNoTensor || !binding.SameMemory(backward.y, head.dense->x) ||
      !binding.SameMemory(backward.grad_y, head.data->grad_x) || head.dense->in % channels != 0) {
    return false;
  }
  if (head.forward != nullptr && (head.forward->activation != backward.activation ||
                                  binding.info(head.forward->x).shape.c != channels)) {
    return false;
  }
  return Replaces(backward.grad_x, backward.grad_y, behind, binding);
}

// Whether what the head or the ops left out write is not used by others of them but as their
// neighbour's result: blocks do not wait for each other.
bool KeepsApart(const Head& head, const Binding& binding) {
  UsedMemory used;
  const auto add = [&](TensorId id, bool written) { written ? used.Writes(id) : used.Reads(id); };
  add(head.dense->x, head.forward != nullptr);
  if (head.forward != nullptr) {
    if (!binding.SameMemory(head.forward->x, head.dense->x)) add(head.forward->x, false);
    add(head.forward->bias, false);
    add(head.forward->step, false);
  }
  add(head.dense->weight, false);
  if (head.bias != nullptr) add(head.bias->bias, false);
  add(head.logits(), true);
  for (const PhaseOp& op : head.losses) {
    for (const Operand& operand : Operands(op.op)) {
      const bool written = operand.access != Access::kRead;
      if (written || !IsPart(operand.id, head.logits(), binding)) add(operand.id, written);
    }
  }
  add(head.result(), true);
  if (head.backward != nullptr) add(head.backward->grad_bias, true);
  if (head.grad_bias != nullptr) add(head.grad_bias->grad_bias, true);
  if (head.grad_weight != nullptr) add(head.grad_weight->grad_weight, true);
  return used.WritesApart(binding);
}

bool Fits(const Head& head, std::span<const PhaseOp> behind, const Binding& binding) {
  return IsForward(head, binding) && IsBias(head, behind, binding) && AreLosses(head, binding) &&
         AreGradients(head, binding) && IsBackward(head, behind, binding) &&
         KeepsApart(head, binding);
}

// A dense of nullptr where there is no head.
Head HeadOf(std::span<const PhaseOp> ops, const Binding& binding) {
  const Head longest = Parse(ops, binding);
  if (longest.dense == nullptr || longest.losses.empty() || longest.data == nullptr) return {};
  for (const Head& head : {longest, WithoutBackward(longest)}) {
    if (Fits(head, ops.subspan(head.size.count), binding)) return head;
  }
  return {};
}

template <typename T>
HeadArgs<T> ArgsOf(const Head& head, const Binding& binding) {
  HeadArgs<T> args = {};
  args.rows = head.dense->n;
  args.in = head.dense->in;
  if (head.forward != nullptr) {
    args.forward = ArgsOf<T>(*head.forward, binding);
    args.linear = binding.Activation<T>(head.forward->x);
  }
  args.x = binding.Activation<T>(head.dense->x);
  args.weight = binding.F32(head.dense->weight);
  args.bias = head.bias == nullptr ? nullptr : binding.F32(head.bias->bias);
  args.logits = binding.Activation<T>(head.logits());
  for (const LossArgs<T>& loss : LossArgsOf<T>(head.losses, binding)) {
    const T* grads = binding.Activation<T>(head.data->grad_y);
    args.losses.push_back({loss, static_cast<int>(loss.logits - args.logits),
                           loss.grad >= grads && loss.grad < grads + args.rows});
  }
  if (head.backward != nullptr) args.backward = ArgsOf<T>(*head.backward, binding);
  args.grad_x = binding.Activation<T>(head.result());
  return args;
}

}  // namespace

HeadSize SizeOfHead(std::span<const PhaseOp> ops, const Binding& binding) {
  return HeadOf(ops, binding).size;
}

Node MakeHeadNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace& workspace) {
  const Head head = HeadOf(ops, binding);
  NUMERAL_CHECK(head.size.count == ops.size() && head.dense != nullptr);
  const bool sums = head.backward != nullptr && head.backward->grad_bias != kNoTensor;
  const int channels = sums ? binding.info(head.backward->grad_y).shape.c : 0;
  workspace.Reserve(HeadScratchBytes(head.dense->n, channels));
  workspace.ReserveBlockCounters(1);
  return binding.WithElement(head.dense->x, [&]<typename T>() -> Node {
    return [args = ArgsOf<T>(head, binding)](const Lane& lane) {
      HeadArgs<T> run = args;
      run.scratch = lane.memory;
      run.counter = lane.block_counters;
      LaunchHead(run, lane.stream);
    };
  });
}

}  // namespace numeral::cuda
