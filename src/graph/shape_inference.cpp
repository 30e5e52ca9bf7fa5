#include "graph/shape_inference.h"

#include <algorithm>

#include "util/error.h"

namespace numeral {
namespace {

constexpr int64_t kMaxElems = int64_t{1} << 26;  // per sample

// One dimension of "same": how much padding and how it is split.
std::array<int, 2> SamePadding(int size, int kernel, int stride) {
  const int outputs = (size + stride - 1) / stride;
  const int total = std::max((outputs - 1) * stride + kernel - size, 0);
  return {total / 2, total - total / 2};
}

class Inference {
 public:
  Inference(const std::vector<Shape>& inputs, const std::string& where)
      : inputs_(inputs), in_(inputs[0]), where_(where) {}

  Shape operator()(const DenseSpec& op) const {
    if (in_.spatial) Refuse("takes flat features", "put a flatten layer before it");
    return Shape::Flat(op.units);
  }

  Shape operator()(const ConvSpec& op) const {
    NeedImage();
    const auto pad = ResolvePadding(op.padding, op.kernel, op.stride, in_.h, in_.w);
    const int h = in_.h + pad[0] + pad[1] - op.kernel[0];
    const int w = in_.w + pad[2] + pad[3] - op.kernel[1];
    if (h < 0 || w < 0) {
      BadInput("{}: kernel {}x{} is larger than the padded input {}x{} (input {})", where_,
               op.kernel[0], op.kernel[1], in_.h + pad[0] + pad[1], in_.w + pad[2] + pad[3],
               ToString(in_));
    }
    return Shape::Spatial(h / op.stride[0] + 1, w / op.stride[1] + 1, op.filters);
  }

  Shape operator()(const ConvTransposeSpec& op) const {
    NeedImage();
    const std::array<int64_t, 2> in{in_.h, in_.w};
    std::array<int64_t, 2> out{};
    for (size_t d = 0; d < 2; ++d) {
      const int64_t full = (in[d] - 1) * op.stride[d] + op.kernel[d];
      const int pads = op.padding.amount[2 * d] + op.padding.amount[2 * d + 1];
      switch (op.padding.kind) {
        case Padding::Kind::kSame:
          out[d] = in[d] * op.stride[d];
          break;
        case Padding::Kind::kValid:
          out[d] = full;
          break;
        case Padding::Kind::kExplicit:
          out[d] = full - pads + op.output_padding[d];
          break;
      }
      if (out[d] < 1) {
        BadInput("{}: padding {} leaves nothing of the {} pixels that input {} gives", where_, pads,
                 full, ToString(in_));
      }
    }
    return Spatial(out[0], out[1], op.filters);
  }

  Shape operator()(const ReshapeSpec& op) const {
    if (in_.spatial) Refuse("takes flat features", "put a flatten layer before it");
    if (op.shape.Elems() != in_.Elems()) {
      BadInput("{}: {} has {} elements, the input {} has {}", where_, ToString(op.shape),
               op.shape.Elems(), ToString(in_), in_.Elems());
    }
    return op.shape;
  }
  Shape operator()(const FlattenSpec&) const { return Shape::Flat(static_cast<int>(in_.Elems())); }

  Shape operator()(const MaxPoolSpec& op) const {
    NeedImage();
    const int h = in_.h + op.padding[0] + op.padding[1] - op.kernel[0];
    const int w = in_.w + op.padding[2] + op.padding[3] - op.kernel[1];
    if (h < 0 || w < 0) {
      BadInput("{}: window {}x{} is larger than the input {}", where_, op.kernel[0], op.kernel[1],
               ToString(in_));
    }
    return Shape::Spatial(h / op.stride[0] + 1, w / op.stride[1] + 1, in_.c);
  }
  Shape operator()(const GlobalMaxPoolSpec&) const {
    NeedImage();
    return Shape::Flat(in_.c);
  }
  Shape operator()(const UpsampleSpec& op) const {
    NeedImage();
    return Spatial(int64_t{in_.h} * op.factor, int64_t{in_.w} * op.factor, in_.c);
  }
  Shape operator()(const PixelShuffleSpec& op) const {
    NeedImage();
    const int square = op.factor * op.factor;
    if (in_.c % square != 0) {
      BadInput("{}: the {} channels of input {} are no multiple of factor^2 = {}", where_, in_.c,
               ToString(in_), square);
    }
    return Spatial(int64_t{in_.h} * op.factor, int64_t{in_.w} * op.factor, in_.c / square);
  }

