// Products of dense layers: a narrow side goes to own kernels, the rest to cuBLASLt.
#include "cuda/engine/nodes.h"
#include "cuda/kernels/thin_dense.h"

namespace numeral::cuda {
namespace {

const void* WeightOperand(TensorId weight, const Binding& binding, Workspace& workspace) {
  if (workspace.mode() == MatrixMode::kBf16) return workspace.MakeRounded(binding, weight);
  return binding.F32(weight);
}

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
  return [=, &workspace](cudaStream_t stream) {
    product->Run(a, b, out, workspace.scratch(), stream);
  };
}

}  // namespace

Node MakeNode(const DenseForward& op, const Binding& binding, Workspace& workspace) {
  NUMERAL_CHECK(op.bias == kNoTensor && op.activation == Activation{});
  const DenseShape shape{op.n, op.in, op.out};
  if (!IsThinDense(op.in, op.out)) {
    return LibraryNode(ProductPass::kForward, shape, false, binding.Address(op.x),
                       WeightOperand(op.weight, binding, workspace), binding.Address(op.y),
                       workspace);
  }
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    const ThinDenseForwardArgs<T> args{shape, binding.Activation<T>(op.x), binding.F32(op.weight),
                                       binding.Activation<T>(op.y)};
    return [args](cudaStream_t stream) { LaunchThinDenseForward(args, stream); };
  });
}

Node MakeNode(const DenseBackwardData& op, const Binding& binding, Workspace& workspace) {
  const DenseShape shape{op.n, op.in, op.out};
  if (!IsThinDense(op.in, op.out)) {
    return LibraryNode(ProductPass::kBackwardData, shape, false, binding.Address(op.grad_y),
                       WeightOperand(op.weight, binding, workspace), binding.Address(op.grad_x),
                       workspace);
  }
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Node {
    const ThinDenseBackwardDataArgs<T> args{shape, binding.Activation<T>(op.grad_y),
                                            binding.F32(op.weight),
                                            binding.Activation<T>(op.grad_x)};
    return [args](cudaStream_t stream) { LaunchThinDenseBackwardData(args, stream); };
  });
}

Node MakeNode(const DenseBackwardWeight& op, const Binding& binding, Workspace& workspace) {
  const DenseShape shape{op.n, op.in, op.out};
  if (!IsThinDense(op.in, op.out)) {
    return LibraryNode(ProductPass::kBackwardWeight, shape, op.mode == GradientMode::kAccumulate,
                       binding.Address(op.x), binding.Address(op.grad_y),
                       binding.F32(op.grad_weight), workspace);
  }
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
    return [args, &workspace](cudaStream_t stream) {
      ThinDenseBackwardWeightArgs<T> run = args;
      run.scratch = workspace.scratch<float>();
      run.counters = workspace.block_counters();
      LaunchThinDenseBackwardWeight(run, stream);
    };
  });
}

}  // namespace numeral::cuda
