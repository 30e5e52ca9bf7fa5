// Batch normalisation and its gradient.
#include "cuda/engine/batch_norm.h"

#include "cuda/engine/nodes.h"
#include "cuda/engine/sum_scratch.h"

namespace numeral::cuda {
namespace {

int64_t PixelsOf(const TensorInfo& info) { return info.rows * info.shape.Pixels(); }

// Tensors that must have an element for every channel; kNoTensor has them all.
void CheckChannels(const Binding& binding, int channels, std::initializer_list<TensorId> ids) {
  for (const TensorId id : ids) {
    NUMERAL_CHECK(id == kNoTensor || binding.info(id).elems() == channels);
  }
}

}  // namespace

template <typename T>
BatchNormForwardArgs<T> ArgsOf(const BatchNormForward& op, const Binding& binding) {
  const TensorInfo& x = binding.info(op.x);
  NUMERAL_CHECK(binding.info(op.y).elems() == x.elems());
  CheckChannels(binding, x.shape.c,
                {op.scale, op.shift, op.mean, op.inv_std, op.running_mean, op.running_variance});
  BatchNormForwardArgs<T> args = {};
  args.x = binding.Activation<T>(op.x);
  args.scale = binding.F32(op.scale);
  args.shift = binding.F32(op.shift);
  args.y = binding.Activation<T>(op.y);
  args.mean = binding.F32(op.mean);
  args.inv_std = binding.F32(op.inv_std);
  args.running_mean = binding.F32(op.running_mean);
  args.running_variance = binding.F32(op.running_variance);
  args.rows = PixelsOf(x);
  args.channels = x.shape.c;
  args.epsilon = op.epsilon;
  args.keep = op.keep;
  args.unbiased_running_variance = op.unbiased_running_variance;
  args.activation = op.activation;
  return args;
}
template BatchNormForwardArgs<float> ArgsOf(const BatchNormForward&, const Binding&);
template BatchNormForwardArgs<bf16> ArgsOf(const BatchNormForward&, const Binding&);

Node MakeNode(const BatchNormForward& op, const Binding& binding, Workspace& workspace) {
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    return NodeWithScratch(ArgsOf<T>(op, binding), workspace, LaunchBatchNormForward<T>);
  });
}

Node MakeNode(const BatchNormInference& op, const Binding& binding, Workspace&) {
  const TensorInfo& x = binding.info(op.x);
  NUMERAL_CHECK(binding.info(op.y).elems() == x.elems());
  CheckChannels(binding, x.shape.c, {op.scale, op.shift, op.running_mean, op.running_variance});
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    BatchNormInferenceArgs<T> args = {};
    args.x = binding.Activation<T>(op.x);
    args.scale = binding.F32(op.scale);
    args.shift = binding.F32(op.shift);
    args.running_mean = binding.F32(op.running_mean);
    args.running_variance = binding.F32(op.running_variance);
    args.y = binding.Activation<T>(op.y);
    args.rows = PixelsOf(x);
    args.channels = x.shape.c;
    args.epsilon = op.epsilon;
    args.activation = op.activation;
    return [args](const Lane& lane) { LaunchBatchNormInference(args, lane.stream); };
  });
}

template <typename T>
BatchNormBackwardArgs<T> ArgsOf(const BatchNormBackward& op, const Binding& binding) {
  const TensorInfo& x = binding.info(op.x);
  NUMERAL_CHECK(binding.info(op.grad_y).elems() == x.elems());
  NUMERAL_CHECK(binding.info(op.grad_x).elems() == x.elems());
  NUMERAL_CHECK(op.y == kNoTensor || binding.info(op.y).elems() == x.elems());
  CheckChannels(binding, x.shape.c, {op.scale, op.mean, op.inv_std, op.grad_scale, op.grad_shift});
  BatchNormBackwardArgs<T> args = {};
  args.x = binding.Activation<T>(op.x);
  args.y = binding.Activation<T>(op.y);
  args.grad_y = binding.Activation<T>(op.grad_y);
  args.scale = binding.F32(op.scale);
  args.mean = binding.F32(op.mean);
  args.inv_std = binding.F32(op.inv_std);
  args.grad_x = binding.Activation<T>(op.grad_x);
  args.grad_scale = binding.F32(op.grad_scale);
  args.grad_shift = binding.F32(op.grad_shift);
  args.rows = PixelsOf(x);
  args.channels = x.shape.c;
  args.mode = op.mode;
  args.activation = op.activation;
  return args;
}
template BatchNormBackwardArgs<float> ArgsOf(const BatchNormBackward&, const Binding&);
template BatchNormBackwardArgs<bf16> ArgsOf(const BatchNormBackward&, const Binding&);

Node MakeNode(const BatchNormBackward& op, const Binding& binding, Workspace& workspace) {
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    return NodeWithScratch(ArgsOf<T>(op, binding), workspace, LaunchBatchNormBackward<T>);
  });
}

}  // namespace numeral::cuda
