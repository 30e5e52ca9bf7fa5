// Dense layers. The forward product (weights transposed) is oneDNN's matmul, the one case in which
// its sgemm scales badly; the gradients are sgemm, which can add to its target. A handful of
// outputs, such as a discriminator's score, is a dot product per row and bound by reading x.
#include "cpu/activation.h"
#include "cpu/parallel.h"
#include "cpu/products.h"

namespace numeral::cpu {
namespace {

constexpr int kFewOutputs = 16;

float Dot(const float* a, const float* b, int count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

Kernel FewOutputs(const DenseForward& op, const Binding& binding) {
  const float* x = binding.F32(op.x);
  const float* weight = binding.F32(op.weight);
  const float* bias = binding.F32(op.bias);
  float* y = binding.F32(op.y);
  const int64_t work = int64_t{op.n} * op.in * op.out;
  return [=, n = op.n, in = op.in, out = op.out, activation = op.activation] {
    WithActivation(activation, [&](auto activate) {
#pragma omp parallel for schedule(static) if (PaysForThreads(work))
      for (int row = 0; row < n; ++row) {
        const float* from = x + int64_t{row} * in;
        for (int unit = 0; unit < out; ++unit) {
          const float sum = Dot(from, weight + int64_t{unit} * in, in);
          y[int64_t{row} * out + unit] = activate(sum + (bias ? bias[unit] : 0.0f));
        }
      }
    });
  };
}

}  // namespace

Kernel MakeKernel(const DenseForward& op, const Binding& binding, Workspace& workspace) {
  if (op.out < kFewOutputs) return FewOutputs(op, binding);
  if (!LibraryKeepsNan(op.activation)) {
    DenseForward linear = op;
    linear.activation = {};
    return WithActivationPass(MakeKernel(linear, binding, workspace), op.activation, op.y, binding);
  }
  const float* bias = binding.F32(op.bias);
  const LibraryProduct product =
      MakeProduct(workspace.engine(), op.n, op.in, op.out, bias != nullptr, op.activation);
  std::vector<std::pair<int, dnnl::memory>> args = {
      {DNNL_ARG_SRC, workspace.Bind(product.x, binding.F32(op.x))},
      {DNNL_ARG_WEIGHTS, workspace.Bind(product.weight, binding.F32(op.weight))},
      {DNNL_ARG_DST, workspace.Bind(product.y, binding.F32(op.y))},
      {DNNL_ARG_SCRATCHPAD, workspace.Scratch(product.scratch)}};
  if (bias) args.emplace_back(DNNL_ARG_BIAS, workspace.Bind(product.bias, bias));
  ++workspace.counters().primitives;
  return [&workspace, bound = BoundPrimitive(product.primitive, std::move(args))] {
    bound.Run(workspace.stream());
  };
}

Kernel MakeKernel(const DenseBackwardData& op, const Binding& binding, Workspace&) {
  return [grad_y = binding.F32(op.grad_y), weight = binding.F32(op.weight),
          grad_x = binding.F32(op.grad_x), n = op.n, in = op.in,
          out = op.out] { Gemm(false, false, n, in, out, grad_y, weight, 0, grad_x); };
}

Kernel MakeKernel(const DenseBackwardWeight& op, const Binding& binding, Workspace&) {
  const float beta = op.mode == GradientMode::kAccumulate ? 1.0f : 0.0f;
  return [grad_y = binding.F32(op.grad_y), x = binding.F32(op.x),
          grad_weight = binding.F32(op.grad_weight), n = op.n, in = op.in, out = op.out,
          beta] { Gemm(true, false, out, in, n, grad_y, x, beta, grad_weight); };
}

}  // namespace numeral::cpu
