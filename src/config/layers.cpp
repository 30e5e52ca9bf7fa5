// What each kind of layer does: JSON to LayerOp and back.
#include <cstdlib>

#include "config/object_reader.h"
#include "config/sections.h"

namespace numeral::config_detail {
namespace {

// ---- JSON to LayerOp ----------------------------------------------------------------------------
LayerOp ReadDense(const ObjectReader& reader) {
  return DenseSpec{reader.Int("units"), reader.Bool("bias"), reader.Init("weight_init"),
                   reader.Init("bias_init")};
}

LayerOp ReadConv(const ObjectReader& reader) {
  return ConvSpec{reader.Int("filters"),       reader.Size("kernel"), reader.Size("stride"),
                  reader.PaddingOf("padding"), reader.Bool("bias"),   reader.Init("weight_init"),
                  reader.Init("bias_init")};
}

LayerOp ReadConvTranspose(const ObjectReader& reader) {
  const ConvTransposeSpec op{reader.Int("filters"),         reader.Size("kernel"),
                             reader.Size("stride"),         reader.PaddingOf("padding"),
                             reader.Size("output_padding"), reader.Bool("bias"),
                             reader.Init("weight_init"),    reader.Init("bias_init")};
  for (std::size_t side = 0; side < 2; ++side) {
    if (op.output_padding[side] == 0) continue;
    if (op.padding.kind != Padding::Kind::kExplicit) {
      BadValue(reader.At("output_padding"), "needs a padding given in numbers");
    }
    if (op.output_padding[side] >= op.stride[side]) {
      BadValue(reader.At("output_padding"), "{} is not smaller than the stride, {}",
               op.output_padding[side], op.stride[side]);
    }
  }
  return op;
}

LayerOp ReadBatchNorm(const ObjectReader& reader) {
  const bool keras = reader.convention() == Convention::kKeras;
  const double momentum = reader.Number("momentum");
  return BatchNormSpec{reader.Number("epsilon"), keras ? momentum : 1 - momentum, !keras,
                       reader.Init("weight_init"), reader.Init("bias_init")};
}

LayerOp ReadLeakyRelu(const ObjectReader& reader) { return LeakyReluSpec{reader.Number("slope")}; }

LayerOp ReadDropout(const ObjectReader& reader) { return DropoutSpec{reader.Number("rate")}; }

LayerOp ReadReshape(const ObjectReader& reader) { return ReshapeSpec{reader.ShapeOf("shape")}; }

LayerOp ReadMaxPool(const ObjectReader& reader) {
  const auto kernel = reader.Size("kernel");
  const MaxPoolSpec op{kernel, reader.Has("stride") ? reader.Size("stride") : kernel,
                       reader.PoolPadding("padding")};
  for (std::size_t side = 0; side < 4; ++side) {
    // A window that lies in the padding alone would have no maximum.
    if (op.padding[side] >= kernel[side / 2]) {
      BadValue(reader.At("padding"), "{} is not smaller than the kernel, {}", op.padding[side],
               kernel[side / 2]);
    }
  }
  return op;
}

LayerOp ReadUpsample(const ObjectReader& reader) { return UpsampleSpec{reader.Int("factor")}; }

LayerOp ReadPixelShuffle(const ObjectReader& reader) {
  return PixelShuffleSpec{reader.Int("factor")};
}

template <typename Spec>
LayerOp ReadPlain(const ObjectReader&) {
  return Spec{};
}

struct Kind {
  std::string_view type;
  LayerOp (*read)(const ObjectReader&);
};

constexpr Kind kKinds[] = {
    {"dense", ReadDense},
    {"conv", ReadConv},
    {"conv_transpose", ReadConvTranspose},
    {"batch_norm", ReadBatchNorm},
    {"leaky_relu", ReadLeakyRelu},
    {"relu", ReadPlain<ReluSpec>},
    {"tanh", ReadPlain<TanhSpec>},
    {"sigmoid", ReadPlain<SigmoidSpec>},
    {"dropout", ReadDropout},
    {"reshape", ReadReshape},
    {"flatten", ReadPlain<FlattenSpec>},
    {"max_pool", ReadMaxPool},
    {"global_max_pool", ReadPlain<GlobalMaxPoolSpec>},
    {"upsample", ReadUpsample},
    {"pixel_shuffle", ReadPixelShuffle},
    {"concat", ReadPlain<ConcatSpec>},
    {"multiply", ReadPlain<MultiplySpec>},
    {"add", ReadPlain<AddSpec>},
};

// ---- LayerOp to JSON ----------------------------------------------------------------------------
Json WritePadding(const Padding& padding) {
  if (padding.kind == Padding::Kind::kSame) return "same";
  if (padding.kind == Padding::Kind::kValid) return "valid";
  return padding.amount;
}

// The number with the fewest digits that reads back as `keep`: 0.1 rather than 1 - 0.9, which is
// 0.09999999999999998.
double NewShare(double keep) {
  for (int digits = 1; digits < 17; ++digits) {
    const double share = std::strtod(fmt::format("{:.{}g}", 1 - keep, digits).c_str(), nullptr);
    if (1 - share == keep) return share;
  }
  return 1 - keep;
}

class Writer {
 public:
  Writer(Convention convention, Json& json) : convention_(convention), json_(json) {}

