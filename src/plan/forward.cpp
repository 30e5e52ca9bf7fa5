// Forward ops of every kind of layer.
#include "graph/orders.h"
#include "plan/network_pass.h"
#include "util/error.h"

namespace numeral {

// Emits one unit. Called once per unit through operator() on its layer's spec.
class ForwardUnit {
 public:
  ForwardUnit(NetworkPass& pass, const Unit& unit, NetworkPass::Saved& saved)
      : pass_(pass), unit_(unit), saved_(saved), node_(pass.node(unit.node)) {}

  TensorId operator()(const DenseSpec& op) {
    const Shape& in = InputShape();
    DenseForward dense{pass_.rows_, in.c, op.units, Input(), Param(0), kNoTensor, kNoTensor, {}};
    return Linear(std::move(dense), op.bias, pass_.settings_.dense_epilogue,
                  [](DenseForward& o) -> TensorId& { return o.y; });
  }

  TensorId operator()(const ConvSpec& op) {
    ConvForward conv{GeometryOf(node_.op, InputShape(), node_.shape, pass_.rows_),
                     Input(),
                     Param(0),
                     kNoTensor,
                     kNoTensor,
                     {}};
    return Linear(std::move(conv), op.bias, pass_.settings_.conv_epilogue,
                  [](ConvForward& o) -> TensorId& { return o.features; });
  }

  TensorId operator()(const ConvTransposeSpec& op) {
    ConvBackwardData conv{GeometryOf(node_.op, node_.shape, InputShape(), pass_.rows_), Input(),
                          Param(0), kNoTensor};
    conv.image = LinearOutput(op.bias);
    Emit(conv);
    return Epilogue(conv.image, op.bias);
  }

  TensorId operator()(const BatchNormSpec& op) {
    const TensorId x = Input(), y = pass_.Output(unit_.last);
    const auto epsilon = static_cast<float>(op.epsilon);
    saved_.linear = x;
    if (!pass_.settings_.training) {
      Emit(BatchNormInference{x, Param(0), Param(1), Param(2), Param(3), y, epsilon, Act()});
      return y;
    }
    const Shape channels = Shape::Flat(node_.shape.c);
    saved_.mean = pass_.builder_.Transient(pass_.Name(unit_.node) + ".mean", 1, channels);
    saved_.inv_std = pass_.builder_.Transient(pass_.Name(unit_.node) + ".inv_std", 1, channels);
    Emit(BatchNormForward{x, Param(0), Param(1), y, saved_.mean, saved_.inv_std, Param(2), Param(3),
                          epsilon, static_cast<float>(op.keep), op.unbiased_running_variance,
                          Act()});
    return y;
  }

  TensorId operator()(const ReshapeSpec&) { return Alias(); }
  TensorId operator()(const FlattenSpec&) { return Alias(); }

  TensorId operator()(const MaxPoolSpec& op) {
    const TensorId x = Input(), y = pass_.Output(unit_.last);
    Emit(MaxPoolForward{PoolGeometryOf(op), x, y, Argmax()});
    return y;
  }
  TensorId operator()(const GlobalMaxPoolSpec&) {
    const TensorId x = Input(), y = pass_.Output(unit_.last);
    Emit(GlobalMaxPoolForward{x, y, Argmax()});
    return y;
  }
  TensorId operator()(const UpsampleSpec& op) {
    const TensorId x = Input(), y = pass_.Output(unit_.last);
    Emit(UpsampleForward{op.factor, x, y});
    return y;
  }
  TensorId operator()(const PixelShuffleSpec& op) {
    const TensorId x = Input(), y = pass_.Output(unit_.last);
    Emit(PixelShuffleForward{op.factor, x, y});
    return y;
  }
  TensorId operator()(const ConcatSpec&) {
    ConcatForward concat;
    for (size_t i = 0; i < node_.inputs.size(); ++i) concat.inputs.push_back(Input(i));
    concat.y = pass_.Output(unit_.last);
    const TensorId y = concat.y;
    Emit(std::move(concat));
    return y;
  }
  TensorId operator()(const MultiplySpec&) { return Binary(BinaryKind::kMultiply); }
  TensorId operator()(const AddSpec&) { return Binary(BinaryKind::kAdd); }

  // Activations and dropout that stand alone.
  template <typename Elementwise>
  TensorId operator()(const Elementwise&) {
    return Epilogue(Input(), false);
  }

  static PoolGeometry PoolGeometryOf(const MaxPoolSpec& op) {
    return {op.kernel[0], op.kernel[1], op.stride[0], op.stride[1], op.padding[0], op.padding[2]};
  }

 private:
  TensorId Input(size_t i = 0) { return pass_.OrderedInput(node_, i); }
  const Shape& InputShape() const { return pass_.node(node_.inputs[0]).shape; }
  TensorId Param(size_t i) const {
    return pass_.params_.values[static_cast<size_t>(node_.params[i])];
  }
  void Emit(Op op) { pass_.builder_.Emit(std::move(op), pass_.Name(unit_.last)); }

  TensorId Argmax() {
    if (!pass_.settings_.training) return kNoTensor;
    saved_.argmax = pass_.builder_.Transient(pass_.Name(unit_.node) + ".argmax", pass_.rows_,
                                             node_.shape, DType::kI32);
    return saved_.argmax;
  }

