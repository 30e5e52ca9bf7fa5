#include "cpu/elementwise.h"
#include "cpu/products.h"
#include "cpu/thin_conv.h"

namespace numeral::cpu {
namespace {

using Args = std::vector<std::pair<int, dnnl::memory>>;

Kernel RunPrimitive(Workspace& workspace, dnnl::primitive primitive, Args args) {
  ++workspace.counters().primitives;
  return [&workspace, bound = BoundPrimitive(std::move(primitive), std::move(args))] {
    bound.Run(workspace.stream());
  };
}

}  // namespace

Kernel WithActivationPass(Kernel run, const Activation& activation, TensorId tensor,
                          const Binding& binding) {
  Kernel pass =
      MakeKernel(BiasActForward{tensor, kNoTensor, tensor, activation, 0, {}, kNoTensor}, binding);
  return [run = std::move(run), pass = std::move(pass)] {
    run();
    pass();
  };
}

Kernel MakeKernel(const ConvForward& op, const Binding& binding, Workspace& workspace) {
  const ConvGeometry& g = op.geometry;
  const float* image = binding.F32(op.image);
  const float* weight = binding.F32(op.weight);
  const float* bias = binding.F32(op.bias);
  float* features = binding.F32(op.features);
  if (ThinSupports(g)) return MakeThinForward(g, image, weight, bias, op.activation, features);
  if (!LibraryKeepsNan(op.activation)) {
    ConvForward linear = op;
    linear.activation = {};
    return WithActivationPass(MakeKernel(linear, binding, workspace), op.activation, op.features,
                              binding);
  }
  const LibraryConv conv =
      MakeConv(workspace.engine(), ConvDirection::kForward, g, bias != nullptr, op.activation);
  Args args = {
      {DNNL_ARG_SRC, workspace.Bind(conv.image, image)},
      {DNNL_ARG_WEIGHTS, workspace.PackedWeight(op.weight, PlainWeight(g), weight, conv.weight)},
      {DNNL_ARG_DST, workspace.Bind(conv.features, features)},
      {DNNL_ARG_SCRATCHPAD, workspace.Scratch(conv.scratch)}};
  if (bias) args.emplace_back(DNNL_ARG_BIAS, workspace.Bind(conv.bias, bias));
  return RunPrimitive(workspace, conv.primitive, std::move(args));
}

Kernel MakeKernel(const ConvBackwardData& op, const Binding& binding, Workspace& workspace) {
  const ConvGeometry& g = op.geometry;
  const float* features = binding.F32(op.features);
  const float* weight = binding.F32(op.weight);
  float* image = binding.F32(op.image);
  if (ThinSupports(g)) return MakeThinBackwardData(g, features, weight, image);
  const LibraryConv conv = MakeConv(workspace.engine(), ConvDirection::kBackwardData, g, false, {});
  return RunPrimitive(
      workspace, conv.primitive,
      {{DNNL_ARG_DIFF_DST, workspace.Bind(conv.features, features)},
       {DNNL_ARG_WEIGHTS, workspace.PackedWeight(op.weight, PlainWeight(g), weight, conv.weight)},
       {DNNL_ARG_DIFF_SRC, workspace.Bind(conv.image, image)},
       {DNNL_ARG_SCRATCHPAD, workspace.Scratch(conv.scratch)}});
}

Kernel MakeKernel(const ConvBackwardWeight& op, const Binding& binding, Workspace& workspace) {
  const ConvGeometry& g = op.geometry;
  const float* image = binding.F32(op.image);
  const float* features = binding.F32(op.features);
  float* grad_weight = binding.F32(op.grad_weight);
  if (ThinSupports(g)) return MakeThinBackwardWeight(g, image, features, grad_weight, op.mode);
  const LibraryConv conv =
      MakeConv(workspace.engine(), ConvDirection::kBackwardWeight, g, false, {});
  const dnnl::memory::desc plain = PlainWeight(g);
  const bool add = op.mode == GradientMode::kAccumulate;
  const dnnl::memory target = workspace.Bind(plain, grad_weight);
  const bool direct = conv.weight == plain && !add;
  const dnnl::memory packed = direct ? target : workspace.SecondScratch(conv.weight);
  Kernel run = RunPrimitive(workspace, conv.primitive,
                            {{DNNL_ARG_SRC, workspace.Bind(conv.image, image)},
                             {DNNL_ARG_DIFF_DST, workspace.Bind(conv.features, features)},
                             {DNNL_ARG_DIFF_WEIGHTS, packed},
                             {DNNL_ARG_SCRATCHPAD, workspace.Scratch(conv.scratch)}});
  if (direct) return run;
  Kernel unpack = RunPrimitive(workspace, MakeReorder(workspace.engine(), conv.weight, plain, add),
                               {{DNNL_ARG_FROM, packed}, {DNNL_ARG_TO, target}});
  return [&workspace, run = std::move(run), unpack = std::move(unpack)] {
    run();
    unpack();
    ++workspace.counters().reorders;
  };
}

}  // namespace numeral::cpu
