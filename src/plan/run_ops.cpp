#include "plan/run_ops.h"

#include "plan/compile.h"

namespace numeral {
namespace {

const Shape kImage = Shape::Spatial(28, 28, 1);
const Shape kOne = Shape::Flat(1);

// All but what is learned.
RunTensors DeclareCommonTensors(PlanBuilder& builder, const Config& config, int64_t data_count) {
  RunTensors run;
  run.step = builder.Persistent("step", 1, kOne, DType::kI64);
  run.metrics = builder.Persistent("metrics", kMetricsRing, Shape::Flat(kMetricCount));
  run.data_labels = builder.Data("data/labels", data_count, kOne, DType::kU8);
  run.data_count = data_count;
  run.steps_per_epoch = StepsPerEpoch(config, data_count);
  return run;
}

}  // namespace

RunTensors DeclareRunTensors(PlanBuilder& builder, const Config& config, int64_t data_count) {
  RunTensors run = DeclareCommonTensors(builder, config, data_count);
  run.data_images = builder.Data("data/images", data_count, kImage, DType::kU8);
  return run;
}

RunTensors DeclarePairTensors(PlanBuilder& builder, const Config& config, int64_t data_count,
                              int latent_size) {
  RunTensors run = DeclareCommonTensors(builder, config, data_count);
  run.data_latents = builder.Data("data/latents", data_count, Shape::Flat(latent_size));
  return run;
}

void EmitGather(PlanBuilder& builder, const Config& config, const RunTensors& run, TensorId images,
                TensorId digits, const std::string& label) {
  const auto& range = config.data.pixel_range;
  GatherBatch gather{run.data_images,
                     run.data_labels,
                     run.step,
                     images,
                     digits,
                     run.data_count,
                     run.steps_per_epoch,
                     config.training.batch_size,
                     static_cast<float>((range[1] - range[0]) / 255),
                     static_cast<float>(range[0]),
                     builder.Stream("shuffle")};
  if (config.data.max_shift > 0) {
    gather.max_shift = config.data.max_shift;
    gather.shift_stream = builder.Stream("shift");
  }
  builder.Emit(gather, label);
}

void EmitGatherPairs(PlanBuilder& builder, const Config& config, const RunTensors& run,
                     TensorId latents, TensorId digits, const std::string& label) {
  builder.Emit(
      GatherPairs{run.data_latents, run.data_labels, run.step, latents, digits, run.data_count,
                  run.steps_per_epoch, config.training.batch_size, builder.Stream("shuffle")},
      label);
}

void EmitPrepareWeights(PlanBuilder& builder, const Graph& graph, const ParamSet& params) {
  for (size_t i = 0; i < params.values.size(); ++i) {
    if (graph.params[i].role != ParamRole::kWeight) continue;
    builder.Emit(PrepareWeight{params.values[i]}, graph.name + "/" + graph.params[i].name);
  }
}

void EmitUpdate(PlanBuilder& builder, const NetworkState& network, const AdamSpec& adam,
                int64_t period, int64_t updates, TensorId step, const std::string& prefix) {
  builder.Emit(AdamUpdate{adam, period, updates, step, network.params.trainable, network.all_grads,
                          network.first_moment, network.second_moment},
               prefix + "/update/" + network.graph->name);
  EmitPrepareWeights(builder, *network.graph, network.params);
}

void EmitAverage(PlanBuilder& builder, const NetworkState& network, double decay,
                 const std::string& label) {
  if (network.ema.values.empty()) return;
  const auto share = static_cast<float>(decay);
  builder.Emit(EmaUpdate{share, network.params.trainable, network.ema.trainable}, label);
  if (network.params.buffers != kNoTensor) {
    builder.Emit(EmaUpdate{share, network.params.buffers, network.ema.buffers}, label);
  }
}

Plan FinishRunOfOne(PlanBuilder& builder, const Config& config, const Graph& graph,
                    const RunTensors& run, const PlanOptions& options,
                    const std::function<void(const NetworkState&, int)>& emit_step) {
  const NetworkState network = DeclareNetwork(builder, graph, config.training.ema_decay > 0);
  builder.BeginPhase(PhaseKind::kPrepare, 0);
  EmitPrepareWeights(builder, graph, network.params);
  const int full = BatchOfStep(config, options.data_count, 0);
  const int last = BatchOfStep(config, options.data_count, run.steps_per_epoch - 1);
  emit_step(network, full);
  if (last != full) emit_step(network, last);
  return builder.Finish(options);
}

}  // namespace numeral
