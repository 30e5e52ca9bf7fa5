// Products of dense layers by themselves: a narrow side goes to own kernels, the rest to cuBLASLt.
#include "cuda/engine/nodes.h"
#include "cuda/engine/thin_dense.h"
#include "cuda/kernels/thin_dense.h"

namespace numeral::cuda {
namespace {

Node LibraryNode(ProductPass pass, const DenseShape& shape, bool accumulate, const void* a,
                 const void* b, void* out, Workspace& workspace) {
  const ProductProblem problem{.pass = pass,
                               .n = shape.n,
                               .in = shape.in,
                               .out = shape.out,
                               .mode = workspace.mode(),
                               .accumulate = accumulate,
                               .a_alignment_bytes = AlignmentBytes(a),
                               .b_alignment_bytes = AlignmentBytes(b),
                               .out_alignment_bytes = AlignmentBytes(out)};
  ++workspace.counters().primitives;
  const std::shared_ptr<const Product> product = workspace.libraries().products.Plan(problem);
  workspace.Reserve(product->workspace_bytes());
  return [=](const Lane& lane) { product->Run(a, b, out, lane.scratch(), lane.stream); };
}

}  // namespace

Node MakeNode(const DenseForward& op, const Binding& binding, Workspace& workspace) {
  NUMERAL_CHECK(op.bias == kNoTensor && op.activation == Activation{});
  if (IsThinDense(op.in, op.out)) return MakeThinNode(op, nullptr, binding);
  return LibraryNode(ProductPass::kForward, {op.n, op.in, op.out}, false, binding.Address(op.x),
                     workspace.MatrixOperand(binding, op.weight), binding.Address(op.y), workspace);
}

Node MakeNode(const DenseBackwardData& op, const Binding& binding, Workspace& workspace) {
  if (IsThinDense(op.in, op.out)) return MakeThinNode(op, nullptr, binding);
  return LibraryNode(ProductPass::kBackwardData, {op.n, op.in, op.out}, false,
                     binding.Address(op.grad_y), workspace.MatrixOperand(binding, op.weight),
                     binding.Address(op.grad_x), workspace);
}

Node MakeNode(const DenseBackwardWeight& op, const Binding& binding, Workspace& workspace) {
  if (IsThinDense(op.in, op.out)) return MakeThinNode(op, nullptr, nullptr, binding, workspace);
  return LibraryNode(ProductPass::kBackwardWeight, {op.n, op.in, op.out},
                     op.mode == GradientMode::kAccumulate, binding.Address(op.x),
                     binding.Address(op.grad_y), binding.F32(op.grad_weight), workspace);
}

}  // namespace numeral::cuda