  // The unit's activation: its own layer's when it is one, or the absorbed one.
  Activation Act() const {
    if (unit_.activation >= 0) return ActivationOf(pass_.node(unit_.activation).op);
    return ActivationOf(node_.op);
  }
  float DropoutRate() const {
    if (!pass_.settings_.training) return 0;
    const int i = unit_.dropout >= 0 ? unit_.dropout : unit_.node;
    const auto* dropout = std::get_if<DropoutSpec>(&pass_.node(i).op);
    return dropout ? static_cast<float>(dropout->rate) : 0.0f;
  }
  bool HasEpilogue(bool bias) const {
    return bias || Act().kind != ActivationKind::kIdentity || DropoutRate() > 0;
  }

  // Where a linear op writes: the unit's value, or a tensor of its own that the epilogue reads.
  TensorId LinearOutput(bool bias) {
    if (!HasEpilogue(bias)) return pass_.Output(unit_.last);
    return pass_.builder_.Transient(pass_.Name(unit_.node) + ".linear", pass_.rows_, node_.shape);
  }

  // A product or convolution, with bias and activation inside where the engine takes them.
  template <typename LinearOp, typename OutputField>
  TensorId Linear(LinearOp op, bool bias, bool engine_epilogue, OutputField output) {
    if (engine_epilogue && pass_.settings_.fuse && DropoutRate() == 0) {
      const TensorId y = pass_.Output(unit_.last);
      output(op) = y;
      op.activation = Act();
      if (bias) op.bias = Param(1);
      Emit(std::move(op));
      return y;
    }
    const TensorId linear = LinearOutput(bias);
    output(op) = linear;
    Emit(std::move(op));
    return Epilogue(linear, bias);
  }

  // Bias, activation and dropout after `x`; `x` itself where there is nothing to do.
  TensorId Epilogue(TensorId x, bool bias) {
    const bool stands_alone = !std::holds_alternative<DenseSpec>(node_.op) &&
                              !std::holds_alternative<ConvSpec>(node_.op) &&
                              !std::holds_alternative<ConvTransposeSpec>(node_.op);
    if (!HasEpilogue(bias) && !stands_alone) return x;
    BiasActForward act{
        x,        bias ? Param(1) : kNoTensor, pass_.Output(unit_.last), Act(), DropoutRate(), {},
        kNoTensor};
    if (act.dropout_rate > 0) {
      act.step = pass_.settings_.step;
      const int layer = unit_.dropout >= 0 ? unit_.dropout : unit_.node;
      for (const PassRows& rows : pass_.settings_.rows) {
        act.dropout_rows.push_back(
            {rows.first_row,
             pass_.builder_.Stream(fmt::format("dropout/{}/{}/{}", pass_.state_.graph->name,
                                               pass_.node(layer).name, rows.pass))});
      }
    }
    const TensorId y = act.y;
    Emit(std::move(act));
    return y;
  }

  // Reshape and flatten: the same memory under another shape.
  TensorId Alias() {
    const TensorId target = pass_.targets_[static_cast<size_t>(unit_.node)];
    if (target == kNoTensor) {
      return pass_.builder_.View(pass_.Name(unit_.node), Input(), 0, pass_.rows_, node_.shape);
    }
    // The input was written through the target already, unless its order has to change on the way.
    const int input = node_.inputs[0];
    const FeatureOrder from = pass_.node(input).order;
    const FeatureOrder to = RequiredOrder(*pass_.state_.graph, node_, 0);
    if (from != to) {
      const TensorId flat = pass_.builder_.View(pass_.Name(unit_.node) + ".flat", target, 0,
                                                pass_.rows_, InputShape());
      Emit(Permute{pass_.values_[static_cast<size_t>(input)], flat, from, to,
                   GradientMode::kOverwrite});
    }
    return target;
  }

  // The operand with the unit's shape leads; the others are folded in one by one.
  TensorId Binary(BinaryKind kind) {
    const size_t lead = LeadingOperand(pass_, node_);
    for (size_t i = 0; i < node_.inputs.size(); ++i) saved_.operands.push_back(Input(i));
    TensorId y = saved_.operands[lead];
    size_t left = node_.inputs.size() - 1;
    for (size_t i = 0; i < node_.inputs.size(); ++i) {
      if (i == lead) continue;
      const TensorId out =
          --left == 0 ? pass_.Output(unit_.last)
                      : pass_.builder_.Transient(fmt::format("{}.{}", pass_.Name(unit_.node), i),
                                                 pass_.rows_, node_.shape);
      const bool spread = pass_.node(node_.inputs[i]).shape != node_.shape;
      Emit(BinaryForward{kind, spread, y, saved_.operands[i], out});
      y = out;
    }
    return y;
  }

  static size_t LeadingOperand(const NetworkPass& pass, const Node& node) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (pass.node(node.inputs[i]).shape == node.shape) return i;
    }
    return 0;
  }

  NetworkPass& pass_;
  const Unit& unit_;
  NetworkPass::Saved& saved_;
  const Node& node_;
};

TensorId NetworkPass::Forward(const std::vector<TensorId>& inputs, int rows, TensorId into) {
  NUMERAL_CHECK(inputs.size() == state_.graph->inputs.size());
  rows_ = rows;
  AssignTargets(into);
  values_.assign(state_.graph->nodes.size(), kNoTensor);
  saved_.assign(units_.size(), {});
  for (size_t i = 0; i < inputs.size(); ++i) values_[i] = inputs[i];
  for (size_t u = 0; u < units_.size(); ++u) {
    const Unit& unit = units_[u];
    values_[static_cast<size_t>(unit.last)] =
        std::visit(ForwardUnit(*this, unit, saved_[u]), node(unit.node).op);
  }
  return values_.back();
}

}  // namespace numeral
