#include "plan/training_phases.h"

#include <algorithm>

#include "plan/inference.h"
#include "util/error.h"

namespace numeral {

namespace {

const Shape kImage = Shape::Spatial(28, 28, 1);
const Shape kOne = Shape::Flat(1);

bool IsLabelled(LossKind kind) {
  return kind == LossKind::kDigitOrZeros || kind == LossKind::kSoftmax;
}

}  // namespace

RunState DeclareRun(PlanBuilder& builder, const Config& config, const Graph& generator,
                    const Graph& discriminator, int64_t data_count) {
  RunState state{DeclareRunTensors(builder, config, data_count), {}, {}, kNoTensor};
  state.generator = DeclareNetwork(builder, generator, config.training.ema_decay > 0);
  state.discriminator = DeclareNetwork(builder, discriminator, false);
  state.accuracy = builder.Persistent("accuracy", 1, Shape::Flat(kMetricCount));
  return state;
}

TrainingPhases::TrainingPhases(PlanBuilder& builder, const Config& config, const RunState& state,
                               const PlanOptions& options)
    : builder_(builder),
      config_(config),
      state_(state),
      options_(options),
      discriminator_image_(state.discriminator.graph->FindInput(InputSpec::Kind::kImage)),
      labelled_(IsLabelled(config.training.loss.kind) ||
                state.generator.graph->FindInput(InputSpec::Kind::kDigit) >= 0) {}

// ---- phases
// -----------------------------------------------------------------------------------------

void TrainingPhases::Prepare() {
  builder_.BeginPhase(PhaseKind::kPrepare, 0);
  EmitPrepareWeights(builder_, *state_.generator.graph, state_.generator.params);
  EmitPrepareWeights(builder_, *state_.discriminator.graph, state_.discriminator.params);
}

void TrainingPhases::Train(int rows) {
  switch (config_.training.order) {
    case TrainingSpec::Order::kSimultaneous:
      return Simultaneous(rows);
    case TrainingSpec::Order::kGeneratorFirst:
      return GeneratorFirst(rows);
    case TrainingSpec::Order::kDiscriminatorFirst:
      return DiscriminatorFirst(rows);
  }
}

// Both networks' gradients come from one forward pass; no weight moves before both are known.
void TrainingPhases::Simultaneous(int rows) {
  builder_.BeginPhase(PhaseKind::kStep, rows);
  phase_ = fmt::format("step[{}]", rows);
  builder_.Emit(AdvanceStep{state_.step}, "step");
  const Batch batch = DeclareBatch(rows);
  GatherReal(batch);
  Fakes fakes = MakeFakes("fake", rows, batch.fake, batch.fake_digits, true);
  FakeScores scores = DiscriminatorGradients(batch, true);
  GeneratorGradients(fakes, scores);
  UpdateDiscriminator();
  UpdateGenerator();
}

void TrainingPhases::GeneratorFirst(int rows) {
  builder_.BeginPhase(PhaseKind::kStep, rows);
  phase_ = fmt::format("step[{}]", rows);
  builder_.Emit(AdvanceStep{state_.step}, "step");
  const Batch batch = DeclareBatch(rows);
  if (config_.training.reuse_fakes) {
    Fakes fakes = MakeFakes("fake", rows, batch.fake, batch.fake_digits, true);
    TrainGenerator(fakes);
  } else {
    const int own = config_.training.generator_batch_size;
    Fakes fakes = MakeFakes("generator", own > 0 ? own : rows, kNoTensor, kNoTensor, true);
    TrainGenerator(fakes);
    MakeFakes("fake", rows, batch.fake, batch.fake_digits, true);
  }
  GatherReal(batch);
  DiscriminatorGradients(batch, false);
  UpdateDiscriminator();
}

void TrainingPhases::DiscriminatorFirst(int rows) {
  const bool apart = config_.training.discriminator_steps > 1;
  builder_.BeginPhase(apart ? PhaseKind::kDStep : PhaseKind::kStep, rows);
  phase_ = fmt::format("{}[{}]", apart ? "d_step" : "step", rows);
  builder_.Emit(AdvanceStep{state_.step}, "step");
  const Batch batch = DeclareBatch(rows);
  GatherReal(batch);
  Fakes fakes = MakeFakes("fake", rows, batch.fake, batch.fake_digits, true);
  DiscriminatorGradients(batch, false);
  UpdateDiscriminator();
  if (config_.training.reuse_fakes) {
    TrainGenerator(fakes);
  } else {
    if (apart) {
      builder_.BeginPhase(PhaseKind::kGStep, rows);
      phase_ = fmt::format("g_step[{}]", rows);
    }
    const int own = config_.training.generator_batch_size;
    Fakes fresh = MakeFakes("generator", own > 0 ? own : rows, kNoTensor, kNoTensor, true);
    TrainGenerator(fresh);
  }
}

void TrainingPhases::Sample(int rows) {
  const NetworkState& generator = state_.generator;
  const bool ema = !generator.ema.values.empty();
  EmitSamplePhase(builder_, generator, ema ? generator.ema : generator.params, options_, ema, rows);
}

void TrainingPhases::CheckAccuracy() {
  const int rows = static_cast<int>(std::min<int64_t>(kAccuracyRows, state_.data_count));
  builder_.BeginPhase(PhaseKind::kAccuracy, rows);
  phase_ = fmt::format("accuracy[{}]", rows);
  const Batch batch = DeclareBatch(rows);
  const float scale =
      static_cast<float>((config_.data.pixel_range[1] - config_.data.pixel_range[0]) / 255);
  builder_.Emit(GatherBatch{state_.data_images, state_.data_labels, state_.step, batch.real,
                            batch.real_digits, state_.data_count, 1, rows, scale,
                            static_cast<float>(config_.data.pixel_range[0]),
                            builder_.Stream("accuracy/shuffle")},
                Prefixed("real"));
  MakeFakes("accuracy", rows, batch.fake, batch.fake_digits, false);
  NetworkPass pass = DiscriminatorPass("d", {}, false);
  const TensorId logits =
      pass.Forward(DiscriminatorInputs("d", batch.images, batch.digits, 2 * rows), 2 * rows);
  EmitAccuracy(LossPart::kReal, builder_.Rows(logits, 0, rows), batch.real_digits, state_.accuracy,
               kNoTensor);
  EmitAccuracy(LossPart::kFake, builder_.Rows(logits, rows, rows), batch.fake_digits,
               state_.accuracy, kNoTensor);
}

// ---- sources
// ----------------------------------------------------------------------------------------

TrainingPhases::Batch TrainingPhases::DeclareBatch(int rows) {
  Batch batch;
  batch.rows = rows;
  batch.images = builder_.Transient(Prefixed("images"), 2 * rows, kImage);
  batch.digits = builder_.Transient(Prefixed("digits"), 2 * rows, kOne, DType::kI32);
  batch.real = builder_.Rows(batch.images, 0, rows);
  batch.fake = builder_.Rows(batch.images, rows, rows);
  batch.real_digits = builder_.Rows(batch.digits, 0, rows);
  batch.fake_digits = builder_.Rows(batch.digits, rows, rows);
  return batch;
}

void TrainingPhases::GatherReal(const Batch& batch) {
  EmitGather(builder_, config_, state_, batch.real, batch.real_digits, Prefixed("real"));
}

TrainingPhases::Fakes TrainingPhases::MakeFakes(const std::string& purpose, int rows, TensorId into,
                                                TensorId digits_into, bool training) {
  const Graph& graph = *state_.generator.graph;
  const std::string name = Prefixed("g_" + purpose);
  const std::string prefix = purpose == "accuracy" ? "accuracy/" : "";
  const std::string suffix = purpose == "generator" ? "/generator" : "";
  TensorId digits = kNoTensor;
  if (labelled_) {
    digits = digits_into != kNoTensor
                 ? digits_into
                 : builder_.Transient(name + ".digits", rows, kOne, DType::kI32);
    builder_.Emit(DrawDigits{state_.step, digits, config_.data.Classes(),
                             builder_.Stream(prefix + "digits" + suffix)},
                  name + "/digits");
  }
  std::vector<TensorId> inputs;
  for (const InputSpec& input : graph.inputs) {
    inputs.push_back(builder_.Transient(name + "/" + input.name, rows, input.shape));
    if (input.kind == InputSpec::Kind::kDigit) {
      builder_.Emit(OneHot{digits, inputs.back()}, name);
    } else {
      // The first latent input has the plain stream name, others add theirs.
      const bool first =
          &input == &graph.inputs[static_cast<size_t>(graph.FindInput(InputSpec::Kind::kLatent))];
      const std::string stream = prefix + "latents" + suffix + (first ? "" : "." + input.name);
      builder_.Emit(
          DrawLatents{state_.step, inputs.back(), input.distribution, builder_.Stream(stream)},
          name);
    }
  }
  const bool for_generator = purpose == "generator" || config_.training.reuse_fakes;
  Fakes fakes{NetworkPass(builder_, state_.generator, state_.generator.params,
                          {.name = name,
                           .training = training,
                           .fuse = options_.fuse,
                           .conv_epilogue = options_.conv_epilogue,
                           .dense_epilogue = options_.dense_epilogue,
                           .step = state_.step,
                           .rows = {{0, for_generator ? "generator" : "fake"}}}),
              kNoTensor, digits, rows};
  fakes.images = fakes.pass.Forward(inputs, rows, into);
  return fakes;
}

// ---- the discriminator
// ------------------------------------------------------------------------------

NetworkPass TrainingPhases::DiscriminatorPass(const std::string& name, std::vector<PassRows> rows,
                                              bool training) {
  return NetworkPass(builder_, state_.discriminator, state_.discriminator.params,
                     {.name = Prefixed(name),
                      .training = training,
                      .fuse = options_.fuse,
                      .conv_epilogue = options_.conv_epilogue,
                      .dense_epilogue = options_.dense_epilogue,
                      .step = state_.step,
                      .rows = std::move(rows)});
}

std::vector<TensorId> TrainingPhases::DiscriminatorInputs(const std::string& name, TensorId images,
                                                          TensorId digits, int rows) {
  std::vector<TensorId> inputs;
  for (const InputSpec& input : state_.discriminator.graph->inputs) {
    if (input.kind == InputSpec::Kind::kImage) {
      inputs.push_back(images);
      continue;
    }
    inputs.push_back(builder_.Transient(Prefixed(name + "/" + input.name), rows, input.shape));
    builder_.Emit(OneHot{digits, inputs.back()}, Prefixed(name));
  }
  return inputs;
}

TrainingPhases::FakeScores TrainingPhases::DiscriminatorGradients(const Batch& batch,
                                                                  bool for_generator) {
  if (state_.discriminator.graph->CouplesBatch()) {
    DiscriminatorGradientsApart(LossPart::kReal, batch, false);
    return DiscriminatorGradientsApart(LossPart::kFake, batch, for_generator);
  }
  NetworkPass pass = DiscriminatorPass("d", {{0, "real"}, {batch.rows, "fake"}}, true);
  const int both = 2 * batch.rows;
  const TensorId logits =
      pass.Forward(DiscriminatorInputs("d", batch.images, batch.digits, both), both);
  const TensorId grad =
      builder_.Transient(Prefixed("d.grad.logits"), both, builder_.info(logits).shape);
  const auto half = [&](TensorId tensor, int i) {
    return builder_.Rows(tensor, i * batch.rows, batch.rows);
  };
  EmitLoss(LossPart::kReal, half(logits, 0), batch.real_digits, half(grad, 0), Metric::kDLoss,
           false);
  EmitLoss(LossPart::kFake, half(logits, 1), batch.fake_digits, half(grad, 1), Metric::kDLoss,
           true);
  // Of one output, G's gradient at an image is D's times a number: one way back serves both.
  const bool relative =
      for_generator && options_.fuse && config_.training.loss.kind == LossKind::kBce;
  const TensorId generator_grad =
      for_generator ? GeneratorLoss(half(logits, 1), batch.fake_digits, batch.rows, relative)
                    : kNoTensor;
  const int input = relative ? discriminator_image_ : -1;
  const TensorId image_grad =
      pass.Backward(grad, {Prefixed("d"), true, GradientMode::kOverwrite, input, 0, both});
  return {std::move(pass), generator_grad, batch.rows, relative ? half(image_grad, 1) : kNoTensor};
}

// With batch norm in D, real and fake images are normalised each by their own statistics.
TrainingPhases::FakeScores TrainingPhases::DiscriminatorGradientsApart(LossPart part,
                                                                       const Batch& batch,
                                                                       bool for_generator) {
  const bool real = part == LossPart::kReal;
  const std::string name = real ? "d_real" : "d_fake";
  NetworkPass pass = DiscriminatorPass(name, {{0, real ? "real" : "fake"}}, true);
  const TensorId digits = real ? batch.real_digits : batch.fake_digits;
  const TensorId logits = pass.Forward(
      DiscriminatorInputs(name, real ? batch.real : batch.fake, digits, batch.rows), batch.rows);
  const TensorId grad =
      builder_.Transient(Prefixed(name + ".grad.logits"), batch.rows, builder_.info(logits).shape);
  EmitLoss(part, logits, digits, grad, Metric::kDLoss, !real);
  const TensorId generator_grad =
      for_generator ? GeneratorLoss(logits, digits, batch.rows, false) : kNoTensor;
  const GradientMode mode = real ? GradientMode::kOverwrite : GradientMode::kAccumulate;
  pass.Backward(grad, {Prefixed(name), true, mode, -1, 0, batch.rows});
  return {std::move(pass), generator_grad, 0};
}

// ---- the generator
// ----------------------------------------------------------------------------------

TrainingPhases::FakeScores TrainingPhases::ScoreFakes(const Fakes& fakes) {
  NetworkPass pass = DiscriminatorPass("through", {{0, "generator"}}, true);
  const TensorId logits = pass.Forward(
      DiscriminatorInputs("through", fakes.images, fakes.digits, fakes.rows), fakes.rows);
  return {std::move(pass), GeneratorLoss(logits, fakes.digits, fakes.rows, false), 0};
}

TensorId TrainingPhases::GeneratorLoss(TensorId logits, TensorId digits, int rows, bool relative) {
  const TensorId grad =
      builder_.Transient(Prefixed("through.grad.logits"), rows, builder_.info(logits).shape);
  EmitLoss(LossPart::kGenerator, logits, digits, grad, Metric::kGLoss, false, relative);
  return grad;
}

void TrainingPhases::TrainGenerator(Fakes& fakes) {
  FakeScores scores = ScoreFakes(fakes);
  GeneratorGradients(fakes, scores);
  UpdateGenerator();
}

void TrainingPhases::GeneratorGradients(Fakes& fakes, FakeScores& scores) {
  TensorId grad_image = kNoTensor;
  if (scores.image_grad != kNoTensor) {
    grad_image = builder_.Transient(Prefixed("through/grad/image"), fakes.rows, kImage);
    builder_.Emit(BinaryForward{BinaryKind::kMultiply, true, scores.image_grad,
                                scores.generator_grad, grad_image},
                  Prefixed("through"));
  } else {
    grad_image = scores.pass.Backward(
        scores.generator_grad,
        {Prefixed("through"), false, {}, discriminator_image_, scores.first_row, fakes.rows});
  }
  fakes.pass.Backward(grad_image,
                      {Prefixed("g"), true, GradientMode::kOverwrite, -1, 0, fakes.rows});
}

// ---- losses and updates
// -----------------------------------------------------------------------------

void TrainingPhases::EmitLoss(LossPart part, TensorId logits, TensorId digits, TensorId grad,
                              Metric metric, bool add, bool relative) {
  const LossSpec& loss = config_.training.loss;
  const float discriminator_weight = loss.average_real_fake ? 0.5f : 1.0f;
  builder_.Emit(
      Loss{loss.kind, part, part == LossPart::kGenerator ? 1.0f : discriminator_weight,
           static_cast<float>(loss.label_smoothing), relative ? discriminator_weight : 0.0f, logits,
           IsLabelled(loss.kind) ? digits : kNoTensor, grad, state_.metrics, state_.step, metric,
           add},
      Prefixed("loss"));
  if (part != LossPart::kGenerator) {
    EmitAccuracy(part, logits, digits, state_.metrics, state_.step);
  }
}

void TrainingPhases::EmitAccuracy(LossPart part, TensorId logits, TensorId digits, TensorId metrics,
                                  TensorId step) {
  const LossKind kind = config_.training.loss.kind;
  builder_.Emit(Accuracy{kind, part, logits, IsLabelled(kind) ? digits : kNoTensor, metrics, step,
                         part == LossPart::kReal ? Metric::kDAccuracyReal : Metric::kDAccuracyFake},
                Prefixed("accuracy"));
}

void TrainingPhases::UpdateDiscriminator() {
  const int64_t updates = config_.training.epochs * state_.steps_per_epoch;
  EmitUpdate(builder_, state_.discriminator, config_.training.discriminator, 1, updates,
             state_.step, phase_);
}

void TrainingPhases::UpdateGenerator() {
  const int64_t period = config_.training.discriminator_steps;
  const int64_t updates = config_.training.epochs * state_.steps_per_epoch / period;
  const NetworkState& generator = state_.generator;
  EmitUpdate(builder_, generator, config_.training.generator, period, std::max<int64_t>(updates, 1),
             state_.step, phase_);
  EmitAverage(builder_, generator, config_.training.ema_decay, Prefixed("ema"));
}

}  // namespace numeral
