#include "plan/network_pass.h"

#include "graph/orders.h"
#include "graph/shape_inference.h"
#include "util/error.h"

namespace numeral {

Activation ActivationOf(const LayerOp& op) {
  if (const auto* leaky = std::get_if<LeakyReluSpec>(&op)) {
    return {ActivationKind::kLeakyRelu, static_cast<float>(leaky->slope)};
  }
  if (std::holds_alternative<ReluSpec>(op)) return {ActivationKind::kLeakyRelu, 0};
  if (std::holds_alternative<TanhSpec>(op)) return {ActivationKind::kTanh};
  if (std::holds_alternative<SigmoidSpec>(op)) return {ActivationKind::kSigmoid};
  return {};
}

namespace {

template <typename Spec>
ConvGeometry Geometry(const Spec& spec, const Shape& image, const Shape& features, int rows) {
  const auto pad = ResolvePadding(spec.padding, spec.kernel, spec.stride, image.h, image.w);
  return {.n = rows,
          .h = image.h,
          .w = image.w,
          .c = image.c,
          .k = features.c,
          .p = features.h,
          .q = features.w,
          .r = spec.kernel[0],
          .s = spec.kernel[1],
          .stride_h = spec.stride[0],
          .stride_w = spec.stride[1],
          .pad_top = pad[0],
          .pad_left = pad[2],
          .pad_bottom = pad[1],
          .pad_right = pad[3]};
}

}  // namespace

ConvGeometry GeometryOf(const LayerOp& op, const Shape& image, const Shape& features, int rows) {
  if (const auto* conv = std::get_if<ConvSpec>(&op)) return Geometry(*conv, image, features, rows);
  return Geometry(std::get<ConvTransposeSpec>(op), image, features, rows);
}

NetworkPass::NetworkPass(PlanBuilder& builder, const NetworkState& state, const ParamSet& params,
                         PassSettings settings)
    : builder_(builder),
      state_(state),
      params_(params),
      settings_(std::move(settings)),
      units_(MakeUnits(*state.graph, settings_.fuse)) {}

// Reshapes and flattens at the end of the network are views, so what must land in `into` is their
// input.
void NetworkPass::AssignTargets(TensorId into) {
  const Graph& graph = *state_.graph;
  targets_.assign(graph.nodes.size(), kNoTensor);
  if (into == kNoTensor) return;
  int last = static_cast<int>(graph.nodes.size()) - 1;
  targets_[static_cast<size_t>(last)] = into;
  while (std::holds_alternative<ReshapeSpec>(node(last).op) ||
         std::holds_alternative<FlattenSpec>(node(last).op)) {
    const int input = node(last).inputs[0];
    NUMERAL_CHECK(node(input).input < 0);
    if (node(input).order != RequiredOrder(graph, node(last), 0)) return;
    const TensorId view = builder_.View(Name(input), targets_[static_cast<size_t>(last)], 0, rows_,
                                        node(input).shape);
    targets_[static_cast<size_t>(input)] = view;
    last = input;
  }
}

TensorId NetworkPass::Output(int i) {
  const TensorId target = targets_[static_cast<size_t>(i)];
  return target != kNoTensor ? target : builder_.Transient(Name(i), rows_, node(i).shape);
}

TensorId NetworkPass::OrderedInput(const Node& reader, size_t i) {
  const int input = reader.inputs[i];
  const TensorId value = values_[static_cast<size_t>(input)];
  const Node& from = node(input);
  if (from.shape.spatial) return value;
  const FeatureOrder wanted = RequiredOrder(*state_.graph, reader, i);
  if (wanted == from.order) return value;
  const std::string name = fmt::format("{}/{}.input{}", settings_.name, reader.name, i);
  const TensorId moved = builder_.Transient(name, rows_, from.shape);
  builder_.Emit(Permute{value, moved, from.order, wanted, GradientMode::kOverwrite}, name);
  return moved;
}

}  // namespace numeral
