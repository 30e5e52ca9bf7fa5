#include "cpu/dft_conv.h"
#include "cpu/elementwise.h"
#include "cpu/products.h"
#include "cpu/thin_conv.h"

namespace numeral::cpu {

Kernel RunPrimitive(Workspace& workspace, dnnl::primitive primitive, PrimitiveArgs args) {
  ++workspace.counters().primitives;
  return [&workspace, bound = BoundPrimitive(std::move(primitive), std::move(args))] {
    bound.Run(workspace.stream());
  };
}

Kernel WithBiasActPass(Kernel run, TensorId bias, const Activation& activation, TensorId tensor,
                       const Binding& binding) {
  if (bias == kNoTensor && activation == Activation{}) return run;
  Kernel pass =
      MakeKernel(BiasActForward{tensor, bias, tensor, activation, 0, {}, kNoTensor}, binding);
  return [run = std::move(run), pass = std::move(pass)] {
    run();
    pass();
  };
}

Kernel MakeKernel(const ConvForward& op, const Binding& binding, Workspace& workspace) {
  const ConvGeometry& g = op.geometry;
  const float* weight = binding.F32(op.weight);
  const float* bias = binding.F32(op.bias);
  if (ThinSupports(g)) {
    return binding.WithElement(op.image, [&]<typename T>() -> Kernel {
      return MakeThinForward<T>(g, binding.Activation<T>(op.image), weight, bias, op.activation,
                                binding.Activation<T>(op.features));
    });
  }
  if (DftPays(ConvDirection::kForward, g, binding.info(op.image).dtype)) {
    Kernel linear = binding.WithElement(op.image, [&]<typename T>() -> Kernel {
      return MakeDftForward<T>(g, binding.Activation<T>(op.image), weight,
                               binding.Activation<T>(op.features), workspace);
    });
    return WithBiasActPass(std::move(linear), op.bias, op.activation, op.features, binding);
  }
  if (!LibraryKeepsNan(op.activation)) {
    ConvForward linear = op;
    linear.activation = {};
    return WithBiasActPass(MakeKernel(linear, binding, workspace), kNoTensor, op.activation,
                           op.features, binding);
  }
  const LibraryConv conv = MakeConv(workspace.engine(), ConvDirection::kForward, g,
                                    binding.info(op.image).dtype, bias != nullptr, op.activation);
  PrimitiveArgs args = {
      {DNNL_ARG_SRC, workspace.Bind(conv.image, binding.Address(op.image))},
      {DNNL_ARG_WEIGHTS, workspace.PackedWeight(op.weight, PlainWeight(g), weight, conv.weight)},
      {DNNL_ARG_DST, workspace.Bind(conv.features, binding.Address(op.features))},
      {DNNL_ARG_SCRATCHPAD, workspace.Scratch(conv.scratch)}};
  if (bias) args.emplace_back(DNNL_ARG_BIAS, workspace.Bind(conv.bias, bias));
  return RunPrimitive(workspace, conv.primitive, std::move(args));
}

Kernel MakeKernel(const ConvBackwardData& op, const Binding& binding, Workspace& workspace) {
  const ConvGeometry& g = op.geometry;
  const float* weight = binding.F32(op.weight);
  if (ThinSupports(g)) {
    return binding.WithElement(op.features, [&]<typename T>() -> Kernel {
      return MakeThinBackwardData<T>(g, binding.Activation<T>(op.features), weight,
                                     binding.Activation<T>(op.image));
    });
  }
  if (DftPays(ConvDirection::kBackwardData, g, binding.info(op.features).dtype)) {
    return binding.WithElement(op.features, [&]<typename T>() -> Kernel {
      return MakeDftBackwardData<T>(g, binding.Activation<T>(op.features), weight,
                                    binding.Activation<T>(op.image), workspace);
    });
  }
  const LibraryConv conv = MakeConv(workspace.engine(), ConvDirection::kBackwardData, g,
                                    binding.info(op.features).dtype, false, {});
  return RunPrimitive(
      workspace, conv.primitive,
      {{DNNL_ARG_DIFF_DST, workspace.Bind(conv.features, binding.Address(op.features))},
       {DNNL_ARG_WEIGHTS, workspace.PackedWeight(op.weight, PlainWeight(g), weight, conv.weight)},
       {DNNL_ARG_DIFF_SRC, workspace.Bind(conv.image, binding.Address(op.image))},
       {DNNL_ARG_SCRATCHPAD, workspace.Scratch(conv.scratch)}});
}

}  // namespace numeral::cpu
