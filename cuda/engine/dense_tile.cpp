#include "cuda/engine/dense_tile.h"

#include <algorithm>

#include "cuda/engine/batch_norm.h"
#include "cuda/engine/bias_act.h"
#include "cuda/engine/epilogue.h"
#include "cuda/engine/overlap.h"
#include "cuda/kernels/dense_tile.h"

namespace numeral::cuda {
namespace {

template <typename AnyOp>
const AnyOp* OpAt(std::span<const PhaseOp> ops, size_t i) {
  return i < ops.size() ? std::get_if<AnyOp>(&ops[i].op) : nullptr;
}

// Of operands and result of a product, where the sizes are a tile's.
bool Supports(TensorId x, TensorId weight, TensorId result, const Binding& binding) {
  const DType dtype = binding.plan().precision == Precision::kBf16 ? DType::kBF16 : DType::kF32;
  // A weight's copy in bf16 lies as the weight does, at half its distances.
  const size_t weight_alignment = dtype == DType::kBF16 ? 8 : 4;
  return binding.info(x).dtype == dtype && binding.info(result).dtype == dtype &&
         AlignmentBytes(binding.Address(x)) >= 4 &&
         AlignmentBytes(binding.Address(weight)) >= weight_alignment;
}

// ---- forward

// norm or act, and with norm perhaps its bias; nullptr where there is none.
struct Forward {
  const DenseForward* dense = nullptr;
  const BiasActForward* act = nullptr;
  const BatchNormForward* norm = nullptr;

  size_t count() const {
    const size_t behind = (act == nullptr ? 0 : 1) + (norm == nullptr ? 0 : 1);
    return behind == 0 ? 0 : 1 + behind;
  }
  TensorId linear() const { return act == nullptr ? dense->y : act->y; }
};

bool IsBiasAlone(const BiasActForward& op) {
  return op.activation == Activation{} && op.dropout_rate == 0;
}

bool Fits(const Forward& f, std::span<const PhaseOp> behind, const Binding& binding) {
  const DenseForward& dense = *f.dense;
  if (dense.bias != kNoTensor || dense.activation != Activation{}) return false;
  if (!SupportsDenseTileForward({dense.n, dense.in, dense.out}, binding.plan().precision) ||
      !Supports(dense.x, dense.weight, dense.y, binding)) {
    return false;
  }
  UsedMemory used;
  for (const TensorId id : {dense.x, dense.weight}) used.Reads(id);
  used.Writes(f.linear());
  if (f.act != nullptr) {
    const BiasActForward& act = *f.act;
    if (!binding.SameMemory(act.x, dense.y) || binding.info(act.x).shape.c != dense.out ||
        !Replaces(act.y, dense.y, behind, binding)) {
      return false;
    }
    for (const TensorId id : {act.bias, act.step}) used.Reads(id);
  }
  if (f.norm != nullptr) {
    const BatchNormForward& norm = *f.norm;
    if (!binding.SameMemory(norm.x, f.linear()) || binding.info(norm.x).shape.c != dense.out) {
      return false;
    }
    for (const TensorId id : {norm.scale, norm.shift}) used.Reads(id);
    for (const TensorId id :
         {norm.y, norm.mean, norm.inv_std, norm.running_mean, norm.running_variance}) {
      used.Writes(id);
    }
  }
  return used.WritesApart(binding);
}

Forward ForwardOf(std::span<const PhaseOp> ops, const Binding& binding) {
  Forward longest{OpAt<DenseForward>(ops, 0), OpAt<BiasActForward>(ops, 1)};
  if (longest.dense == nullptr) return {};
  const size_t next = longest.act == nullptr ? 1 : 2;
  if (longest.act == nullptr || IsBiasAlone(*longest.act)) {
    longest.norm = OpAt<BatchNormForward>(ops, next);
  }
  for (const Forward& f : {longest, Forward{longest.dense, longest.act}}) {
    if (f.count() > 0 && Fits(f, ops.subspan(f.count()), binding)) return f;
  }
  return {};
}

template <typename T>
DenseTileForwardArgs<T> ArgsOf(const Forward& f, const Binding& binding, Workspace& workspace) {
  DenseTileForwardArgs<T> args;
  args.shape = {f.dense->n, f.dense->in, f.dense->out};
  args.precision = binding.plan().precision;
  args.x = binding.Activation<T>(f.dense->x);
  args.weight = static_cast<const T*>(workspace.MatrixOperand(binding, f.dense->weight));
  if (f.norm != nullptr) {
    args.behind = DenseTileNorm<T>{f.act == nullptr ? nullptr : binding.F32(f.act->bias),
                                   binding.Activation<T>(f.linear()), ArgsOf<T>(*f.norm, binding)};
  } else {
    args.behind = ArgsOf<T>(*f.act, binding);
  }
  return args;
}

// ---- backward

// norm and perhaps the bias in front of it, or act; nullptr where there is none.
struct Backward {
  const DenseBackwardData* data = nullptr;
  const BiasActBackward* act = nullptr;
  const BatchNormBackward* norm = nullptr;
  const BiasActBackward* grad_bias = nullptr;

