// Optimizer updates and moving averages, each one pass over a whole network, which refreshes the
// bf16 copies of its weights too.
#include "cuda/engine/nodes.h"
#include "cuda/kernels/adam.h"
#include "cuda/kernels/ema.h"

namespace numeral::cuda {

Node MakeNode(const AdamUpdate& op, const Binding& binding, Workspace& workspace) {
  const int64_t elems = binding.info(op.params).elems();
  for (const TensorId id : {op.grads, op.first_moment, op.second_moment}) {
    NUMERAL_CHECK(binding.info(id).elems() == elems);
  }
  const AdamArgs bound{op.spec,
                       op.period,
                       op.total_updates,
                       binding.I64(op.step),
                       binding.F32(op.grads),
                       binding.F32(op.params),
                       binding.F32(op.first_moment),
                       binding.F32(op.second_moment),
                       nullptr,
                       elems};
  return [bound, params = op.params, &binding, &workspace](cudaStream_t stream) {
    AdamArgs args = bound;
    args.rounded = workspace.Rounded(binding, params);
    LaunchAdam(args, stream);
  };
}

Node MakeNode(const EmaUpdate& op, const Binding& binding, Workspace& workspace) {
  const int64_t elems = binding.info(op.target).elems();
  NUMERAL_CHECK(binding.info(op.source).elems() == elems);
  const EmaArgs bound{op.decay, binding.F32(op.source), binding.F32(op.target), nullptr, elems};
  return [bound, target = op.target, &binding, &workspace](cudaStream_t stream) {
    EmaArgs args = bound;
    args.rounded = workspace.Rounded(binding, target);
    LaunchEma(args, stream);
  };
}

}  // namespace numeral::cuda
