// Where the inputs of a step come from: the step counter, shuffled images or pairs, random latents,
// digits and times.
#include "cuda/kernels/sources.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "cuda/engine/nodes.h"
#include "cuda/engine/overlap.h"
#include "cuda/engine/sources.h"
#include "cuda/kernels/advance_step.h"
#include "cuda/kernels/flow_path.h"
#include "cuda/kernels/one_hot.h"

namespace numeral::cuda {
namespace {

template <typename DrawOp>
DrawStream StreamOf(const DrawOp& op, const Binding& binding) {
  return {binding.I64(op.step), binding.seed(), op.stream};
}

// Of either op that gathers; `data` has a row for each that may be drawn.
template <typename GatherOp>
ShuffledRows OrderOf(const GatherOp& op, TensorId data, const Binding& binding) {
  NUMERAL_CHECK(op.data_count > 0 && op.data_count <= binding.info(data).rows);
  return {binding.I64(op.step), op.data_count,  op.steps_per_epoch,
          op.batch_size,        binding.seed(), op.stream};
}

template <typename T>
GatherBatchArgs<T> ArgsOf(const GatherBatch& op, const Binding& binding) {
  const TensorInfo& info = binding.info(op.images);
  NUMERAL_CHECK(binding.info(op.data_images).shape == info.shape);
  NUMERAL_CHECK(binding.info(op.labels).rows == info.rows);
  return {OrderOf(op, op.data_images, binding),
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
}

template <typename T>
GatherPairsArgs<T> ArgsOf(const GatherPairs& op, const Binding& binding) {
  const TensorInfo& info = binding.info(op.latents);
  NUMERAL_CHECK(binding.info(op.data_latents).shape == info.shape);
  NUMERAL_CHECK(binding.info(op.labels).rows == info.rows);
  return {OrderOf(op, op.data_latents, binding),
          binding.F32(op.data_latents),
          binding.U8(op.data_labels),
          binding.Activation<T>(op.latents),
          binding.I32(op.labels),
          info.rows,
          static_cast<int>(info.shape.Elems())};
}

// Of DrawLatents and DrawTimes.
template <typename T, typename DrawOp>
ValueDraws<T> ArgsOf(const DrawOp& op, const Binding& binding) {
  return {StreamOf(op, binding), binding.Activation<T>(op.out), binding.info(op.out).elems()};
}

DigitDraws ArgsOf(const DrawDigits& op, const Binding& binding, Workspace& workspace) {
  NUMERAL_CHECK(!op.choices.empty());
  return {StreamOf(op, binding), workspace.Table(op.choices), static_cast<int>(op.choices.size()),
          binding.I32(op.out), binding.info(op.out).rows};
}

LatentKind KindOf(const DrawLatents& op) {
  return op.distribution == InputSpec::Distribution::kNormal ? LatentKind::kNormal
                                                             : LatentKind::kUniform;
}

// An op that can be one of several in a launch.
struct Source {
  TensorId step;
  TensorId values;  // the activation that it writes, or kNoTensor
};
std::optional<Source> SourceOf(const Op& op) {
  if (const auto* batch = std::get_if<GatherBatch>(&op)) return Source{batch->step, batch->images};
  if (const auto* pairs = std::get_if<GatherPairs>(&op)) return Source{pairs->step, pairs->latents};
  if (const auto* draw = std::get_if<DrawLatents>(&op)) return Source{draw->step, draw->out};
  if (const auto* draw = std::get_if<DrawTimes>(&op)) return Source{draw->step, draw->out};
  if (const auto* draw = std::get_if<DrawDigits>(&op)) return Source{draw->step, kNoTensor};
  return std::nullopt;
}

template <typename T>
SourceArgs<T> SourceArgsOf(const Op& op, const Binding& binding, Workspace& workspace) {
  SourceArgs<T> args = {};
  if (const auto* batch = std::get_if<GatherBatch>(&op)) {
    args.kind = SourceKind::kBatch;
    args.batch = ArgsOf<T>(*batch, binding);
  } else if (const auto* pairs = std::get_if<GatherPairs>(&op)) {
    args.kind = SourceKind::kPairs;
    args.pairs = ArgsOf<T>(*pairs, binding);
  } else if (const auto* latents = std::get_if<DrawLatents>(&op)) {
    args.kind =
        KindOf(*latents) == LatentKind::kNormal ? SourceKind::kNormals : SourceKind::kUniforms;
    args.values = ArgsOf<T>(*latents, binding);
  } else if (const auto* times = std::get_if<DrawTimes>(&op)) {
    args.kind = SourceKind::kTimes;
    args.values = ArgsOf<T>(*times, binding);
  } else {
    args.kind = SourceKind::kDigits;
    args.digits = ArgsOf(std::get<DrawDigits>(op), binding, workspace);
  }
  return args;
}

// The tensor whose type decides how all are stored: the first activation.
TensorId ValuesOf(std::span<const PhaseOp> ops) {
  for (const PhaseOp& op : ops) {
    const std::optional<Source> source = SourceOf(op.op);
    if (source && source->values != kNoTensor) return source->values;
  }
  return kNoTensor;
}

template <typename T>
Node SourcesNode(std::span<const PhaseOp> ops, int64_t* step, bool advances, const Binding& binding,
                 Workspace& workspace) {
  std::vector<SourceArgs<T>> sources;
  for (const PhaseOp& op : ops) sources.push_back(SourceArgsOf<T>(op.op, binding, workspace));
  workspace.ReserveBlockCounters(1);
  return [=](const Lane& lane) {
    LaunchSources<T>({step, advances, lane.block_counters}, sources, lane.stream);
  };
}

}  // namespace

size_t JoinableSources(std::span<const PhaseOp> ops, const Binding& binding) {
  if (ops.empty()) return 0;
  const auto* advance = std::get_if<AdvanceStep>(&ops[0].op);
  const size_t first = advance != nullptr ? 1 : 0;
  const std::span<const PhaseOp> sources = ops.subspan(first);
  size_t count = 0;
  TensorId step = advance != nullptr ? advance->step : kNoTensor, values = kNoTensor;
  for (; count < std::min<size_t>(sources.size(), kMaxSources); ++count) {
    const Op& op = sources[count].op;
    const std::optional<Source> source = SourceOf(op);
    if (!source) break;
    if (first + count == 0) step = source->step;
    if (values == kNoTensor) values = source->values;
    const bool same_type = source->values == kNoTensor ||
                           binding.info(source->values).dtype == binding.info(values).dtype;
    const auto before = sources.first(count);
    const bool apart = std::all_of(before.begin(), before.end(), [&](const PhaseOp& other) {
      return !Disturbs(op, other.op, binding) && !Disturbs(other.op, op, binding);
    });
    if (source->step != step || !same_type || !apart) break;
  }
  return first + count;
}

Node MakeSourcesNode(std::span<const PhaseOp> ops, const Binding& binding, Workspace& workspace) {
  NUMERAL_CHECK(!ops.empty() && JoinableSources(ops, binding) == ops.size());
  const bool advances = std::holds_alternative<AdvanceStep>(ops[0].op);
  const std::span<const PhaseOp> sources = ops.subspan(advances ? 1 : 0);
  NUMERAL_CHECK(!sources.empty());
  int64_t* step = binding.I64(SourceOf(sources[0].op)->step);
  const auto node = [&]<typename T>() -> Node {
    return SourcesNode<T>(sources, step, advances, binding, workspace);
  };
  const TensorId values = ValuesOf(sources);
  return values == kNoTensor ? node.template operator()<float>()
                             : binding.WithElement(values, node);
}

Node MakeNode(const AdvanceStep& op, const Binding& binding, Workspace&) {
  int64_t* step = binding.I64(op.step);
  return [step](const Lane& lane) { LaunchAdvanceStep(step, lane.stream); };
}

Node MakeNode(const GatherBatch& op, const Binding& binding, Workspace&) {
  return binding.WithElement(op.images, [&]<typename T>() -> Node {
    return
        [args = ArgsOf<T>(op, binding)](const Lane& lane) { LaunchGatherBatch(args, lane.stream); };
  });
}

Node MakeNode(const GatherPairs& op, const Binding& binding, Workspace&) {
  return binding.WithElement(op.latents, [&]<typename T>() -> Node {
    return
        [args = ArgsOf<T>(op, binding)](const Lane& lane) { LaunchGatherPairs(args, lane.stream); };
  });
}

Node MakeNode(const DrawLatents& op, const Binding& binding, Workspace&) {
  return binding.WithElement(op.out, [&]<typename T>() -> Node {
    return [args = ArgsOf<T>(op, binding), kind = KindOf(op)](const Lane& lane) {
      LaunchDrawLatents(args.draws, kind, args.out, args.elems, lane.stream);
    };
  });
}

Node MakeNode(const DrawTimes& op, const Binding& binding, Workspace&) {
  return binding.WithElement(op.out, [&]<typename T>() -> Node {
    return [args = ArgsOf<T>(op, binding)](const Lane& lane) {
      LaunchDrawTimes(args.draws, args.out, args.elems, lane.stream);
    };
  });
}

Node MakeNode(const DrawDigits& op, const Binding& binding, Workspace& workspace) {
  return [args = ArgsOf(op, binding, workspace)](const Lane& lane) {
    LaunchDrawDigits(args.draws, args.choices, args.choice_count, args.out, args.elems,
                     lane.stream);
  };
}

Node MakeNode(const OneHot& op, const Binding& binding, Workspace&) {
  const TensorInfo& info = binding.info(op.out);
  NUMERAL_CHECK(binding.info(op.labels).rows == info.rows);
  return binding.WithElement(op.out, [&]<typename T>() -> Node {
    const OneHotArgs<T> args{binding.I32(op.labels), binding.Activation<T>(op.out), info.rows,
                             static_cast<int>(info.shape.Elems())};
    return [args](const Lane& lane) { LaunchOneHot(args, lane.stream); };
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
    return [args](const Lane& lane) { LaunchFlowPath(args, lane.stream); };
  });
}

}  // namespace numeral::cuda
