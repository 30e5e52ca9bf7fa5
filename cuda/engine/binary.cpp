// Sums and products of two activations.
#include "cuda/kernels/binary.h"

#include "cuda/engine/nodes.h"
#include "cuda/kernels/convert.h"

namespace numeral::cuda {
namespace {

bool SameSize(const TensorInfo& a, const TensorInfo& b) {
  return a.rows == b.rows && a.shape.Elems() == b.shape.Elems();
}

// Whether `flat` has a number for each image and channel of `images`.
bool IsSpread(const TensorInfo& flat, const TensorInfo& images) {
  return flat.rows == images.rows && flat.shape.Elems() == images.shape.c;
}

}  // namespace

Node MakeNode(const BinaryForward& op, const Binding& binding, Workspace&) {
  const TensorInfo &a = binding.info(op.a), &b = binding.info(op.b);
  NUMERAL_CHECK(SameSize(a, binding.info(op.y)));
  NUMERAL_CHECK(op.spread ? IsSpread(b, a) : SameSize(b, a));
  return binding.WithElement(op.a, [&]<typename T>() -> Node {
    const BinaryArgs<T> args{op.kind,
                             op.spread,
                             binding.Activation<T>(op.a),
                             binding.Activation<T>(op.b),
                             binding.Activation<T>(op.y),
                             a.rows,
                             a.shape.Pixels(),
                             a.shape.c,
                             GradientMode::kOverwrite};
    return [args](const Lane& lane) { LaunchBinary(args, lane.stream); };
  });
}

Node MakeNode(const BinaryBackward& op, const Binding& binding, Workspace&) {
  const TensorInfo &grad_y = binding.info(op.grad_y), &grad_x = binding.info(op.grad_x);
  const bool multiply = op.kind == BinaryKind::kMultiply;
  NUMERAL_CHECK(op.reduce ? IsSpread(grad_x, grad_y) : SameSize(grad_x, grad_y));
  if (multiply) {
    const TensorInfo& other = binding.info(op.other);
    NUMERAL_CHECK(op.spread_other ? IsSpread(other, grad_y) : SameSize(other, grad_y));
    NUMERAL_CHECK(!(op.reduce && op.spread_other));
  }
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Node {
    const T* source = binding.Activation<T>(op.grad_y);
    const T* other = multiply ? binding.Activation<T>(op.other) : nullptr;
    T* target = binding.Activation<T>(op.grad_x);
    const int64_t rows = grad_y.rows, pixels = grad_y.shape.Pixels(), channels = grad_y.shape.c;
    if (op.reduce) {
      const ReducePixelsArgs<T> args{source, other, target, rows, pixels, channels, op.mode};
      return [args](const Lane& lane) { LaunchReducePixels(args, lane.stream); };
    }
    if (!multiply) {
      const ConvertArgs<T, T> args{source, target, grad_y.elems(), op.mode};
      return [args](const Lane& lane) { LaunchConvert(args, lane.stream); };
    }
    const BinaryArgs<T> args{op.kind, op.spread_other, source,   other,  target,
                             rows,    pixels,          channels, op.mode};
    return [args](const Lane& lane) { LaunchBinary(args, lane.stream); };
  });
}

Node MakeNode(const Accumulate& op, const Binding& binding, Workspace&) {
  NUMERAL_CHECK(SameSize(binding.info(op.source), binding.info(op.target)));
  return binding.WithElement(op.source, [&]<typename T>() -> Node {
    const ConvertArgs<T, T> args{binding.Activation<T>(op.source), binding.Activation<T>(op.target),
                                 binding.info(op.source).elems(), GradientMode::kAccumulate};
    return [args](const Lane& lane) { LaunchConvert(args, lane.stream); };
  });
}

}  // namespace numeral::cuda
