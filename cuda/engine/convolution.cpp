// Convolutions: one channel on a side goes to own kernels, the rest to cuDNN.
#include <algorithm>

#include "cuda/engine/nodes.h"
#include "cuda/engine/thin_convolution.h"
#include "cuda/kernels/convert.h"
#include "cuda/kernels/thin_conv.h"

namespace numeral::cuda {
namespace {

// Where scratch behind another use of it begins.
size_t AlignUp(size_t bytes) { return (bytes + 255) / 256 * 256; }

std::shared_ptr<const Convolution> Plan(ConvPass pass, const ConvGeometry& geometry,
                                        const ConvPointers& pointers, Workspace& workspace) {
  ++workspace.counters().primitives;
  return workspace.libraries().convolutions.Plan({pass, geometry, workspace.mode()}, pointers,
                                                 workspace.stream());
}

// A convolution whose output is an activation.
Node ActivationNode(ConvPass pass, const ConvGeometry& geometry, const ConvPointers& pointers,
                    Workspace& workspace) {
  const auto convolution = Plan(pass, geometry, pointers, workspace);
  workspace.Reserve(convolution->workspace_bytes());
  return [convolution, pointers](const Lane& lane) {
    convolution->Run(pointers, lane.scratch(), lane.stream);
  };
}

bool IsKeptRounded(TensorId gradient, const Workspace& workspace) {
  const std::vector<TensorId>& kept = workspace.rounded_gradients();
  return std::find(kept.begin(), kept.end(), gradient) != kept.end();
}

// The gradient of a weight by way of scratch, where it is rounded or added to.
template <typename T>
Node StagedWeightGradient(const ConvBackwardWeight& op, ConvPointers pointers, float* grad_weight,
                          int64_t elems, Workspace& workspace) {
  const size_t staged_bytes = AlignUp(static_cast<size_t>(elems) * sizeof(T));
  pointers.weight = nullptr;  // aligned as scratch, which has no address yet
  const auto convolution = Plan(ConvPass::kBackwardWeight, op.geometry, pointers, workspace);
  workspace.Reserve(staged_bytes + convolution->workspace_bytes());
  return [=, mode = op.mode](const Lane& lane) {
    ConvPointers run = pointers;
    run.weight = lane.scratch();
    convolution->Run(run, lane.scratch() + staged_bytes, lane.stream);
    LaunchConvert<T, float>({lane.scratch<T>(), grad_weight, elems, mode}, lane.stream);
  };
}

}  // namespace

Node MakeNode(const ConvForward& op, const Binding& binding, Workspace& workspace) {
  NUMERAL_CHECK(op.bias == kNoTensor && op.activation == Activation{});
  if (ThinConvSupports(op.geometry)) return MakeThinNode(op, nullptr, binding);
  const ConvPointers pointers{binding.Address(op.image),
                              workspace.MatrixOperand(binding, op.weight),
                              binding.Address(op.features)};
  return ActivationNode(ConvPass::kForward, op.geometry, pointers, workspace);
}

Node MakeNode(const ConvBackwardData& op, const Binding& binding, Workspace& workspace) {
  if (ThinConvSupports(op.geometry)) return MakeThinNode(op, nullptr, binding);
  const ConvPointers pointers{binding.Address(op.image),
                              workspace.MatrixOperand(binding, op.weight),
                              binding.Address(op.features)};
  return ActivationNode(ConvPass::kBackwardData, op.geometry, pointers, workspace);
}

Node MakeNode(const ConvBackwardWeight& op, const Binding& binding, Workspace& workspace) {
  if (ThinConvSupports(op.geometry)) return MakeThinNode(op, binding, workspace);
  float* grad_weight = binding.F32(op.grad_weight);
  const int64_t elems = binding.info(op.grad_weight).elems();
  ConvPointers pointers{binding.Address(op.image), grad_weight, binding.Address(op.features)};
  if (IsKeptRounded(op.grad_weight, workspace)) {
    pointers.weight = workspace.Rounded(binding, op.grad_weight);
  } else if (workspace.mode() == MatrixMode::kBf16) {
    return StagedWeightGradient<bf16>(op, pointers, grad_weight, elems, workspace);
  } else if (op.mode == GradientMode::kAccumulate) {
    return StagedWeightGradient<float>(op, pointers, grad_weight, elems, workspace);
  }
  return ActivationNode(ConvPass::kBackwardWeight, op.geometry, pointers, workspace);
}

}  // namespace numeral::cuda
