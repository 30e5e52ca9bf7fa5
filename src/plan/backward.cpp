// Gradients, statically: every kind of layer emits the ops of its backward pass, readers first.
#include <functional>

#include "graph/orders.h"
#include "plan/network_pass.h"
#include "util/error.h"

namespace numeral {

// One backward run. Holds the gradient of each node's value while it is being summed over its
// readers.
class BackwardRun {
 public:
  BackwardRun(NetworkPass& pass, const BackwardGoal& goal) : pass_(pass), goal_(goal) {
    const Graph& graph = *pass_.state_.graph;
    grads_.assign(graph.nodes.size(), kNoTensor);
    sparse_.resize(graph.nodes.size());
    needed_.assign(graph.nodes.size(), false);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      bool needed = static_cast<int>(i) == goal_.input || (goal_.params && !node.params.empty());
      for (const int input : node.inputs) needed = needed || needed_[static_cast<size_t>(input)];
      needed_[i] = needed;
    }
  }

  TensorId Run(TensorId grad_output) {
    grads_.back() = grad_output;
    for (size_t u = pass_.units_.size(); u-- > 0;) {
      unit_ = &pass_.units_[u];
      saved_ = &pass_.saved_[u];
      node_ = &pass_.node(unit_->node);
      AddSparse(unit_->last);
      const TensorId grad = grads_[static_cast<size_t>(unit_->last)];
      if (grad == kNoTensor || !needed_[static_cast<size_t>(unit_->last)]) continue;
      grad_ = grad;
      std::visit(*this, node_->op);
    }
    if (goal_.input < 0) return kNoTensor;
    AddSparse(goal_.input);
    return grads_[static_cast<size_t>(goal_.input)];
  }

  void operator()(const DenseSpec& op) {
    const TensorId grad = EpilogueGradient(op.bias);
    const int in = pass_.node(node_->inputs[0]).shape.c;
    if (goal_.params) {
      Emit(DenseBackwardWeight{goal_.rows, in, op.units, Value(node_->inputs[0]), grad,
                               ParamGrad(0), goal_.mode});
    }
    Contribute(0, false, [&](TensorId grad_x, GradientMode) {
      Emit(DenseBackwardData{goal_.rows, in, op.units, grad, Param(0), grad_x});
    });
  }

  void operator()(const ConvSpec& op) {
    const TensorId grad = EpilogueGradient(op.bias);
    const Shape& image = pass_.node(node_->inputs[0]).shape;
    const ConvGeometry geometry = GeometryOf(node_->op, image, node_->shape, goal_.rows);
    if (goal_.params) {
      Emit(ConvBackwardWeight{geometry, Value(node_->inputs[0]), grad, ParamGrad(0), goal_.mode});
    }
    Contribute(0, false, [&](TensorId grad_x, GradientMode) {
      Emit(ConvBackwardData{geometry, grad, Param(0), grad_x});
    });
  }

  void operator()(const ConvTransposeSpec& op) {
    const TensorId grad = EpilogueGradient(op.bias);
    const Shape& features = pass_.node(node_->inputs[0]).shape;
    const ConvGeometry geometry = GeometryOf(node_->op, node_->shape, features, goal_.rows);
    if (goal_.params) {
      Emit(ConvBackwardWeight{geometry, grad, Value(node_->inputs[0]), ParamGrad(0), goal_.mode});
    }
    Contribute(0, false, [&](TensorId grad_x, GradientMode) {
      Emit(ConvForward{geometry, grad, Param(0), kNoTensor, grad_x, {}});
    });
  }

  void operator()(const BatchNormSpec&) {
    if (goal_.rows != pass_.rows_) Fail("internal error: batch norm over part of a batch");
    Contribute(
        0, false,
        [&](TensorId grad_x, GradientMode) {
          Emit(BatchNormBackward{saved_->linear, Value(unit_->last), grad_, Param(0), saved_->mean,
                                 saved_->inv_std, grad_x, goal_.params ? ParamGrad(0) : kNoTensor,
                                 goal_.params ? ParamGrad(1) : kNoTensor, goal_.mode, Act()});
        },
        true);
  }

  void operator()(const ReshapeSpec&) { Alias(); }
  void operator()(const FlattenSpec&) { Alias(); }

