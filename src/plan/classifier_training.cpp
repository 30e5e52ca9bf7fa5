// The phases of a classifier's run: one forward pass, cross-entropy, one update.
#include "plan/compile.h"
#include "plan/network_pass.h"
#include "plan/run_ops.h"
#include "util/error.h"

namespace numeral {
namespace {

const Shape kImage = Shape::Spatial(28, 28, 1);

void CheckFit(const Config& config, const Graph& classifier) {
  if (classifier.TrainableElems() == 0) {
    BadInput("{}: /networks/classifier: nothing in it can be trained; give it a dense layer",
             config.name);
  }
  if (classifier.output_shape() != Shape::Flat(kDigits)) {
    BadInput("{}: /networks/classifier: the output is {}, the loss takes {} flat features",
             config.name, ToString(classifier.output_shape()), kDigits);
  }
}

void EmitStep(PlanBuilder& builder, const Config& config, const RunTensors& run,
              const NetworkState& network, const PlanOptions& options, int rows) {
  builder.BeginPhase(PhaseKind::kStep, rows);
  const std::string phase = fmt::format("step[{}]", rows);
  builder.Emit(AdvanceStep{run.step}, "step");
  const TensorId images = builder.Transient(phase + "/images", rows, kImage);
  const TensorId digits = builder.Transient(phase + "/digits", rows, Shape::Flat(1), DType::kI32);
  EmitGather(builder, config, run, images, digits, phase + "/real");
  NetworkPass pass(builder, network, network.params,
                   {.name = phase + "/c",
                    .training = true,
                    .fuse = options.fuse,
                    .conv_epilogue = options.conv_epilogue,
                    .dense_epilogue = options.dense_epilogue,
                    .step = run.step,
                    .rows = {{0, "real"}}});
  const TensorId logits = pass.Forward({images}, rows);
  const TensorId grad = builder.Transient(phase + "/grad.logits", rows, Shape::Flat(kDigits));
  constexpr auto kKind = LossKind::kCrossEntropy;
  builder.Emit(
      Loss{kKind, LossPart::kReal, 1.0f, static_cast<float>(config.training.loss.label_smoothing),
           0, logits, digits, grad, run.metrics, run.step, Metric::kLoss, false},
      phase + "/loss");
  builder.Emit(
      Accuracy{kKind, LossPart::kReal, logits, digits, run.metrics, run.step, Metric::kAccuracy},
      phase + "/accuracy");
  pass.Backward(grad, {phase + "/c", true, GradientMode::kOverwrite, -1, 0, rows});
  EmitUpdate(builder, network, config.training.classifier, 1,
             config.training.epochs * run.steps_per_epoch, run.step, phase);
  EmitAverage(builder, network, config.training.ema_decay, phase + "/ema");
}

}  // namespace

Plan CompileTrainingOfClassifier(const Config& config, const Graph& classifier,
                                 const PlanOptions& options) {
  CheckFit(config, classifier);
  PlanBuilder builder(config.seed);
  const RunTensors run = DeclareRunTensors(builder, config, options.data_count);
  return FinishRunOfOne(builder, config, classifier, run, options,
                        [&](const NetworkState& network, int rows) {
                          EmitStep(builder, config, run, network, options, rows);
                        });
}

}  // namespace numeral
