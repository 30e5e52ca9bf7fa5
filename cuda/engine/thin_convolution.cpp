#include "cuda/engine/thin_convolution.h"

#include "cuda/engine/bias_act.h"
#include "cuda/kernels/thin_conv.h"

namespace numeral::cuda {

Node MakeThinNode(const ConvForward& op, const Op* epilogue, const Binding& binding) {
  return binding.WithElement(op.image, [&]<typename T>() -> Node {
    const ThinConvForwardArgs<T> args{op.geometry, binding.Activation<T>(op.image),
                                      binding.F32(op.weight),
                                      binding.Activation<T>(ResultBehind(epilogue, op.features)),
                                      EpilogueOf<T>(epilogue, binding)};
    return [args](const Lane& lane) { LaunchThinConvForward(args, lane.stream); };
  });
}

Node MakeThinNode(const ConvBackwardData& op, const Op* epilogue, const Binding& binding) {
  return binding.WithElement(op.features, [&]<typename T>() -> Node {
    const ThinConvBackwardDataArgs<T> args{
        op.geometry, binding.Activation<T>(op.features), binding.F32(op.weight),
        binding.Activation<T>(ResultBehind(epilogue, op.image)), EpilogueOf<T>(epilogue, binding)};
    return [args](const Lane& lane) { LaunchThinConvBackwardData(args, lane.stream); };
  });
}

Node MakeThinNode(const ConvBackwardWeight& op, const Binding& binding, Workspace& workspace) {
  workspace.Reserve(ThinConvScratchBytes(op.geometry));
  return binding.WithElement(op.image, [&]<typename T>() -> Node {
    const ThinConvBackwardWeightArgs<T> args{.geometry = op.geometry,
                                             .image = binding.Activation<T>(op.image),
                                             .features = binding.Activation<T>(op.features),
                                             .grad_weight = binding.F32(op.grad_weight),
                                             .mode = op.mode,
                                             .scratch = nullptr};
    return [args](const Lane& lane) {
      ThinConvBackwardWeightArgs<T> run = args;
      run.scratch = lane.scratch<float>();
      LaunchThinConvBackwardWeight(run, lane.stream);
    };
  });
}

}  // namespace numeral::cuda
