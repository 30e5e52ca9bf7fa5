#include "cuda/engine/epilogue.h"

#include <algorithm>
#include <optional>

#include "cuda/engine/overlap.h"
#include "cuda/engine/thin_convolution.h"
#include "cuda/engine/thin_dense.h"
#include "cuda/kernels/thin_conv.h"
#include "cuda/kernels/thin_dense.h"

namespace numeral::cuda {
namespace {

// ---- bias and activation behind a product

// An op whose kernel has epilogues.
struct Product {
  TensorId input, weight, result;
  int channels;  // of the result
};
std::optional<Product> ProductOf(const Op& op) {
  if (const auto* conv = std::get_if<ConvForward>(&op)) {
    const bool plain = conv->bias == kNoTensor && conv->activation == Activation{};
    if (!plain || !ThinConvSupports(conv->geometry)) return std::nullopt;
    return Product{conv->image, conv->weight, conv->features, conv->geometry.k};
  }
  if (const auto* conv = std::get_if<ConvBackwardData>(&op)) {
    if (!ThinConvSupports(conv->geometry)) return std::nullopt;
    return Product{conv->features, conv->weight, conv->image, conv->geometry.c};
  }
  if (const auto* dense = std::get_if<DenseForward>(&op)) {
    const bool plain = dense->bias == kNoTensor && dense->activation == Activation{};
    if (!plain || !IsThinDense(dense->in, dense->out)) return std::nullopt;
    return Product{dense->x, dense->weight, dense->y, dense->out};
  }
  if (const auto* dense = std::get_if<DenseBackwardData>(&op)) {
    if (!IsThinDense(dense->in, dense->out)) return std::nullopt;
    return Product{dense->grad_y, dense->weight, dense->grad_x, dense->in};
  }
  return std::nullopt;
}

// What an epilogue works on and writes; nothing where the op cannot be one.
struct Pointwise {
  TensorId source, result;
};
std::optional<Pointwise> PointwiseOf(const Op& op, int channels, const Binding& binding) {
  if (const auto* forward = std::get_if<BiasActForward>(&op)) {
    if (binding.info(forward->x).shape.c != channels) return std::nullopt;
    return Pointwise{forward->x, forward->y};
  }
  if (const auto* backward = std::get_if<BiasActBackward>(&op)) {
    if (backward->y == kNoTensor || backward->grad_bias != kNoTensor) return std::nullopt;
    return Pointwise{backward->grad_y, backward->grad_x};
  }
  return std::nullopt;
}

bool HasEpilogue(std::span<const PhaseOp> ops, const Binding& binding) {
  if (ops.size() < 2) return false;
  const auto product = ProductOf(ops[0].op);
  if (!product) return false;
  const auto next = PointwiseOf(ops[1].op, product->channels, binding);
  if (!next || !binding.SameMemory(product->result, next->source)) return false;
  // Blocks read what others may have overwritten.
  if (Overlap(next->result, product->input, binding) ||
      Overlap(next->result, product->weight, binding)) {
    return false;
  }
  return Replaces(next->result, product->result, ops.subspan(2), binding);
}

// ---- gradients of a dense layer

struct DenseGradients {
  const BiasActBackward* bias = nullptr;
  const DenseBackwardWeight* weight = nullptr;
  const DenseBackwardData* data = nullptr;

  size_t count() const {
    return weight == nullptr ? 0 : 1 + (bias == nullptr ? 0 : 1) + (data == nullptr ? 0 : 1);
  }
};

DenseGradients DenseGradientsOf(std::span<const PhaseOp> ops, const Binding& binding) {
  DenseGradients found;
  const auto next = [&]<typename AnyOp>(const AnyOp*& op) {
    op = ops.empty() ? nullptr : std::get_if<AnyOp>(&ops[0].op);
    if (op != nullptr) ops = ops.subspan(1);
  };
  next(found.bias);
  if (found.bias != nullptr && !IsBiasGradient(*found.bias, binding)) return {};
  next(found.weight);
  if (found.weight == nullptr || found.weight->out > kMaxThin) return {};
  const DenseBackwardWeight& weight = *found.weight;
  if (found.bias != nullptr && (!binding.SameMemory(found.bias->grad_x, weight.grad_y) ||
                                binding.info(found.bias->grad_y).shape.c != weight.out)) {
    return {};
  }
  next(found.data);
  if (found.data != nullptr) {
    const DenseBackwardData& data = *found.data;
    const bool same_layer = data.n == weight.n && data.in == weight.in && data.out == weight.out &&
                            binding.SameMemory(data.grad_y, weight.grad_y);
    if (!same_layer || Overlap(data.grad_x, weight.x, binding) ||
        Overlap(data.grad_x, weight.grad_y, binding)) {
      found.data = nullptr;
    }
  }
  return found.count() > 1 ? found : DenseGradients();
}

}  // namespace

bool IsBiasGradient(const BiasActBackward& op, const Binding& binding) {
  return op.activation == Activation{} && op.dropout_rate == 0 && op.grad_bias != kNoTensor &&
         binding.SameMemory(op.grad_y, op.grad_x);
}

size_t JoinableEpilogue(std::span<const PhaseOp> ops, const Binding& binding) {
  return HasEpilogue(ops, binding) ? 2 : DenseGradientsOf(ops, binding).count();
}

Node MakeEpilogueNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace& workspace) {
  const DenseGradients gradients = DenseGradientsOf(ops, binding);
  if (gradients.weight != nullptr) {
    NUMERAL_CHECK(gradients.count() == ops.size());
    return MakeThinNode(*gradients.weight, gradients.bias, gradients.data, binding, workspace);
  }
  NUMERAL_CHECK(ops.size() == 2);
  const Op &product = ops[0].op, *epilogue = &ops[1].op;
  if (const auto* op = std::get_if<ConvForward>(&product)) {
    return MakeThinNode(*op, epilogue, binding);
  }
  if (const auto* op = std::get_if<ConvBackwardData>(&product)) {
    return MakeThinNode(*op, epilogue, binding);
  }
  if (const auto* op = std::get_if<DenseForward>(&product)) {
    return MakeThinNode(*op, epilogue, binding);
  }
  return MakeThinNode(std::get<DenseBackwardData>(product), epilogue, binding);
}

}  // namespace numeral::cuda
