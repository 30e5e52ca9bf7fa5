#include "cuda/engine/thin_dense.h"

#include "cuda/engine/bias_act.h"
#include "cuda/kernels/thin_dense.h"

namespace numeral::cuda {

Node MakeThinNode(const DenseForward& op, const Op* epilogue, const Binding& binding) {
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    const ThinDenseForwardArgs<T> args{{op.n, op.in, op.out},
                                       binding.Activation<T>(op.x),
                                       binding.F32(op.weight),
                                       binding.Activation<T>(ResultBehind(epilogue, op.y)),
                                       EpilogueOf<T>(epilogue, binding)};
    return [args](const Lane& lane) { LaunchThinDenseForward(args, lane.stream); };
  });
}

Node MakeThinNode(const DenseBackwardData& op, const Op* epilogue, const Binding& binding) {
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Node {
    const ThinDenseBackwardDataArgs<T> args{
        {op.n, op.in, op.out},
        binding.Activation<T>(op.grad_y),
        binding.F32(op.weight),
        binding.Activation<T>(ResultBehind(epilogue, op.grad_x)),
        EpilogueOf<T>(epilogue, binding)};
    return [args](const Lane& lane) { LaunchThinDenseBackwardData(args, lane.stream); };
  });
}

Node MakeThinNode(const DenseBackwardWeight& op, const BiasActBackward* bias,
                  const DenseBackwardData* data, const Binding& binding, Workspace& workspace) {
  const DenseShape shape{op.n, op.in, op.out};
  workspace.Reserve(ThinDenseScratchBytes(shape));
  workspace.ReserveBlockCounters(ThinDenseCounters(shape));
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    ThinDenseBackwardWeightArgs<T> args{.shape = shape,
                                        .x = binding.Activation<T>(op.x),
                                        .grad_y = binding.Activation<T>(op.grad_y),
                                        .grad_weight = binding.F32(op.grad_weight),
                                        .mode = op.mode,
                                        .scratch = nullptr,
                                        .counters = nullptr};
    if (bias != nullptr) {
      args.grad_bias = binding.F32(bias->grad_bias);
      args.bias_mode = bias->bias_mode;
    }
    if (data != nullptr) {
      args.weight = binding.F32(data->weight);
      args.grad_x = binding.Activation<T>(data->grad_x);
    }
    return [args](const Lane& lane) {
      ThinDenseBackwardWeightArgs<T> run = args;
      run.scratch = lane.scratch<float>();
      run.counters = lane.block_counters;
      LaunchThinDenseBackwardWeight(run, lane.stream);
    };
  });
}

}  // namespace numeral::cuda
