// The attributes of ops as text, for dumps and messages.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plan/plan.h"

namespace numeral {
namespace {

std::string Text(const Activation& activation) {
  switch (activation.kind) {
    case ActivationKind::kIdentity:
      return "";
    case ActivationKind::kLeakyRelu:
      return activation.slope == 0 ? " relu" : fmt::format(" leaky_relu({})", activation.slope);
    case ActivationKind::kTanh:
      return " tanh";
    case ActivationKind::kSigmoid:
      return " sigmoid";
  }
  return "";
}

std::string Text(const ConvGeometry& g) {
  return fmt::format(" {}x{}x{} <> {}x{}x{}, kernel {}x{}, stride {}x{}, pad {},{},{},{}", g.h, g.w,
                     g.c, g.p, g.q, g.k, g.r, g.s, g.stride_h, g.stride_w, g.pad_top, g.pad_bottom,
                     g.pad_left, g.pad_right);
}

std::string Text(const PoolGeometry& g) {
  return fmt::format(" window {}x{}, stride {}x{}, pad {},{}", g.r, g.s, g.stride_h, g.stride_w,
                     g.pad_top, g.pad_left);
}

std::string Text(GradientMode mode) {
  return mode == GradientMode::kAccumulate ? " accumulate" : "";
}

std::string Text(BinaryKind kind) { return kind == BinaryKind::kAdd ? " add" : " multiply"; }

std::string Text(LossKind kind, LossPart part) {
  constexpr const char* kKinds[] = {"bce",           "digit_or_zeros", "softmax",
                                    "least_squares", "hinge",          "cross_entropy"};
  constexpr const char* kParts[] = {"real", "fake", "generator"};
  return fmt::format(" {} {}", kKinds[static_cast<int>(kind)], kParts[static_cast<int>(part)]);
}

struct Describe {
  std::string operator()(const GatherBatch& o) const {
    return fmt::format(" of {} in batches of {}, x*{:.9g}{:+}{}", o.data_count, o.batch_size,
                       o.scale, o.shift,
                       o.max_shift > 0 ? fmt::format(", moved by up to {}", o.max_shift) : "");
  }
  std::string operator()(const GatherPairs& o) const {
    return fmt::format(" of {} in batches of {}", o.data_count, o.batch_size);
  }
  std::string operator()(const DrawLatents& o) const {
    return o.distribution == InputSpec::Distribution::kNormal ? " normal" : " uniform";
  }
  std::string operator()(const DrawDigits& o) const { return fmt::format(" from {}", o.choices); }
  std::string operator()(const ConvForward& o) const {
    return Text(o.geometry) + Text(o.activation);
  }
  std::string operator()(const ConvBackwardData& o) const { return Text(o.geometry); }
  std::string operator()(const ConvBackwardWeight& o) const {
    return Text(o.geometry) + Text(o.mode);
  }
  std::string operator()(const DenseForward& o) const {
    return fmt::format(" {}x{} -> {}{}", o.n, o.in, o.out, Text(o.activation));
  }
  std::string operator()(const DenseBackwardData& o) const {
    return fmt::format(" {}x{} -> {}", o.n, o.out, o.in);
  }
  std::string operator()(const DenseBackwardWeight& o) const {
    return fmt::format(" {}x{} over {}{}", o.out, o.in, o.n, Text(o.mode));
  }
  std::string operator()(const BiasActForward& o) const {
    return Text(o.activation) +
           (o.dropout_rate > 0 ? fmt::format(" dropout({})", o.dropout_rate) : "");
  }
  std::string operator()(const BiasActBackward& o) const {
    return Text(o.activation) +
           (o.dropout_rate > 0 ? fmt::format(" dropout({})", o.dropout_rate) : "") +
           Text(o.bias_mode);
  }
  std::string operator()(const BatchNormForward& o) const {
    return fmt::format(" epsilon {} keep {}{}", o.epsilon, o.keep, Text(o.activation));
  }
  std::string operator()(const BatchNormInference& o) const {
    return fmt::format(" epsilon {}{}", o.epsilon, Text(o.activation));
  }
  std::string operator()(const BatchNormBackward& o) const {
    return Text(o.activation) + Text(o.mode);
  }
  std::string operator()(const BinaryForward& o) const {
    return Text(o.kind) + (o.spread ? " spread" : "");
  }
  std::string operator()(const BinaryBackward& o) const {
    return Text(o.kind) + (o.reduce ? " reduce" : "") + (o.spread_other ? " spread" : "") +
           Text(o.mode);
  }
  std::string operator()(const Permute& o) const { return Text(o.mode); }
  std::string operator()(const MaxPoolForward& o) const { return Text(o.geometry); }
  std::string operator()(const MaxPoolBackward& o) const { return Text(o.geometry) + Text(o.mode); }
  std::string operator()(const GlobalMaxPoolBackward& o) const { return Text(o.mode); }
  std::string operator()(const UpsampleForward& o) const { return fmt::format(" x{}", o.factor); }
  std::string operator()(const UpsampleBackward& o) const {
    return fmt::format(" x{}{}", o.factor, Text(o.mode));
  }
  std::string operator()(const PixelShuffleForward& o) const {
    return fmt::format(" x{}", o.factor);
  }
  std::string operator()(const PixelShuffleBackward& o) const {
    return fmt::format(" x{}{}", o.factor, Text(o.mode));
  }
  std::string operator()(const ConcatBackward& o) const {
    return fmt::format(" from channel {}{}", o.first_channel, Text(o.mode));
  }
  std::string operator()(const Loss& o) const {
    return Text(o.kind, o.part) + fmt::format(" weight {}", o.weight) + (o.add ? " add" : "") +
           (o.relative_to != 0 ? fmt::format(" relative to fake weight {}", o.relative_to) : "");
  }
  std::string operator()(const Accuracy& o) const { return Text(o.kind, o.part); }
  std::string operator()(const AdamUpdate& o) const {
    return fmt::format(" rate {} betas {},{} epsilon {}{}", o.spec.learning_rate, o.spec.beta1,
                       o.spec.beta2, o.spec.epsilon, o.spec.epsilon_hat ? " (hat)" : "");
  }
  std::string operator()(const EmaUpdate& o) const { return fmt::format(" decay {}", o.decay); }
  template <typename NoAttributes>
  std::string operator()(const NoAttributes&) const {
    return "";
  }
};

}  // namespace

std::string Attributes(const Op& op) {
  std::string text = std::visit(Describe(), op);
  if (!text.empty()) text.erase(0, 1);
  return text;
}

}  // namespace numeral
