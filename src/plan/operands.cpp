// What each op reads and writes: the one place that lists operands, used by placement, dumps,
// costs, engines and tests alike.
#include <utility>

#include "plan/plan.h"

namespace numeral {
namespace {

constexpr bool kActivation = true;
constexpr Access R = Access::kRead, W = Access::kWrite, RW = Access::kReadWrite;

Access By(GradientMode mode) { return mode == GradientMode::kAccumulate ? RW : W; }

using List = std::vector<Operand>;

List Of(const AdvanceStep& o) { return {{"step", o.step, RW}}; }
List Of(const GatherBatch& o) {
  return {{"data_images", o.data_images, R},
          {"data_labels", o.data_labels, R},
          {"step", o.step, R},
          {"images", o.images, W, kActivation},
          {"labels", o.labels, W}};
}
List Of(const GatherPairs& o) {
  return {{"data_latents", o.data_latents, R},
          {"data_labels", o.data_labels, R},
          {"step", o.step, R},
          {"latents", o.latents, W, kActivation},
          {"labels", o.labels, W}};
}
List Of(const DrawLatents& o) { return {{"step", o.step, R}, {"out", o.out, W, kActivation}}; }
List Of(const DrawDigits& o) { return {{"step", o.step, R}, {"out", o.out, W}}; }
List Of(const OneHot& o) { return {{"labels", o.labels, R}, {"out", o.out, W, kActivation}}; }
List Of(const DrawTimes& o) { return {{"step", o.step, R}, {"out", o.out, W, kActivation}}; }
List Of(const FlowPath& o) {
  return {{"noise", o.noise, R, kActivation},
          {"latents", o.latents, R, kActivation},
          {"times", o.times, R, kActivation},
          {"place", o.place, W, kActivation},
          {"velocity", o.velocity, W, kActivation}};
}
List Of(const ConvForward& o) {
  return {{"image", o.image, R, kActivation},
          {"weight", o.weight, R},
          {"bias", o.bias, R},
          {"features", o.features, W, kActivation}};
}
List Of(const ConvBackwardData& o) {
  return {{"features", o.features, R, kActivation},
          {"weight", o.weight, R},
          {"image", o.image, W, kActivation}};
}
List Of(const ConvBackwardWeight& o) {
  return {{"image", o.image, R, kActivation},
          {"features", o.features, R, kActivation},
          {"grad_weight", o.grad_weight, By(o.mode)}};
}
List Of(const DenseForward& o) {
  return {{"x", o.x, R, kActivation},
          {"weight", o.weight, R},
          {"bias", o.bias, R},
          {"y", o.y, W, kActivation}};
}
List Of(const DenseBackwardData& o) {
  return {{"grad_y", o.grad_y, R, kActivation},
          {"weight", o.weight, R},
          {"grad_x", o.grad_x, W, kActivation}};
}
List Of(const DenseBackwardWeight& o) {
  return {{"x", o.x, R, kActivation},
          {"grad_y", o.grad_y, R, kActivation},
          {"grad_weight", o.grad_weight, By(o.mode)}};
}
List Of(const PrepareWeight& o) { return {{"weight", o.weight, R}}; }
List Of(const BiasActForward& o) {
  return {{"x", o.x, R, kActivation},
          {"bias", o.bias, R},
          {"step", o.step, R},
          {"y", o.y, W, kActivation}};
}
List Of(const BiasActBackward& o) {
  return {{"y", o.y, R, kActivation},
          {"grad_y", o.grad_y, R, kActivation},
          {"grad_x", o.grad_x, W, kActivation},
          {"grad_bias", o.grad_bias, By(o.bias_mode)}};
}
List Of(const BatchNormForward& o) {
  return {{"x", o.x, R, kActivation},
          {"scale", o.scale, R},
          {"shift", o.shift, R},
          {"y", o.y, W, kActivation},
          {"mean", o.mean, W},
          {"inv_std", o.inv_std, W},
          {"running_mean", o.running_mean, RW},
          {"running_variance", o.running_variance, RW}};
}
List Of(const BatchNormInference& o) {
  return {{"x", o.x, R, kActivation},
          {"scale", o.scale, R},
          {"shift", o.shift, R},
          {"running_mean", o.running_mean, R},
          {"running_variance", o.running_variance, R},
          {"y", o.y, W, kActivation}};
}
List Of(const BatchNormBackward& o) {
  return {{"x", o.x, R, kActivation},
          {"y", o.y, R, kActivation},
          {"grad_y", o.grad_y, R, kActivation},
          {"scale", o.scale, R},
          {"mean", o.mean, R},
          {"inv_std", o.inv_std, R},
          {"grad_x", o.grad_x, W, kActivation},
          {"grad_scale", o.grad_scale, By(o.mode)},
          {"grad_shift", o.grad_shift, By(o.mode)}};
}
List Of(const BinaryForward& o) {
  return {{"a", o.a, R, kActivation}, {"b", o.b, R, kActivation}, {"y", o.y, W, kActivation}};
}
List Of(const BinaryBackward& o) {
  return {{"grad_y", o.grad_y, R, kActivation},
          {"other", o.other, R, kActivation},
          {"grad_x", o.grad_x, By(o.mode), kActivation}};
}
List Of(const Accumulate& o) {
  return {{"source", o.source, R, kActivation}, {"target", o.target, RW, kActivation}};
}
List Of(const Permute& o) {
  return {{"x", o.x, R, kActivation}, {"y", o.y, By(o.mode), kActivation}};
}
List Of(const MaxPoolForward& o) {
  return {{"x", o.x, R, kActivation}, {"y", o.y, W, kActivation}, {"argmax", o.argmax, W}};
}
List Of(const MaxPoolBackward& o) {
  return {{"grad_y", o.grad_y, R, kActivation},
          {"argmax", o.argmax, R},
          {"grad_x", o.grad_x, By(o.mode), kActivation}};
}
List Of(const GlobalMaxPoolForward& o) {
  return {{"x", o.x, R, kActivation}, {"y", o.y, W, kActivation}, {"argmax", o.argmax, W}};
}
List Of(const GlobalMaxPoolBackward& o) {
  return {{"grad_y", o.grad_y, R, kActivation},
          {"argmax", o.argmax, R},
          {"grad_x", o.grad_x, By(o.mode), kActivation}};
}
List Of(const UpsampleForward& o) {
  return {{"x", o.x, R, kActivation}, {"y", o.y, W, kActivation}};
}
List Of(const UpsampleBackward& o) {
  return {{"grad_y", o.grad_y, R, kActivation}, {"grad_x", o.grad_x, By(o.mode), kActivation}};
}
List Of(const PixelShuffleForward& o) {
  return {{"x", o.x, R, kActivation}, {"y", o.y, W, kActivation}};
}
List Of(const PixelShuffleBackward& o) {
  return {{"grad_y", o.grad_y, R, kActivation}, {"grad_x", o.grad_x, By(o.mode), kActivation}};
}
List Of(const ConcatForward& o) {
  List list;
  for (const TensorId input : o.inputs) list.push_back({"input", input, R, kActivation});
  list.push_back({"y", o.y, W, kActivation});
  return list;
}
List Of(const ConcatBackward& o) {
  return {{"grad_y", o.grad_y, R, kActivation}, {"grad_x", o.grad_x, By(o.mode), kActivation}};
}
List Of(const Loss& o) {
  return {{"logits", o.logits, R, kActivation},
          {"labels", o.labels, R},
          {"step", o.step, R},
          {"grad", o.grad, W, kActivation},
          {"metrics", o.metrics, RW}};
}
List Of(const SquaredError& o) {
  return {{"prediction", o.prediction, R, kActivation},
          {"target", o.target, R, kActivation},
          {"step", o.step, R},
          {"grad", o.grad, W, kActivation},
          {"metrics", o.metrics, RW}};
}
List Of(const Accuracy& o) {
  return {{"logits", o.logits, R, kActivation},
          {"labels", o.labels, R},
          {"step", o.step, R},
          {"metrics", o.metrics, RW}};
}
List Of(const AdamUpdate& o) {
  return {{"step", o.step, R},
          {"params", o.params, RW},
          {"grads", o.grads, R},
          {"first_moment", o.first_moment, RW},
          {"second_moment", o.second_moment, RW}};
}
List Of(const Convert& o) { return {{"x", o.x, R, kActivation}, {"y", o.y, W, kActivation}}; }
List Of(const EmaUpdate& o) { return {{"source", o.source, R}, {"target", o.target, RW}}; }

constexpr std::string_view kOpNames[] = {"advance_step",
                                         "gather_batch",
                                         "gather_pairs",
                                         "draw_latents",
                                         "draw_digits",
                                         "one_hot",
                                         "draw_times",
                                         "flow_path",
                                         "conv_forward",
                                         "conv_backward_data",
                                         "conv_backward_weight",
                                         "dense_forward",
                                         "dense_backward_data",
                                         "dense_backward_weight",
                                         "prepare_weight",
                                         "bias_act_forward",
                                         "bias_act_backward",
                                         "batch_norm_forward",
                                         "batch_norm_inference",
                                         "batch_norm_backward",
                                         "binary_forward",
                                         "binary_backward",
                                         "accumulate",
                                         "permute",
                                         "max_pool_forward",
                                         "max_pool_backward",
                                         "global_max_pool_forward",
                                         "global_max_pool_backward",
                                         "upsample_forward",
                                         "upsample_backward",
                                         "pixel_shuffle_forward",
                                         "pixel_shuffle_backward",
                                         "concat_forward",
                                         "concat_backward",
                                         "loss",
                                         "squared_error",
                                         "accuracy",
                                         "adam_update",
                                         "ema_update",
                                         "convert"};
static_assert(std::size(kOpNames) == std::variant_size_v<OpVariant>);

}  // namespace

std::vector<Operand> Operands(const Op& op) {
  List list = std::visit([](const auto& o) { return Of(o); }, op);
  std::erase_if(list, [](const Operand& operand) { return operand.id == kNoTensor; });
  return list;
}

std::string_view OpName(const Op& op) { return kOpNames[op.index()]; }

std::vector<std::pair<TensorId, TensorId>> InPlacePairs(const Op& op) {
  if (const auto* o = std::get_if<BiasActForward>(&op)) return {{o->x, o->y}};
  if (const auto* o = std::get_if<BatchNormInference>(&op)) return {{o->x, o->y}};
  if (const auto* o = std::get_if<BiasActBackward>(&op)) return {{o->grad_y, o->grad_x}};
  if (const auto* o = std::get_if<BatchNormBackward>(&op)) return {{o->grad_y, o->grad_x}};
  return {};
}

}  // namespace numeral
