// Ops that move elements: other orders of features, upsampling, pixel shuffle, concatenation.
#include "cuda/engine/nodes.h"
#include "cuda/kernels/concat.h"
#include "cuda/kernels/permute.h"
#include "cuda/kernels/pixel_shuffle.h"
#include "cuda/kernels/upsample.h"

namespace numeral::cuda {
namespace {

// That `large` has factor x factor pixels for every one of `small`, and a channel for every
// `channel_factor` of it.
void CheckScaling(const Binding& binding, TensorId small, TensorId large, int factor,
                  int channel_factor) {
  const TensorInfo &from = binding.info(small), &to = binding.info(large);
  NUMERAL_CHECK(from.rows == to.rows && factor > 0);
  NUMERAL_CHECK(to.shape.h == from.shape.h * factor && to.shape.w == from.shape.w * factor);
  NUMERAL_CHECK(from.shape.c == to.shape.c * channel_factor);
}

int64_t LinesOf(const TensorInfo& info) { return info.rows * info.shape.h; }
int64_t PixelsOf(const TensorInfo& info) { return info.rows * info.shape.Pixels(); }

}  // namespace

Node MakeNode(const Permute& op, const Binding& binding, Workspace& workspace) {
  const TensorInfo& info = binding.info(op.x);
  const std::vector<int32_t> source = SourceIndices(op.from, op.to);
  NUMERAL_CHECK(static_cast<int64_t>(source.size()) == info.shape.Elems());
  NUMERAL_CHECK(binding.info(op.y).elems() == info.elems());
  const int32_t* table = workspace.Table(source);
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    const PermuteArgs<T> args{info.rows, info.shape.Elems(),          binding.Activation<T>(op.x),
                              table,     binding.Activation<T>(op.y), op.mode};
    return [args](const Lane& lane) { LaunchPermute(args, lane.stream); };
  });
}

Node MakeNode(const UpsampleForward& op, const Binding& binding, Workspace&) {
  CheckScaling(binding, op.x, op.y, op.factor, 1);
  const TensorInfo& x = binding.info(op.x);
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    const UpsampleForwardArgs<T> args{LinesOf(x),
                                      x.shape.w,
                                      x.shape.c,
                                      op.factor,
                                      binding.Activation<T>(op.x),
                                      binding.Activation<T>(op.y)};
    return [args](const Lane& lane) { LaunchUpsampleForward(args, lane.stream); };
  });
}

Node MakeNode(const UpsampleBackward& op, const Binding& binding, Workspace&) {
  CheckScaling(binding, op.grad_x, op.grad_y, op.factor, 1);
  const TensorInfo& grad_x = binding.info(op.grad_x);
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Node {
    const UpsampleBackwardArgs<T> args{LinesOf(grad_x),
                                       grad_x.shape.w,
                                       grad_x.shape.c,
                                       op.factor,
                                       binding.Activation<T>(op.grad_y),
                                       binding.Activation<T>(op.grad_x),
                                       op.mode};
    return [args](const Lane& lane) { LaunchUpsampleBackward(args, lane.stream); };
  });
}

Node MakeNode(const PixelShuffleForward& op, const Binding& binding, Workspace&) {
  CheckScaling(binding, op.x, op.y, op.factor, op.factor * op.factor);
  const TensorInfo &x = binding.info(op.x), &y = binding.info(op.y);
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    const PixelShuffleForwardArgs<T> args{LinesOf(x),
                                          x.shape.w,
                                          y.shape.c,
                                          op.factor,
                                          binding.Activation<T>(op.x),
                                          binding.Activation<T>(op.y)};
    return [args](const Lane& lane) { LaunchPixelShuffleForward(args, lane.stream); };
  });
}

Node MakeNode(const PixelShuffleBackward& op, const Binding& binding, Workspace&) {
  CheckScaling(binding, op.grad_x, op.grad_y, op.factor, op.factor * op.factor);
  const TensorInfo &grad_x = binding.info(op.grad_x), &grad_y = binding.info(op.grad_y);
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Node {
    const PixelShuffleBackwardArgs<T> args{LinesOf(grad_x),
                                           grad_x.shape.w,
                                           grad_y.shape.c,
                                           op.factor,
                                           binding.Activation<T>(op.grad_y),
                                           binding.Activation<T>(op.grad_x),
                                           op.mode};
    return [args](const Lane& lane) { LaunchPixelShuffleBackward(args, lane.stream); };
  });
}

Node MakeNode(const ConcatForward& op, const Binding& binding, Workspace&) {
  const TensorInfo& y = binding.info(op.y);
  if (op.inputs.size() > kMaxConcatParts) {
    Fail("the CUDA engine joins at most {} tensors at once, not {}: join some of them first",
         kMaxConcatParts, op.inputs.size());
  }
  int64_t channels = 0;
  for (const TensorId input : op.inputs) {
    const TensorInfo& x = binding.info(input);
    NUMERAL_CHECK(x.rows == y.rows && x.shape.h == y.shape.h && x.shape.w == y.shape.w);
    channels += x.shape.c;
  }
  NUMERAL_CHECK(channels == y.shape.c);
  return binding.WithElement(op.y, [&]<typename T>() -> Node {
    ConcatForwardArgs<T> args{};
    for (const TensorId input : op.inputs) {
      args.parts[args.part_count++] = {binding.Activation<T>(input), binding.info(input).shape.c};
    }
    args.pixels = PixelsOf(y);
    args.y = binding.Activation<T>(op.y);
    return [args](const Lane& lane) { LaunchConcatForward(args, lane.stream); };
  });
}

Node MakeNode(const ConcatBackward& op, const Binding& binding, Workspace&) {
  const TensorInfo &grad_y = binding.info(op.grad_y), &grad_x = binding.info(op.grad_x);
  NUMERAL_CHECK(PixelsOf(grad_x) == PixelsOf(grad_y));
  NUMERAL_CHECK(op.first_channel >= 0 && op.first_channel + grad_x.shape.c <= grad_y.shape.c);
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Node {
    const ConcatBackwardArgs<T> args{PixelsOf(grad_x),
                                     grad_x.shape.c,
                                     grad_y.shape.c,
                                     op.first_channel,
                                     binding.Activation<T>(op.grad_y),
                                     binding.Activation<T>(op.grad_x),
                                     op.mode};
    return [args](const Lane& lane) { LaunchConcatBackward(args, lane.stream); };
  });
}

}  // namespace numeral::cuda
