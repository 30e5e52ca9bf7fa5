// Products of dense layers.
#include "cuda/engine/nodes.h"

namespace numeral::cuda {
namespace {

const void* WeightOperand(TensorId weight, const Binding& binding, Workspace& workspace) {
  if (workspace.mode() == MatrixMode::kBf16) return workspace.MakeRounded(binding, weight);
  return binding.F32(weight);
}

Node LibraryNode(ProductProblem problem, const void* a, const void* b, void* out,
                 Workspace& workspace) {
  problem.mode = workspace.mode();
  problem.a_alignment_bytes = AlignmentBytes(a);
  problem.b_alignment_bytes = AlignmentBytes(b);
  problem.out_alignment_bytes = AlignmentBytes(out);
  ++workspace.counters().primitives;
  const std::shared_ptr<const Product> product = workspace.libraries().products.Plan(problem);
  workspace.Reserve(product->workspace_bytes());
  return [=, &workspace](cudaStream_t stream) {
    product->Run(a, b, out, workspace.scratch(), stream);
  };
}

}  // namespace

Node MakeNode(const DenseForward& op, const Binding& binding, Workspace& workspace) {
  NUMERAL_CHECK(op.bias == kNoTensor && op.activation == Activation{});
  return LibraryNode({.pass = ProductPass::kForward, .n = op.n, .in = op.in, .out = op.out},
                     binding.Address(op.x), WeightOperand(op.weight, binding, workspace),
                     binding.Address(op.y), workspace);
}

Node MakeNode(const DenseBackwardData& op, const Binding& binding, Workspace& workspace) {
  return LibraryNode({.pass = ProductPass::kBackwardData, .n = op.n, .in = op.in, .out = op.out},
                     binding.Address(op.grad_y), WeightOperand(op.weight, binding, workspace),
                     binding.Address(op.grad_x), workspace);
}

Node MakeNode(const DenseBackwardWeight& op, const Binding& binding, Workspace& workspace) {
  return LibraryNode({.pass = ProductPass::kBackwardWeight,
                      .n = op.n,
                      .in = op.in,
                      .out = op.out,
                      .accumulate = op.mode == GradientMode::kAccumulate},
                     binding.Address(op.x), binding.Address(op.grad_y), binding.F32(op.grad_weight),
                     workspace);
}

}  // namespace numeral::cuda