  size_t count() const {
    if (act == nullptr && norm == nullptr) return 0;
    return grad_bias == nullptr ? 2 : 3;
  }
};

bool Fits(const Backward& b, std::span<const PhaseOp> behind, const Binding& binding) {
  const DenseBackwardData& data = *b.data;
  if (!SupportsDenseTileBackward({data.n, data.out, data.in}, binding.plan().precision) ||
      !Supports(data.grad_y, data.weight, data.grad_x, binding)) {
    return false;
  }
  UsedMemory used;
  for (const TensorId id : {data.grad_y, data.weight}) used.Reads(id);
  // Whether an op's gradient goes on from data.grad_x to grad_x.
  const auto follows = [&](TensorId grad_y, TensorId grad_x) {
    used.Writes(grad_x);
    return binding.SameMemory(grad_y, data.grad_x) &&
           Replaces(grad_x, data.grad_x, behind, binding);
  };
  const auto is_column = [&](TensorId id) {
    return id == kNoTensor || binding.info(id).elems() == data.in;
  };
  if (b.act != nullptr) {
    const BiasActBackward& act = *b.act;
    if (!follows(act.grad_y, act.grad_x) || !is_column(act.grad_bias)) return false;
    used.Reads(act.y);
    used.Writes(act.grad_bias);
  } else {
    const BatchNormBackward& norm = *b.norm;
    if (!follows(norm.grad_y, norm.grad_x) || !is_column(norm.scale)) return false;
    for (const TensorId id : {norm.x, norm.y, norm.scale, norm.mean, norm.inv_std}) used.Reads(id);
    for (const TensorId id : {norm.grad_scale, norm.grad_shift}) used.Writes(id);
  }
  if (b.grad_bias != nullptr) {
    const BiasActBackward& bias = *b.grad_bias;
    if (!IsBiasGradient(bias, binding) || !binding.SameMemory(bias.grad_y, b.norm->grad_x) ||
        !is_column(bias.grad_bias)) {
      return false;
    }
    used.Writes(bias.grad_bias);
  }
  return used.WritesApart(binding);
}

Backward BackwardOf(std::span<const PhaseOp> ops, const Binding& binding) {
  Backward longest{OpAt<DenseBackwardData>(ops, 0), OpAt<BiasActBackward>(ops, 1),
                   OpAt<BatchNormBackward>(ops, 1), nullptr};
  if (longest.data == nullptr) return {};
  if (longest.norm != nullptr) longest.grad_bias = OpAt<BiasActBackward>(ops, 2);
  for (const Backward& b : {longest, Backward{longest.data, longest.act, longest.norm, nullptr}}) {
    if (b.count() > 0 && Fits(b, ops.subspan(b.count()), binding)) return b;
  }
  return {};
}

template <typename T>
DenseTileBackwardArgs<T> ArgsOf(const Backward& b, const Binding& binding, Workspace& workspace) {
  DenseTileBackwardArgs<T> args;
  args.shape = {b.data->n, b.data->in, b.data->out};
  args.precision = binding.plan().precision;
  args.grad_y = binding.Activation<T>(b.data->grad_y);
  args.weight = static_cast<const T*>(workspace.MatrixOperand(binding, b.data->weight));
  if (b.act != nullptr) {
    args.behind = ArgsOf<T>(*b.act, binding);
    return args;
  }
  DenseTileNormBackward<T> norm{ArgsOf<T>(*b.norm, binding), nullptr, GradientMode::kOverwrite};
  if (b.grad_bias != nullptr) {
    norm.grad_bias = binding.F32(b.grad_bias->grad_bias);
    norm.bias_mode = b.grad_bias->bias_mode;
  }
  args.behind = norm;
  return args;
}

}  // namespace

size_t JoinableDenseTile(std::span<const PhaseOp> ops, const Binding& binding) {
  return std::max(ForwardOf(ops, binding).count(), BackwardOf(ops, binding).count());
}

Node MakeDenseTileNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace& workspace) {
  if (const Forward forward = ForwardOf(ops, binding); forward.dense != nullptr) {
    return binding.WithElement(forward.dense->x, [&]<typename T>() -> Node {
      return [args = ArgsOf<T>(forward, binding, workspace)](const Lane& lane) {
        LaunchDenseTileForward(args, lane.stream);
      };
    });
  }
  const Backward backward = BackwardOf(ops, binding);
  NUMERAL_CHECK(backward.count() == ops.size());
  return binding.WithElement(backward.data->grad_y, [&]<typename T>() -> Node {
    return [args = ArgsOf<T>(backward, binding, workspace)](const Lane& lane) {
      LaunchDenseTileBackward(args, lane.stream);
    };
  });
}

}  // namespace numeral::cuda
