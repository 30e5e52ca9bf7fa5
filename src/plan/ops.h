// The operations of a plan: argument structs, no behaviour.
//
// Every engine gives each of them this meaning. Tensors are named by id (plan.h); `n` rows are
// samples, activations are NHWC, everything is fp32 unless said (activations are bf16 where the
// plan's precision is: precision.h). An output is overwritten unless
// its op carries a GradientMode of kAccumulate. Inputs and outputs may not overlap, except where
// "in place" is said: there the plan may give both the same memory. `step` names the counter
// tensor: draws use its value minus one, the index of the running step.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "config/spec.h"
#include "graph/feature_order.h"
#include "util/shape.h"

namespace numeral {

using TensorId = int32_t;
inline constexpr TensorId kNoTensor = -1;

// kIgnore is spelled by not emitting the op, or by kNoTensor for an optional gradient.
enum class GradientMode { kOverwrite, kAccumulate };

enum class ActivationKind { kIdentity, kLeakyRelu, kTanh, kSigmoid };
struct Activation {
  ActivationKind kind = ActivationKind::kIdentity;
  float slope = 0;  // kLeakyRelu; 0 is ReLU
  bool operator==(const Activation&) const = default;
};

// Which stream the dropout mask of the rows from `first_row` on is drawn from. The element index
// counts from that row, so joining two batches into one op changes no draw.
struct DropoutRows {
  int first_row = 0;
  uint32_t stream = 0;
};

// ---- sources
// --------------------------------------------------------------------------------------

// step += 1. First op of the phase that opens a training step.
struct AdvanceStep {
  TensorId step;  // i64 [1]
};

// One batch of the shuffled data set: with s the running step, e = s / steps_per_epoch and
// p = (s % steps_per_epoch) * batch_size, row i is image Permutation(data_count, seed, stream,
// e)[p+i] (util/permutation.h), scaled to value * scale + shift. Where max_shift is not 0, image i
// is moved down and right by ChoiceFromBits(bits of element 2i and 2i+1, 2 * max_shift + 1) -
// max_shift pixels, black coming in.
struct GatherBatch {
  TensorId data_images;  // u8 [data_count] 28x28x1
  TensorId data_labels;  // u8 [data_count]
  TensorId step;
  TensorId images;  // [n] 28x28x1
  TensorId labels;  // i32 [n]
  int64_t data_count;
  int64_t steps_per_epoch;
  int batch_size;  // of a full batch
  float scale, shift;
  uint32_t stream;
  int max_shift = 0;
  uint32_t shift_stream = 0;
};

// The same batch of pairs: row i is latent and label Permutation(...)[p+i].
struct GatherPairs {
  TensorId data_latents;  // f32 [data_count] flat(size)
  TensorId data_labels;   // u8 [data_count]
  TensorId step;
  TensorId latents;  // [n] flat(size)
  TensorId labels;   // i32 [n]
  int64_t data_count;
  int64_t steps_per_epoch;
  int batch_size;  // of a full batch
  uint32_t stream;
};

// util/random.h, element = row * size + feature.
struct DrawLatents {
  TensorId step;
  TensorId out;
  InputSpec::Distribution distribution;
  uint32_t stream;
};

// Uniform over `choices`, element = row.
struct DrawDigits {
  TensorId step;
  TensorId out;  // i32 [n]
  std::vector<int> choices;
  uint32_t stream;
};

struct OneHot {
  TensorId labels;  // i32 [n]
  TensorId out;     // [n] flat(10)
};

// Uniform in (0, 1] (UnitFromBits), element = row.
struct DrawTimes {
  TensorId step;
  TensorId out;  // [n] flat(1)
  uint32_t stream;
};

// A place on the way from noise to a latent, and the velocity there. With a = pi / 2 * time:
// place = cos(a) * noise + sin(a) * latent, velocity = pi / 2 * (cos(a) * latent - sin(a) * noise).
// The trigonometric path of Albergo & Vanden-Eijnden 2023, along which the variance stays the same.
struct FlowPath {
  TensorId noise, latents;  // [n] flat(size)
  TensorId times;           // [n] flat(1)
  TensorId place, velocity;
};

// ---- convolution and products
// -----------------------------------------------------------------------

// A convolution seen from its image side [n] h x w x c and its feature side [n] p x q x k. Weights
// are [k][r][s][c]. Cross-correlation, as in every framework.
struct ConvGeometry {
  int n = 0, h = 0, w = 0, c = 0, k = 0, p = 0, q = 0, r = 0, s = 0;
  int stride_h = 1, stride_w = 1;
  int pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;  // of the image side
  bool operator==(const ConvGeometry&) const = default;
};

// features = act(conv(image, weight) + bias). Forward of conv.
struct ConvForward {
  ConvGeometry geometry;
  TensorId image, weight;
  TensorId bias;  // [k] or kNoTensor
  TensorId features;
  Activation activation;
};
// image = adjoint of the convolution at `features`: backward of conv, forward of conv_transpose.
struct ConvBackwardData {
  ConvGeometry geometry;
  TensorId features, weight, image;
};
struct ConvBackwardWeight {
  ConvGeometry geometry;
  TensorId image, features, grad_weight;
  GradientMode mode;
};

// y[n][out] = act(x[n][in] * weight[out][in]^T + bias).
struct DenseForward {
  int n, in, out;
  TensorId x, weight, bias, y;
  Activation activation;
};
struct DenseBackwardData {
  int n, in, out;
  TensorId grad_y, weight, grad_x;
};
struct DenseBackwardWeight {
  int n, in, out;
  TensorId x, grad_y, grad_weight;
  GradientMode mode;
};

// Refreshes whatever working copies of `weight` an engine keeps (packed, transposed, rounded). The
// plan places one behind every update of a trained weight, before every use of an averaged one, and
// in the phase that follows a host write.
struct PrepareWeight {
  TensorId weight;
};

// ---- elementwise
// ------------------------------------------------------------------------------------

// y = dropout(act(x + bias)). In place. Dropped elements are stored as -0.0 and kept zeros as +0.0,
// so that the sign of zero carries the mask to the backward op.
struct BiasActForward {
  TensorId x;
  TensorId bias;  // [c] or kNoTensor
  TensorId y;
  Activation activation;
  float dropout_rate;
  std::vector<DropoutRows> dropout_rows;  // empty where dropout_rate is 0
  TensorId step;                          // kNoTensor where dropout_rate is 0
};
// grad_x = grad_y * act'(.) * mask / (1 - rate), all read off y; grad_bias = sum over rows and
// pixels. In place. `y` is kNoTensor for identity without dropout.
struct BiasActBackward {
  TensorId y, grad_y, grad_x;
  TensorId grad_bias;  // [c] or kNoTensor
  Activation activation;
  float dropout_rate;
  GradientMode bias_mode;
};

// Training mode. y = act((x - mean) * inv_std * scale + shift) with the batch's biased variance;
// running = keep * running + (1 - keep) * batch. Ioffe & Szegedy 2015.
struct BatchNormForward {
  TensorId x, scale, shift, y;
  TensorId mean, inv_std;                   // [c], kept for the backward op
  TensorId running_mean, running_variance;  // updated
  float epsilon, keep;
  bool unbiased_running_variance;
  Activation activation;
};
struct BatchNormInference {
  TensorId x, scale, shift, running_mean, running_variance, y;  // in place
  float epsilon;
  Activation activation;
};
// In place (grad_y, grad_x).
struct BatchNormBackward {
  TensorId x, y, grad_y, scale, mean, inv_std;
  TensorId grad_x;
  TensorId grad_scale, grad_shift;  // or kNoTensor both
  GradientMode mode;                // of grad_scale and grad_shift
  Activation activation;
};

// y = a op b; with `spread`, b is flat [n][c] and stands for every pixel of a's h x w x c.
enum class BinaryKind { kAdd, kMultiply };
struct BinaryForward {
  BinaryKind kind;
  bool spread;
  TensorId a, b, y;
};
// Gradient of one operand: kAdd: grad_y; kMultiply: grad_y * other. `reduce` sums over the pixels
// (the operand was spread); `spread_other` says that `other` was.
struct BinaryBackward {
  BinaryKind kind;
  bool reduce, spread_other;
  TensorId grad_y;
  TensorId other;  // kNoTensor for kAdd
  TensorId grad_x;
  GradientMode mode;
};

// target += source.
struct Accumulate {
  TensorId source, target;
};

// y[i] = x[j] where stored feature i of `to` and stored feature j of `from` are the same logical
// feature. Its own backward op, with the orders swapped.
struct Permute {
  TensorId x, y;
  FeatureOrder from, to;
  GradientMode mode;
};

// ---- shape changes
// ----------------------------------------------------------------------------------

struct PoolGeometry {
  int r = 0, s = 0, stride_h = 1, stride_w = 1, pad_top = 0, pad_left = 0;
};
// The first maximum in row-major order wins, as in PyTorch; NaN wins over numbers.
struct MaxPoolForward {
  PoolGeometry geometry;
  TensorId x, y;
  TensorId argmax;  // i32, y * w + x of the winner in the input image; kNoTensor in inference
};
struct MaxPoolBackward {
  PoolGeometry geometry;
  TensorId grad_y, argmax, grad_x;
  GradientMode mode;
};
// y[n][c] = max over pixels.
struct GlobalMaxPoolForward {
  TensorId x, y;
  TensorId argmax;  // i32 [n] flat(c): pixel index; kNoTensor in inference
};
struct GlobalMaxPoolBackward {
  TensorId grad_y, argmax, grad_x;
  GradientMode mode;
};
struct UpsampleForward {
  int factor;
  TensorId x, y;
};
struct UpsampleBackward {
  int factor;
  TensorId grad_y, grad_x;
  GradientMode mode;
};
struct PixelShuffleForward {
  int factor;
  TensorId x, y;
};
struct PixelShuffleBackward {
  int factor;
  TensorId grad_y, grad_x;
  GradientMode mode;
};
struct ConcatForward {
  std::vector<TensorId> inputs;
  TensorId y;
};
// Gradient of the input whose channels begin at `first_channel` of y.
struct ConcatBackward {
  int first_channel;
  TensorId grad_y, grad_x;
  GradientMode mode;
};

// ---- losses and updates
// -----------------------------------------------------------------------------

enum class LossPart { kReal, kFake, kGenerator };
// The last two are a classifier's; a latent predictor has kLoss alone.
enum class Metric { kDLoss, kGLoss, kDAccuracyReal, kDAccuracyFake, kLoss, kAccuracy };
inline constexpr int kMetricCount = 6;
inline constexpr double kLeastRelativeLogit = -60;

// value = weight * mean over rows of the per-row loss (spec.h, LossKind); grad = d value / d
// logits. The value is written to (or added to) metrics[(running step) % ring][metric].
//
// With `relative_to`, only of kBce's generator part, grad is a multiple instead: each row's slope
// divided by that of the fake part with weight `relative_to` over the same rows, which is
// -exp(-logit) * weight / relative_to; below kLeastRelativeLogit, where the divisor is no longer a
// number that gradients can be made of, as there.
struct Loss {
  LossKind kind;
  LossPart part;
  float weight;
  float label_smoothing;
  float relative_to;  // 0: grad is the gradient
  TensorId logits;
  TensorId labels;  // i32 [n]; kNoTensor for the one-output losses
  TensorId grad;
  TensorId metrics;
  TensorId step;
  Metric metric;
  bool add;
};
// value = mean over all elements of (prediction - target)^2; grad = d value / d prediction. The
// value is written as that of Loss is.
struct SquaredError {
  TensorId prediction, target, grad;  // equal sizes
  TensorId metrics;
  TensorId step;
  Metric metric;
};
// Share of rows that D judges right: real: one output above its threshold, or for many outputs the
// digit's output the first largest (and, with digit_or_zeros, above 0); fake: below the threshold,
// all ten outputs below 0, or class 10 the largest. `step` may be kNoTensor: row 0 of metrics.
struct Accuracy {
  LossKind kind;
  LossPart part;
  TensorId logits;
  TensorId labels;
  TensorId metrics;
  TensorId step;
  Metric metric;
};

// One update of a whole network, update number t = (running step) / period + 1 of `total_updates`.
struct AdamUpdate {
  AdamSpec spec;
  int64_t period, total_updates;
  TensorId step;
  TensorId params, grads, first_moment, second_moment;  // equal sizes
};
// target = decay * target + (1 - decay) * source.
struct EmaUpdate {
  float decay;
  TensorId source, target;
};

// y = x as y's type: fp32 or bf16, rounded to the nearest, ties to even. The one op whose
// activations may differ in type.
struct Convert {
  TensorId x, y;
};

using OpVariant =
    std::variant<AdvanceStep, GatherBatch, GatherPairs, DrawLatents, DrawDigits, OneHot, DrawTimes,
                 FlowPath, ConvForward, ConvBackwardData, ConvBackwardWeight, DenseForward,
                 DenseBackwardData, DenseBackwardWeight, PrepareWeight, BiasActForward,
                 BiasActBackward, BatchNormForward, BatchNormInference, BatchNormBackward,
                 BinaryForward, BinaryBackward, Accumulate, Permute, MaxPoolForward,
                 MaxPoolBackward, GlobalMaxPoolForward, GlobalMaxPoolBackward, UpsampleForward,
                 UpsampleBackward, PixelShuffleForward, PixelShuffleBackward, ConcatForward,
                 ConcatBackward, Loss, SquaredError, Accuracy, AdamUpdate, EmaUpdate, Convert>;

// Copying, moving and destroying forty alternatives is much to compile: it is done in ops.cpp
// alone, not in every file that handles an op.
struct Op : OpVariant {
  template <typename T>
  requires(!std::derived_from<std::remove_cvref_t<T>, OpVariant>) Op(T&& op)
      : OpVariant(std::in_place_type<std::remove_cvref_t<T>>, std::forward<T>(op)) {}
  Op();
  Op(const Op& other);
  Op(Op&& other) noexcept;
  Op& operator=(const Op& other);
  Op& operator=(Op&& other) noexcept;
  ~Op();
};

}  // namespace numeral