  void operator()(const MaxPoolSpec& op) {
    const PoolGeometry geometry{op.kernel[0], op.kernel[1],  op.stride[0],
                                op.stride[1], op.padding[0], op.padding[2]};
    ContributeSparse([geometry, grad = grad_, argmax = Rows(saved_->argmax)](TensorId grad_x,
                                                                             GradientMode mode) {
      return MaxPoolBackward{geometry, grad, argmax, grad_x, mode};
    });
  }
  void operator()(const GlobalMaxPoolSpec&) {
    ContributeSparse(
        [grad = grad_, argmax = Rows(saved_->argmax)](TensorId grad_x, GradientMode mode) {
          return GlobalMaxPoolBackward{grad, argmax, grad_x, mode};
        });
  }
  void operator()(const UpsampleSpec& op) {
    Contribute(0, true, [&](TensorId grad_x, GradientMode mode) {
      Emit(UpsampleBackward{op.factor, grad_, grad_x, mode});
    });
  }
  void operator()(const PixelShuffleSpec& op) {
    Contribute(0, true, [&](TensorId grad_x, GradientMode mode) {
      Emit(PixelShuffleBackward{op.factor, grad_, grad_x, mode});
    });
  }
  void operator()(const ConcatSpec&) {
    int first_channel = 0;
    for (size_t i = 0; i < node_->inputs.size(); ++i) {
      Contribute(i, true, [&](TensorId grad_x, GradientMode mode) {
        Emit(ConcatBackward{first_channel, grad_, grad_x, mode});
      });
      first_channel += pass_.node(node_->inputs[i]).shape.c;
    }
  }
  void operator()(const MultiplySpec&) { Binary(BinaryKind::kMultiply); }
  void operator()(const AddSpec&) { Binary(BinaryKind::kAdd); }

  // Activations and dropout that stand alone.
  template <typename Elementwise>
  void operator()(const Elementwise&) {
    Contribute(0, false, [&](TensorId grad_x, GradientMode) {
      const bool identity = Act().kind == ActivationKind::kIdentity && DropoutRate() == 0;
      Emit(BiasActBackward{identity ? kNoTensor : Value(unit_->last), grad_, grad_x, kNoTensor,
                           Act(), DropoutRate(), GradientMode::kOverwrite});
    });
  }

 private:
  void Emit(Op op) { pass_.builder_.Emit(std::move(op), goal_.name + "/" + node_->name); }

  TensorId Rows(TensorId tensor) const {
    return pass_.builder_.Rows(tensor, goal_.first_row, goal_.rows);
  }
  TensorId Value(int node) const { return Rows(pass_.values_[static_cast<size_t>(node)]); }
  TensorId Param(size_t i) const {
    return pass_.params_.values[static_cast<size_t>(node_->params[i])];
  }
  TensorId ParamGrad(size_t i) const {
    return pass_.state_.grads[static_cast<size_t>(node_->params[i])];
  }
  TensorId NewGrad(const std::string& of, const Shape& shape) {
    return pass_.builder_.Transient(fmt::format("{}/grad/{}", goal_.name, of), goal_.rows, shape);
  }

  Activation Act() const {
    if (unit_->activation >= 0) return ActivationOf(pass_.node(unit_->activation).op);
    return ActivationOf(node_->op);
  }
  float DropoutRate() const {
    const int i = unit_->dropout >= 0 ? unit_->dropout : unit_->node;
    const auto* dropout = std::get_if<DropoutSpec>(&pass_.node(i).op);
    return dropout && pass_.settings_.training ? static_cast<float>(dropout->rate) : 0.0f;
  }

  // From the gradient of a unit's value to that of its product or convolution; the bias's on the
  // way.
  TensorId EpilogueGradient(bool bias) {
    const bool identity = Act().kind == ActivationKind::kIdentity && DropoutRate() == 0;
    const bool bias_grad = bias && goal_.params;
    if (identity && !bias_grad) return grad_;
    // With nothing but a bias to sum, the gradient passes through unchanged.
    const TensorId grad_x = identity ? grad_ : NewGrad(node_->name + ".linear", node_->shape);
    Emit(BiasActBackward{identity ? kNoTensor : Value(unit_->last), grad_, grad_x,
                         bias_grad ? ParamGrad(1) : kNoTensor, Act(), DropoutRate(), goal_.mode});
    return grad_x;
  }

