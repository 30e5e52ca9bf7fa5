// Dense layers. In fp32, the forward product (weights transposed) is oneDNN's matmul, the one case
// in which its sgemm scales badly; the gradients are sgemm, which can add to its target. In bf16
// all three are matmuls, with one rounded copy of the weights. A handful of outputs, such as a
// discriminator's score, is a dot product per row and bound by reading x.
#include "cpu/activation.h"
#include "cpu/parallel.h"
#include "cpu/products.h"

namespace numeral::cpu {
namespace {

constexpr int kFewOutputs = 16;

template <typename T>
float Dot(const T* a, const float* b, int count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

template <typename T>
Kernel FewOutputs(const DenseForward& op, const Binding& binding) {
  const T* x = binding.Activation<T>(op.x);
  const float* weight = binding.F32(op.weight);
  const float* bias = binding.F32(op.bias);
  T* y = binding.Activation<T>(op.y);
  const int64_t work = int64_t{op.n} * op.in * op.out;
  return [=, n = op.n, in = op.in, out = op.out, activation = op.activation] {
    WithActivation(activation, [&](auto activate) {
#pragma omp parallel for schedule(static) if (PaysForThreads(work))
      for (int row = 0; row < n; ++row) {
        const T* from = x + int64_t{row} * in;
        for (int unit = 0; unit < out; ++unit) {
          const float sum = Dot(from, weight + int64_t{unit} * in, in);
          y[int64_t{row} * out + unit] = activate(sum + (bias ? bias[unit] : 0.0f));
        }
      }
    });
  };
}

// Operands of a product and its result.
struct Place {
  const void *a, *b;
  const float* bias;
  void* result;
};

Kernel Multiply(const ProductSpec& spec, const Place& place, Workspace& workspace) {
  const LibraryProduct product = MakeProduct(workspace.engine(), spec);
  PrimitiveArgs args = {{DNNL_ARG_SRC, workspace.Bind(product.a, place.a)},
                        {DNNL_ARG_WEIGHTS, workspace.Bind(product.b, place.b)},
                        {DNNL_ARG_DST, workspace.Bind(product.result, place.result)},
                        {DNNL_ARG_SCRATCHPAD, workspace.Scratch(product.scratch)}};
  if (spec.bias) args.emplace_back(DNNL_ARG_BIAS, workspace.Bind(product.bias, place.bias));
  return RunPrimitive(workspace, product.primitive, std::move(args));
}

// The weights of a dense layer as `type`: themselves, or their working copy.
const void* WeightAs(DType type, TensorId weight, const Binding& binding, Workspace& workspace) {
  const float* plain = binding.F32(weight);
  if (type == DType::kF32) return plain;
  return workspace.RoundedWeight(weight, plain, binding.info(weight).elems());
}

}  // namespace

Kernel MakeKernel(const DenseForward& op, const Binding& binding, Workspace& workspace) {
  if (op.out < kFewOutputs) {
    return binding.WithElement(op.x,
                               [&]<typename T>() -> Kernel { return FewOutputs<T>(op, binding); });
  }
  if (!LibraryKeepsNan(op.activation)) {
    DenseForward linear = op;
    linear.activation = {};
    return WithBiasActPass(MakeKernel(linear, binding, workspace), kNoTensor, op.activation, op.y,
                           binding);
  }
  const DType type = binding.info(op.x).dtype;
  const float* bias = binding.F32(op.bias);
  return Multiply({.m = op.n,
                   .n = op.out,
                   .k = op.in,
                   .transpose_b = true,
                   .operands = type,
                   .result = type,
                   .bias = bias != nullptr,
                   .activation = op.activation},
                  {binding.Address(op.x), WeightAs(type, op.weight, binding, workspace), bias,
                   binding.Address(op.y)},
                  workspace);
}

Kernel MakeKernel(const DenseBackwardData& op, const Binding& binding, Workspace& workspace) {
  const DType type = binding.info(op.grad_y).dtype;
  if (type == DType::kF32) {
    return [grad_y = binding.F32(op.grad_y), weight = binding.F32(op.weight),
            grad_x = binding.F32(op.grad_x), n = op.n, in = op.in,
            out = op.out] { Gemm(false, n, in, out, grad_y, weight, 0, grad_x); };
  }
  return Multiply({.m = op.n, .n = op.in, .k = op.out, .operands = type, .result = type},
                  {binding.Address(op.grad_y), WeightAs(type, op.weight, binding, workspace),
                   nullptr, binding.Address(op.grad_x)},
                  workspace);
}

Kernel MakeKernel(const DenseBackwardWeight& op, const Binding& binding, Workspace& workspace) {
  const DType type = binding.info(op.grad_y).dtype;
  const bool add = op.mode == GradientMode::kAccumulate;
  if (type == DType::kF32) {
    return [grad_y = binding.F32(op.grad_y), x = binding.F32(op.x),
            grad_weight = binding.F32(op.grad_weight), n = op.n, in = op.in, out = op.out,
            beta = add ? 1.0f : 0.0f] { Gemm(true, out, in, n, grad_y, x, beta, grad_weight); };
  }
  return Multiply(
      {.m = op.out,
       .n = op.in,
       .k = op.n,
       .transpose_a = true,
       .operands = type,
       .result = DType::kF32,
       .add = add},
      {binding.Address(op.grad_y), binding.Address(op.x), nullptr, binding.F32(op.grad_weight)},
      workspace);
}

}  // namespace numeral::cpu