  void operator()(const DenseSpec& op) {
    json_["units"] = op.units;
    Weights(op);
  }
  void operator()(const ConvSpec& op) {
    Window(op);
    Weights(op);
  }
  void operator()(const ConvTransposeSpec& op) {
    Window(op);
    json_["output_padding"] = op.output_padding;
    Weights(op);
  }
  void operator()(const BatchNormSpec& op) {
    json_["epsilon"] = op.epsilon;
    json_["momentum"] = convention_ == Convention::kKeras ? op.keep : NewShare(op.keep);
    Inits(op);
  }
  void operator()(const LeakyReluSpec& op) { json_["slope"] = op.slope; }
  void operator()(const DropoutSpec& op) { json_["rate"] = op.rate; }
  void operator()(const ReshapeSpec& op) {
    const Shape& shape = op.shape;
    json_["shape"] = shape.spatial ? Json{shape.h, shape.w, shape.c} : Json::array({shape.c});
  }
  void operator()(const MaxPoolSpec& op) {
    json_["kernel"] = op.kernel;
    json_["stride"] = op.stride;
    json_["padding"] = op.padding;
  }
  void operator()(const UpsampleSpec& op) { json_["factor"] = op.factor; }
  void operator()(const PixelShuffleSpec& op) { json_["factor"] = op.factor; }
  // The remaining kinds have no keys of their own.
  void operator()(const ReluSpec&) {}
  void operator()(const TanhSpec&) {}
  void operator()(const SigmoidSpec&) {}
  void operator()(const FlattenSpec&) {}
  void operator()(const GlobalMaxPoolSpec&) {}
  void operator()(const ConcatSpec&) {}
  void operator()(const MultiplySpec&) {}
  void operator()(const AddSpec&) {}

 private:
  void Window(const auto& op) {
    json_["filters"] = op.filters;
    json_["kernel"] = op.kernel;
    json_["stride"] = op.stride;
    json_["padding"] = WritePadding(op.padding);
  }
  void Weights(const auto& op) {
    json_["bias"] = op.bias;
    Inits(op);
  }
  void Inits(const auto& op) {
    json_["weight_init"] = WriteInit(op.weight_init);
    json_["bias_init"] = WriteInit(op.bias_init);
  }

  Convention convention_;
  Json& json_;
};

}  // namespace

LayerOp ReadLayerOp(const ObjectReader& reader) {
  const std::string& type = reader.ChoiceText("type");
  for (const Kind& kind : kKinds) {
    if (kind.type == type) return kind.read(reader);
  }
  Fail("internal error: no reader for layers of type {}", type);
}

void WriteLayerOp(const LayerOp& op, Convention convention, Json& json) {
  std::visit(Writer(convention, json), op);
}

}  // namespace numeral::config_detail
