// Conversions between fp32 and bf16, of activations and of weights' working copies.
#include "cuda/kernels/convert.h"

#include "cuda/engine/nodes.h"

namespace numeral::cuda {

Node MakeNode(const Convert& op, const Binding& binding, Workspace&) {
  const int64_t elems = binding.info(op.x).elems();
  NUMERAL_CHECK(binding.info(op.y).elems() == elems);
  return binding.WithElement(op.x, [&]<typename X>() -> Node {
    return binding.WithElement(op.y, [&]<typename Y>() -> Node {
      const ConvertArgs<X, Y> args{binding.Activation<X>(op.x), binding.Activation<Y>(op.y), elems};
      return [args](const Lane& lane) { LaunchConvert(args, lane.stream); };
    });
  });
}

// Nothing to do where nobody reads a copy of the weight.
Node MakeNode(const PrepareWeight& op, const Binding& binding, Workspace& workspace) {
  bf16* rounded = workspace.Rounded(binding, op.weight);
  if (rounded == nullptr) return {};
  const ConvertArgs<float, bf16> args{binding.F32(op.weight), rounded,
                                      binding.info(op.weight).elems()};
  return [args](const Lane& lane) { LaunchConvert(args, lane.stream); };
}

}  // namespace numeral::cuda