  // Adds to the gradient of input `i`: `emit` writes (or adds, where it can) to the tensor it is
  // given, in the order that this node uses the input in. With `always`, emits even where no
  // gradient of the input is needed, for the parameters' sake.
  void Contribute(size_t i, bool can_accumulate,
                  const std::function<void(TensorId, GradientMode)>& emit, bool always = false) {
    const int input = node_->inputs[i];
    const Node& from = pass_.node(input);
    const std::string name = fmt::format("{}.from.{}.{}", from.name, node_->name, i);
    if (!needed_[static_cast<size_t>(input)]) {
      if (always && goal_.params) emit(NewGrad(name, from.shape), GradientMode::kOverwrite);
      return;
    }
    TensorId& grad = grads_[static_cast<size_t>(input)];
    const bool first = grad == kNoTensor;
    const GradientMode mode = first ? GradientMode::kOverwrite : GradientMode::kAccumulate;
    if (first) grad = NewGrad(from.name, from.shape);
    const FeatureOrder used =
        from.shape.spatial ? FeatureOrder() : RequiredOrder(*pass_.state_.graph, *node_, i);
    if (!from.shape.spatial && used != from.order) {
      const TensorId moved = NewGrad(name, from.shape);
      emit(moved, GradientMode::kOverwrite);
      Emit(Permute{moved, grad, used, from.order, mode});
    } else if (first || can_accumulate) {
      emit(grad, mode);
    } else {
      const TensorId part = NewGrad(name, from.shape);
      emit(part, GradientMode::kOverwrite);
      Emit(Accumulate{part, grad});
    }
  }

  // For gradients that touch few elements of their input: they wait for the input's other readers
  // and are added to theirs, which spares filling a tensor with zeros and adding it up.
  void ContributeSparse(std::function<Op(TensorId, GradientMode)> op) {
    const int input = node_->inputs[0];
    if (!needed_[static_cast<size_t>(input)]) return;
    sparse_[static_cast<size_t>(input)].push_back({goal_.name + "/" + node_->name, std::move(op)});
  }
  void AddSparse(int node) {
    TensorId& grad = grads_[static_cast<size_t>(node)];
    for (const Sparse& sparse : sparse_[static_cast<size_t>(node)]) {
      const bool first = grad == kNoTensor;
      if (first) grad = NewGrad(pass_.node(node).name, pass_.node(node).shape);
      pass_.builder_.Emit(
          sparse.op(grad, first ? GradientMode::kOverwrite : GradientMode::kAccumulate),
          sparse.label);
    }
  }

  // The gradient under the input's shape: a view where the order fits and it is the first part.
  void Alias() {
    const int input = node_->inputs[0];
    const Node& from = pass_.node(input);
    if (!needed_[static_cast<size_t>(input)]) return;
    const TensorId view =
        pass_.builder_.View(fmt::format("{}/grad/{}.as.{}", goal_.name, node_->name, from.name),
                            grad_, 0, goal_.rows, from.shape);
    const bool reordered =
        !from.shape.spatial && RequiredOrder(*pass_.state_.graph, *node_, 0) != from.order;
    TensorId& grad = grads_[static_cast<size_t>(input)];
    if (!reordered && grad == kNoTensor) {
      grad = view;
    } else if (reordered) {
      const bool first = grad == kNoTensor;
      if (first) grad = NewGrad(from.name, from.shape);
      Emit(Permute{view, grad, RequiredOrder(*pass_.state_.graph, *node_, 0), from.order,
                   first ? GradientMode::kOverwrite : GradientMode::kAccumulate});
    } else {
      Emit(Accumulate{view, grad});
    }
  }

  void Binary(BinaryKind kind) {
    for (size_t i = 0; i < node_->inputs.size(); ++i) {
      const bool reduce = pass_.node(node_->inputs[i]).shape != node_->shape;
      TensorId other = kNoTensor;
      bool spread_other = false;
      if (kind == BinaryKind::kMultiply) {
        other = Rows(saved_->operands[1 - i]);
        spread_other = pass_.node(node_->inputs[1 - i]).shape != node_->shape;
      }
      Contribute(i, true, [&](TensorId grad_x, GradientMode mode) {
        Emit(BinaryBackward{kind, reduce, spread_other, grad_, other, grad_x, mode});
      });
    }
  }

  struct Sparse {
    std::string label;
    std::function<Op(TensorId, GradientMode)> op;
  };

  NetworkPass& pass_;
  const BackwardGoal& goal_;
  std::vector<std::vector<Sparse>> sparse_;  // by node: not yet added to its gradient
  std::vector<TensorId> grads_;              // by node
  std::vector<bool> needed_;                 // by node: leads to something the goal asks for
  const Unit* unit_ = nullptr;
  const NetworkPass::Saved* saved_ = nullptr;
  const Node* node_ = nullptr;
  TensorId grad_ = kNoTensor;  // of the unit's value
};

TensorId NetworkPass::Backward(TensorId grad_output, const BackwardGoal& goal) {
  return BackwardRun(*this, goal).Run(grad_output);
}

}  // namespace numeral
