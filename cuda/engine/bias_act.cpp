// Bias, activation and dropout, and their gradients.
#include "cuda/engine/bias_act.h"

#include "cuda/engine/nodes.h"
#include "cuda/engine/sum_scratch.h"

namespace numeral::cuda {
namespace {

// Ranges of elements that draw their dropout masks apart: all of x without dropout.
template <typename T>
void SetRanges(const BiasActForward& op, const TensorInfo& x, BiasActForwardArgs<T>& args) {
  args.range_count = 1;
  args.ranges[0].elems = x.elems();
  if (op.dropout_rate == 0) return;
  const auto count = static_cast<int>(op.dropout_rows.size());
  if (count > kMaxDropoutRanges) {
    Fail("dropout with {} ranges of rows; the CUDA engine takes {} at most", count,
         kMaxDropoutRanges);
  }
  NUMERAL_CHECK(count > 0 && op.dropout_rows.front().first_row == 0);
  args.range_count = count;
  for (int i = 0; i < count; ++i) {
    const DropoutRows& rows = op.dropout_rows[static_cast<size_t>(i)];
    const int64_t end =
        i + 1 < count ? op.dropout_rows[static_cast<size_t>(i) + 1].first_row : x.rows;
    NUMERAL_CHECK(rows.first_row <= end && end <= x.rows);
    const int64_t features = x.shape.Elems();
    args.ranges[i] = {rows.first_row * features, (end - rows.first_row) * features, rows.stream};
  }
}

}  // namespace

template <typename T>
BiasActForwardArgs<T> ArgsOf(const BiasActForward& op, const Binding& binding) {
  const TensorInfo& x = binding.info(op.x);
  NUMERAL_CHECK(binding.info(op.y).elems() == x.elems());
  NUMERAL_CHECK(op.bias == kNoTensor || binding.info(op.bias).elems() == x.shape.c);
  NUMERAL_CHECK(op.dropout_rate == 0 || op.step != kNoTensor);
  BiasActForwardArgs<T> args = {};
  args.x = binding.Activation<T>(op.x);
  args.bias = binding.F32(op.bias);
  args.y = binding.Activation<T>(op.y);
  args.channels = x.shape.c;
  args.activation = op.activation;
  args.dropout_rate = op.dropout_rate;
  SetRanges(op, x, args);
  args.step = binding.I64(op.step);
  args.seed = binding.seed();
  return args;
}
template BiasActForwardArgs<float> ArgsOf(const BiasActForward&, const Binding&);
template BiasActForwardArgs<bf16> ArgsOf(const BiasActForward&, const Binding&);

template <typename T>
BiasActBackwardArgs<T> ArgsOf(const BiasActBackward& op, const Binding& binding) {
  const TensorInfo& grad_y = binding.info(op.grad_y);
  NUMERAL_CHECK(binding.info(op.grad_x).elems() == grad_y.elems());
  NUMERAL_CHECK(op.y == kNoTensor || binding.info(op.y).elems() == grad_y.elems());
  NUMERAL_CHECK(op.grad_bias == kNoTensor || binding.info(op.grad_bias).elems() == grad_y.shape.c);
  BiasActBackwardArgs<T> args = {};
  args.y = binding.Activation<T>(op.y);
  args.grad_y = binding.Activation<T>(op.grad_y);
  args.grad_x = binding.Activation<T>(op.grad_x);
  args.grad_bias = binding.F32(op.grad_bias);
  args.rows = grad_y.rows * grad_y.shape.Pixels();
  args.channels = grad_y.shape.c;
  args.activation = op.activation;
  args.dropout_rate = op.dropout_rate;
  args.bias_mode = op.bias_mode;
  return args;
}
template BiasActBackwardArgs<float> ArgsOf(const BiasActBackward&, const Binding&);
template BiasActBackwardArgs<bf16> ArgsOf(const BiasActBackward&, const Binding&);

template <typename T>
BiasActEpilogue<T> EpilogueOf(const Op* op, const Binding& binding) {
  if (op == nullptr) return {};
  if (const auto* forward = std::get_if<BiasActForward>(op)) return ArgsOf<T>(*forward, binding);
  return ArgsOf<T>(std::get<BiasActBackward>(*op), binding);
}
template BiasActEpilogue<float> EpilogueOf(const Op*, const Binding&);
template BiasActEpilogue<bf16> EpilogueOf(const Op*, const Binding&);

TensorId ResultBehind(const Op* epilogue, TensorId result) {
  if (epilogue == nullptr) return result;
  if (const auto* forward = std::get_if<BiasActForward>(epilogue)) return forward->y;
  return std::get<BiasActBackward>(*epilogue).grad_x;
}

Node MakeNode(const BiasActForward& op, const Binding& binding, Workspace&) {
  return binding.WithElement(op.x, [&]<typename T>() -> Node {
    return [args = ArgsOf<T>(op, binding)](const Lane& lane) {
      LaunchBiasActForward(args, lane.stream);
    };
  });
}

Node MakeNode(const BiasActBackward& op, const Binding& binding, Workspace& workspace) {
  return binding.WithElement(op.grad_y, [&]<typename T>() -> Node {
    return NodeWithScratch(ArgsOf<T>(op, binding), workspace, LaunchBiasActBackward<T>);
  });
}

}  // namespace numeral::cuda
