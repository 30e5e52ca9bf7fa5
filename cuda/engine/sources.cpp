// Where the inputs of a step come from: the step counter, shuffled images or pairs, random latents,
// digits and times.
#include "cuda/engine/nodes.h"
#include "cuda/kernels/advance_step.h"
#include "cuda/kernels/draws.h"
#include "cuda/kernels/flow_path.h"
#include "cuda/kernels/gather.h"
#include "cuda/kernels/one_hot.h"

namespace numeral::cuda {
namespace {

DrawStream StreamOf(const Binding& binding, TensorId step, uint32_t stream) {
  return {binding.I64(step), binding.seed(), stream};
}

// Of either op that gathers; `data` has a row for each that may be drawn.
template <typename GatherOp>
ShuffledRows OrderOf(const GatherOp& op, TensorId data, const Binding& binding) {
  NUMERAL_CHECK(op.data_count > 0 && op.data_count <= binding.info(data).rows);
  return {binding.I64(op.step), op.data_count,  op.steps_per_epoch,
          op.batch_size,        binding.seed(), op.stream};
}

}  // namespace

Node MakeNode(const AdvanceStep& op, const Binding& binding, Workspace&) {
  int64_t* step = binding.I64(op.step);
  return [step](cudaStream_t stream) { LaunchAdvanceStep(step, stream); };
}

Node MakeNode(const GatherBatch& op, const Binding& binding, Workspace&) {
  const TensorInfo& info = binding.info(op.images);
  NUMERAL_CHECK(binding.info(op.data_images).shape == info.shape);
  NUMERAL_CHECK(binding.info(op.labels).rows == info.rows);
  return binding.WithElement(op.images, [&]<typename T>() -> Node {
    const GatherBatchArgs<T> args{OrderOf(op, op.data_images, binding),
                                  binding.U8(op.data_images),
                                  binding.U8(op.data_labels),
                                  binding.Activation<T>(op.images),
                                  binding.I32(op.labels),
                                  info.rows,
                                  info.shape.h,
                                  info.shape.w,
                                  info.shape.c,
                                  op.scale,
                                  op.shift,
                                  op.max_shift,
                                  op.shift_stream};
    return [args](cudaStream_t stream) { LaunchGatherBatch(args, stream); };
  });
}

Node MakeNode(const GatherPairs& op, const Binding& binding, Workspace&) {
  const TensorInfo& info = binding.info(op.latents);
  NUMERAL_CHECK(binding.info(op.data_latents).shape == info.shape);
  NUMERAL_CHECK(binding.info(op.labels).rows == info.rows);
  return binding.WithElement(op.latents, [&]<typename T>() -> Node {
    const GatherPairsArgs<T> args{OrderOf(op, op.data_latents, binding),
                                  binding.F32(op.data_latents),
                                  binding.U8(op.data_labels),
                                  binding.Activation<T>(op.latents),
                                  binding.I32(op.labels),
                                  info.rows,
                                  static_cast<int>(info.shape.Elems())};
    return [args](cudaStream_t stream) { LaunchGatherPairs(args, stream); };
  });
}

Node MakeNode(const DrawLatents& op, const Binding& binding, Workspace&) {
  const DrawStream draws = StreamOf(binding, op.step, op.stream);
  const LatentKind kind = op.distribution == InputSpec::Distribution::kNormal
                              ? LatentKind::kNormal
                              : LatentKind::kUniform;
  return binding.WithElement(op.out, [&]<typename T>() -> Node {
    return [draws, kind, out = binding.Activation<T>(op.out), elems = binding.info(op.out).elems()](
               cudaStream_t stream) { LaunchDrawLatents(draws, kind, out, elems, stream); };
  });
}

Node MakeNode(const DrawDigits& op, const Binding& binding, Workspace& workspace) {
  NUMERAL_CHECK(!op.choices.empty());
  return [draws = StreamOf(binding, op.step, op.stream), choices = workspace.Table(op.choices),
          count = static_cast<int>(op.choices.size()), out = binding.I32(op.out),
          rows = binding.info(op.out).rows](cudaStream_t stream) {
    LaunchDrawDigits(draws, choices, count, out, rows, stream);
  };
}

Node MakeNode(const OneHot& op, const Binding& binding, Workspace&) {
  const TensorInfo& info = binding.info(op.out);
  NUMERAL_CHECK(binding.info(op.labels).rows == info.rows);
  return binding.WithElement(op.out, [&]<typename T>() -> Node {
    const OneHotArgs<T> args{binding.I32(op.labels), binding.Activation<T>(op.out), info.rows,
                             static_cast<int>(info.shape.Elems())};
    return [args](cudaStream_t stream) { LaunchOneHot(args, stream); };
  });
}

Node MakeNode(const DrawTimes& op, const Binding& binding, Workspace&) {
  return binding.WithElement(op.out, [&]<typename T>() -> Node {
    return [draws = StreamOf(binding, op.step, op.stream), out = binding.Activation<T>(op.out),
            elems = binding.info(op.out).elems()](cudaStream_t stream) {
      LaunchDrawTimes(draws, out, elems, stream);
    };
  });
}

Node MakeNode(const FlowPath& op, const Binding& binding, Workspace&) {
  const TensorInfo& info = binding.info(op.latents);
  for (const TensorId id : {op.noise, op.place, op.velocity}) {
    NUMERAL_CHECK(binding.info(id).elems() == info.elems());
  }
  NUMERAL_CHECK(binding.info(op.times).elems() == info.rows);
  return binding.WithElement(op.latents, [&]<typename T>() -> Node {
    const FlowPathArgs<T> args{binding.Activation<T>(op.noise),
                               binding.Activation<T>(op.latents),
                               binding.Activation<T>(op.times),
                               binding.Activation<T>(op.place),
                               binding.Activation<T>(op.velocity),
                               info.rows,
                               info.shape.Elems()};
    return [args](cudaStream_t stream) { LaunchFlowPath(args, stream); };
  });
}

}  // namespace numeral::cuda
