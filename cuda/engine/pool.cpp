// Max pooling, by windows and of whole images.
#include "cuda/engine/nodes.h"
#include "cuda/kernels/global_max_pool.h"
#include "cuda/kernels/max_pool.h"

namespace numeral::cuda {
namespace {

// `argmax` may be kNoTensor.
PoolSizes SizesOf(const Binding& binding, const PoolGeometry& window, TensorId image,
                  TensorId pooled, TensorId argmax) {
  const TensorInfo &large = binding.info(image), &small = binding.info(pooled);
  NUMERAL_CHECK(large.rows == small.rows && large.shape.c == small.shape.c);
  NUMERAL_CHECK(argmax == kNoTensor || binding.info(argmax).elems() == small.elems());
  return {window,        large.rows,    large.shape.h, large.shape.w,
          small.shape.h, small.shape.w, large.shape.c};
}

void CheckGlobal(const Binding& binding, TensorId image, TensorId pooled, TensorId argmax) {
  const TensorInfo &large = binding.info(image), &small = binding.info(pooled);
  NUMERAL_CHECK(large.rows == small.rows && large.shape.c == small.shape.Elems());
  NUMERAL_CHECK(argmax == kNoTensor || binding.info(argmax).elems() == small.elems());
}

}  // namespace

Node MakeNode(const MaxPoolForward& op, const Binding& binding, Workspace&) {
  const PoolSizes sizes = SizesOf(binding, op.geometry, op.x, op.y, op.argmax);
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    const MaxPoolForwardArgs<T> args{sizes, binding.Activation<T>(op.x),
                                     binding.Activation<T>(op.y), binding.I32(op.argmax)};
    return [args](const Lane& lane) { LaunchMaxPoolForward(args, lane.stream); };
  });
}

Node MakeNode(const MaxPoolBackward& op, const Binding& binding, Workspace&) {
  const PoolSizes sizes = SizesOf(binding, op.geometry, op.grad_x, op.grad_y, op.argmax);
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Node {
    const MaxPoolBackwardArgs<T> args{sizes, binding.Activation<T>(op.grad_y),
                                      binding.I32(op.argmax), binding.Activation<T>(op.grad_x),
                                      op.mode};
    return [args](const Lane& lane) { LaunchMaxPoolBackward(args, lane.stream); };
  });
}

Node MakeNode(const GlobalMaxPoolForward& op, const Binding& binding, Workspace&) {
  CheckGlobal(binding, op.x, op.y, op.argmax);
  const TensorInfo& x = binding.info(op.x);
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    const GlobalMaxPoolForwardArgs<T> args{x.rows,
                                           x.shape.Pixels(),
                                           x.shape.c,
                                           binding.Activation<T>(op.x),
                                           binding.Activation<T>(op.y),
                                           binding.I32(op.argmax)};
    return [args](const Lane& lane) { LaunchGlobalMaxPoolForward(args, lane.stream); };
  });
}

Node MakeNode(const GlobalMaxPoolBackward& op, const Binding& binding, Workspace&) {
  CheckGlobal(binding, op.grad_x, op.grad_y, op.argmax);
  const TensorInfo& grad_x = binding.info(op.grad_x);
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Node {
    const GlobalMaxPoolBackwardArgs<T> args{grad_x.rows,
                                            grad_x.shape.Pixels(),
                                            grad_x.shape.c,
                                            binding.Activation<T>(op.grad_y),
                                            binding.I32(op.argmax),
                                            binding.Activation<T>(op.grad_x),
                                            op.mode};
    return [args](const Lane& lane) { LaunchGlobalMaxPoolBackward(args, lane.stream); };
  });
}

}  // namespace numeral::cuda