  Shape operator()(const ConcatSpec&) const {
    int64_t channels = in_.c;
    for (size_t i = 1; i < inputs_.size(); ++i) {
      const Shape& other = inputs_[i];
      if (other.spatial != in_.spatial || other.h != in_.h || other.w != in_.w) {
        BadInput("{}: cannot concatenate {} and {} along channels: the pixels differ", where_,
                 ToString(in_), ToString(other));
      }
      channels += other.c;
    }
    Shape out = Spatial(in_.h, in_.w, channels);
    out.spatial = in_.spatial;
    return out;
  }
  Shape operator()(const MultiplySpec&) const {
    if (inputs_.size() != 2) {
      BadInput("{}: multiply takes two inputs, not {}; chain layers for more", where_,
               inputs_.size());
    }
    return Binary();
  }
  Shape operator()(const AddSpec&) const { return Binary(); }

  // Batch norm, activations, dropout.
  template <typename Elementwise>
  Shape operator()(const Elementwise&) const {
    return in_;
  }

 private:
  [[noreturn]] void Refuse(const char* wants, const char* advice) const {
    BadInput("{}: {}, the input is {}; {}", where_, wants, ToString(in_), advice);
  }
  // Refuses sizes beyond kMaxElems before they are narrowed.
  Shape Spatial(int64_t h, int64_t w, int64_t c) const {
    const bool fits = h <= kMaxElems && w <= kMaxElems && c <= kMaxElems && h * w <= kMaxElems &&
                      h * w * c <= kMaxElems;
    if (!fits) {
      BadInput("{}: the output {}x{}x{} has more than {} elements per sample", where_, h, w, c,
               kMaxElems);
    }
    return Shape::Spatial(static_cast<int>(h), static_cast<int>(w), static_cast<int>(c));
  }
  void NeedImage() const {
    if (!in_.spatial) Refuse("takes an image HxWxC", "put a reshape layer before it");
  }
  Shape Binary() const {
    Shape out = in_;
    for (const Shape& other : inputs_) {
      if (other.spatial) out = other;
    }
    for (const Shape& other : inputs_) {
      const bool gate = out.spatial && !other.spatial && other.c == out.c;
      if (other != out && !gate) {
        BadInput("{}: inputs {} and {} neither have equal shapes nor gate channels", where_,
                 ToString(out), ToString(other));
      }
    }
    return out;
  }

  const std::vector<Shape>& inputs_;
  const Shape& in_;
  const std::string& where_;
};

}  // namespace

std::array<int, 4> ResolvePadding(const Padding& padding, std::array<int, 2> kernel,
                                  std::array<int, 2> stride, int image_h, int image_w) {
  if (padding.kind == Padding::Kind::kValid) return {};
  if (padding.kind == Padding::Kind::kExplicit) return padding.amount;
  const auto vertical = SamePadding(image_h, kernel[0], stride[0]);
  const auto horizontal = SamePadding(image_w, kernel[1], stride[1]);
  return {vertical[0], vertical[1], horizontal[0], horizontal[1]};
}

Shape InferShape(const LayerOp& op, const std::vector<Shape>& inputs, const std::string& where) {
  const Shape shape = std::visit(Inference(inputs, where), op);
  if (shape.Elems() > kMaxElems) {
    BadInput("{}: the output {} has more than {} elements per sample", where, ToString(shape),
             kMaxElems);
  }
  return shape;
}

}  // namespace numeral
