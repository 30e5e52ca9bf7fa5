// Optimizer updates and moving averages, each one pass over a whole network, which refreshes the
// bf16 copies of its weights too. Gradients may come in bf16 (rounded_gradients.h).
#include "cuda/engine/update.h"

#include <algorithm>
#include <vector>

#include "cuda/engine/nodes.h"
#include "cuda/engine/overlap.h"
#include "cuda/kernels/adam.h"
#include "cuda/kernels/ema.h"

namespace numeral::cuda {
namespace {

// One update, with the average that it moves, if any.
struct Update {
  const AdamUpdate* adam;
  const EmaUpdate* average = nullptr;

  bool Refreshes(TensorId weight, const Binding& binding) const {
    return Overlap(adam->params, weight, binding) ||
           (average != nullptr && Overlap(average->target, weight, binding));
  }
  bool IsApartFrom(const Op& op, const Binding& binding) const {
    const auto apart = [&](const Op& own) {
      return !Disturbs(own, op, binding) && !Disturbs(op, own, binding);
    };
    return apart(*adam) && (average == nullptr || apart(*average));
  }
};

class JoinedUpdates {
 public:
  // Takes the first ops as far as they fit.
  JoinedUpdates(std::span<const PhaseOp> ops, const Binding& binding) : binding_(binding) {
    for (size_t i = 0; i < ops.size() && Take(ops[i].op); ++i) {
      if (!std::holds_alternative<PrepareWeight>(ops[i].op)) op_count_ = i + 1;
    }
  }

  size_t op_count() const { return op_count_; }
  const std::vector<Update>& updates() const { return updates_; }

 private:
  bool Take(const Op& op) {
    if (const auto* prepare = std::get_if<PrepareWeight>(&op)) {
      return std::any_of(updates_.begin(), updates_.end(), [&](const Update& update) {
        return update.Refreshes(prepare->weight, binding_);
      });
    }
    if (const auto* adam = std::get_if<AdamUpdate>(&op)) {
      if (updates_.size() == kMaxAdams || !IsApart(op, nullptr)) return false;
      updates_.push_back({adam});
      return true;
    }
    const auto* average = std::get_if<EmaUpdate>(&op);
    return average != nullptr && TakeAverage(op, *average);
  }

  bool TakeAverage(const Op& op, const EmaUpdate& average) {
    for (Update& update : updates_) {
      if (update.adam->params != average.source || update.average != nullptr) continue;
      if (Disturbs(op, *update.adam, binding_) || !IsApart(op, &update)) return false;
      update.average = &average;
      return true;
    }
    return false;
  }

  bool IsApart(const Op& op, const Update* own) const {
    return std::all_of(updates_.begin(), updates_.end(), [&](const Update& other) {
      return &other == own || other.IsApartFrom(op, binding_);
    });
  }

  const Binding& binding_;
  std::vector<Update> updates_;
  size_t op_count_ = 0;
};

// Where the update finds gradients that have stayed in bf16.
void AddRoundedGrads(const AdamUpdate& op, const Binding& binding, const Workspace& workspace,
                     AdamArgs& args) {
  args.rounded_grads = workspace.Rounded(binding, op.grads);
  for (const TensorId gradient : workspace.rounded_gradients()) {
    if (binding.plan().Base(gradient) != op.grads) continue;
    const TensorInfo& info = binding.info(gradient);
    args.rounded_ranges[args.rounded_count] = {info.offset_elems, info.offset_elems + info.elems()};
    ++args.rounded_count;
  }
}

AdamArgs ArgsOf(const Update& update, const Binding& binding, const Workspace& workspace) {
  const AdamUpdate& op = *update.adam;
  const int64_t elems = binding.info(op.params).elems();
  for (const TensorId id : {op.grads, op.first_moment, op.second_moment}) {
    NUMERAL_CHECK(binding.info(id).elems() == elems);
  }
  AdamArgs args = {};
  args.spec = op.spec;
  args.period = op.period;
  args.total_updates = op.total_updates;
  args.step = binding.I64(op.step);
  args.grads = binding.F32(op.grads);
  args.params = binding.F32(op.params);
  args.first_moment = binding.F32(op.first_moment);
  args.second_moment = binding.F32(op.second_moment);
  args.elems = elems;
  if (update.average != nullptr) {
    NUMERAL_CHECK(binding.info(update.average->target).elems() == elems);
    args.decay = update.average->decay;
    args.average = binding.F32(update.average->target);
  }
  AddRoundedGrads(op, binding, workspace, args);
  return args;
}

Node NodeOf(const std::vector<Update>& updates, const Binding& binding, Workspace& workspace) {
  struct Bound {
    AdamArgs args;
    TensorId params, average;
  };
  std::vector<Bound> all;
  for (const Update& update : updates) {
    all.push_back({ArgsOf(update, binding, workspace), update.adam->params,
                   update.average != nullptr ? update.average->target : kNoTensor});
  }
  return [all, &binding, &workspace](const Lane& lane) {
    std::vector<AdamArgs> list;
    for (const Bound& bound : all) {
      list.push_back(bound.args);
      list.back().rounded = workspace.Rounded(binding, bound.params);
      if (bound.average != kNoTensor) {
        list.back().rounded_average = workspace.Rounded(binding, bound.average);
      }
    }
    LaunchAdam(list, lane.stream);
  };
}

}  // namespace

size_t JoinableUpdates(std::span<const PhaseOp> ops, const Binding& binding) {
  return JoinedUpdates(ops, binding).op_count();
}

Node MakeUpdatesNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace& workspace) {
  const JoinedUpdates joined(ops, binding);
  NUMERAL_CHECK(!ops.empty() && joined.op_count() == ops.size());
  return NodeOf(joined.updates(), binding, workspace);
}

Node MakeNode(const AdamUpdate& op, const Binding& binding, Workspace& workspace) {
  return NodeOf(std::vector<Update>{Update{&op}}, binding, workspace);
}

Node MakeNode(const EmaUpdate& op, const Binding& binding, Workspace& workspace) {
  const int64_t elems = binding.info(op.target).elems();
  NUMERAL_CHECK(binding.info(op.source).elems() == elems);
  const EmaArgs bound{op.decay, binding.F32(op.source), binding.F32(op.target), nullptr, elems};
  return [bound, target = op.target, &binding, &workspace](const Lane& lane) {
    EmaArgs args = bound;
    args.rounded = workspace.Rounded(binding, target);
    LaunchEma(args, lane.stream);
  };
}

}  // namespace numeral::cuda
