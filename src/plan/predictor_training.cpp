// The phases of a latent predictor's run: one forward pass, mean squared error, one update.
//
// What the network takes decides what it learns. A digit alone: the mean of the digit's latents,
// which the squared error asks for. With noise and a time it learns by flow matching (Lipman et
// al., "Flow Matching for Generative Modeling", ICLR 2023): at a random place between noise and a
// latent of the digit it is shown the way from the one to the other, so that following it from
// noise leads to latents of the digit, each as often as it should. The way is a quarter of a circle
// (Albergo & Vanden-Eijnden, "Building Normalizing Flows with Stochastic Interpolants", ICLR 2023):
// latents of all digits together are distributed as the noise is, so without a digit there would be
// nowhere to go, and the network has nothing to learn but what sets the digits apart. On straight
// ways it would have to learn to shrink and to grow the noise first.
// Random streams: "shuffle", "noise", "times", "dropout/latent_predictor/<layer>/pairs".
#include "plan/compile.h"
#include "plan/network_pass.h"
#include "plan/run_ops.h"
#include "util/error.h"

namespace numeral {
namespace {

const Shape kOne = Shape::Flat(1);

void CheckFit(const Config& config, const Graph& predictor) {
  if (predictor.TrainableElems() == 0) {
    BadInput("{}: /networks/latent_predictor: nothing in it can be trained; give it a dense layer",
             config.name);
  }
  const Shape& output = predictor.output_shape();
  if (output.spatial) {
    BadInput("{}: /networks/latent_predictor: the output is {}, a latent is flat", config.name,
             ToString(output));
  }
  if (!predictor.nodes.back().order.IsPlain()) {
    BadInput(
        "{}: /networks/latent_predictor: its last features are an image's; end with a dense layer",
        config.name);
  }
  const int noise = predictor.FindInput(InputSpec::Kind::kLatent);
  if (noise < 0) return;
  const Shape& input = predictor.inputs[static_cast<size_t>(noise)].shape;
  if (input != output) {
    BadInput(
        "{}: /networks/latent_predictor: the output is {}, its input of kind \"latent\" {}; "
        "noise becomes a latent of the same size",
        config.name, ToString(output), ToString(input));
  }
}

// One batch of pairs and what the network is asked about it.
struct Question {
  std::vector<TensorId> inputs;  // by Graph::inputs
  TensorId answer = kNoTensor;
};

Question EmitQuestion(PlanBuilder& builder, const Config& config, const RunTensors& run,
                      const Graph& graph, const std::string& phase, int rows) {
  const Shape latent = graph.output_shape();
  const TensorId latents = builder.Transient(phase + "/latents", rows, latent);
  const TensorId digits = builder.Transient(phase + "/digits", rows, kOne, DType::kI32);
  EmitGatherPairs(builder, config, run, latents, digits, phase + "/pairs");
  Question question{{}, latents};
  FlowPath path{kNoTensor, latents, kNoTensor, kNoTensor, kNoTensor};
  for (const InputSpec& input : graph.inputs) {
    const TensorId value = builder.Transient(phase + "/l/" + input.name, rows, input.shape);
    question.inputs.push_back(value);
    if (input.kind == InputSpec::Kind::kDigit) {
      builder.Emit(OneHot{digits, value}, phase);
    } else if (input.kind == InputSpec::Kind::kTime) {
      builder.Emit(DrawTimes{run.step, value, builder.Stream("times")}, phase);
      path.times = value;
    } else {
      path.noise = builder.Transient(phase + "/noise", rows, input.shape);
      builder.Emit(DrawLatents{run.step, path.noise, input.distribution, builder.Stream("noise")},
                   phase);
      path.place = value;
    }
  }
  if (path.place != kNoTensor) {
    path.velocity = question.answer = builder.Transient(phase + "/velocity", rows, latent);
    builder.Emit(path, phase);
  }
  return question;
}

void EmitStep(PlanBuilder& builder, const Config& config, const RunTensors& run,
              const NetworkState& network, const PlanOptions& options, int rows) {
  builder.BeginPhase(PhaseKind::kStep, rows);
  const std::string phase = fmt::format("step[{}]", rows);
  builder.Emit(AdvanceStep{run.step}, "step");
  const Question question = EmitQuestion(builder, config, run, *network.graph, phase, rows);
  NetworkPass pass(builder, network, network.params,
                   {.name = phase + "/l",
                    .training = true,
                    .fuse = options.fuse,
                    .conv_epilogue = options.conv_epilogue,
                    .dense_epilogue = options.dense_epilogue,
                    .step = run.step,
                    .rows = {{0, "pairs"}}});
  const TensorId prediction = pass.Forward(question.inputs, rows);
  const TensorId grad =
      builder.Transient(phase + "/grad.prediction", rows, builder.info(prediction).shape);
  builder.Emit(
      SquaredError{prediction, question.answer, grad, run.metrics, run.step, Metric::kLoss},
      phase + "/loss");
  pass.Backward(grad, {phase + "/l", true, GradientMode::kOverwrite, -1, 0, rows});
  EmitUpdate(builder, network, config.training.latent_predictor, 1,
             config.training.epochs * run.steps_per_epoch, run.step, phase);
  EmitAverage(builder, network, config.training.ema_decay, phase + "/ema");
}

}  // namespace

Plan CompileTrainingOfPredictor(const Config& config, const Graph& predictor,
                                const PlanOptions& options) {
  CheckFit(config, predictor);
  PlanBuilder builder(config.seed);
  const RunTensors run =
      DeclarePairTensors(builder, config, options.data_count, predictor.output_shape().c);
  return FinishRunOfOne(builder, config, predictor, run, options,
                        [&](const NetworkState& network, int rows) {
                          EmitStep(builder, config, run, network, options, rows);
                        });
}

}  // namespace numeral
