// The training section: order of updates, loss, optimizers, schedules.
#include "config/object_reader.h"
#include "config/sections.h"

namespace numeral::config_detail {
namespace {

constexpr std::string_view kAnySchedule = "/training/optimizers/*/schedule/*";

ScheduleSpec ReadSchedule(const ObjectReader& optimizer) {
  const ObjectReader reader = ReadKind(optimizer.Raw("schedule"), optimizer.At("schedule"),
                                       kSchedules, "type", optimizer.convention());
  ScheduleSpec schedule;
  schedule.kind = reader.Choice<ScheduleSpec::Kind>("type");
  if (schedule.kind != ScheduleSpec::Kind::kConstant) {
    schedule.start = reader.Number("start");
    schedule.end = reader.Number("end");
  }
  return schedule;
}

AdamSpec ReadOptimizer(const ObjectReader& reader) {
  reader.ChoiceText("type");  // there is one kind so far: this refuses every other
  return {reader.Number("learning_rate"),
          reader.Number("beta1"),
          reader.Number("beta2"),
          reader.Number("epsilon"),
          reader.convention() == Convention::kKeras,
          ReadSchedule(reader)};
}

LossKind UsualLoss(RunKind kind) {
  switch (kind) {
    case RunKind::kClassifier:
      return LossKind::kCrossEntropy;
    case RunKind::kLatentPredictor:
      return LossKind::kMeanSquared;
    case RunKind::kGan:
      break;
  }
  return LossKind::kBce;
}

LossSpec ReadLoss(const ObjectReader& reader, RunKind kind) {
  const LossKind otherwise = UsualLoss(kind);
  return {reader.Has("type") ? reader.Choice<LossKind>("type") : otherwise,
          reader.Number("label_smoothing"), reader.ChoiceText("combine") == "mean"};
}

// What means nothing for this kind of run is a mistake.
void RefuseForeign(const ObjectReader& reader, RunKind kind) {
  const auto refuse = [&](const ObjectReader& object, std::string_view key) {
    if (!object.Has(key)) return;
    BadValue(object.At(key), "means nothing in the training of {}",
             kind == RunKind::kClassifier        ? "a classifier"
             : kind == RunKind::kLatentPredictor ? "a latent predictor"
                                                 : "a generator and a discriminator");
  };
  const ObjectReader optimizers = reader.Object("optimizers", kOptimizers);
  if (kind != RunKind::kClassifier) refuse(optimizers, "classifier");
  if (kind != RunKind::kLatentPredictor) refuse(optimizers, "latent_predictor");
  if (kind == RunKind::kGan) return;
  for (const char* key : {"generator_batch_size", "order", "fakes", "discriminator_steps"}) {
    refuse(reader, key);
  }
  for (const char* key : {"generator", "discriminator"}) refuse(optimizers, key);
  const ObjectReader loss = reader.Object("loss", kLoss);
  refuse(loss, "combine");
  if (kind == RunKind::kLatentPredictor) refuse(loss, "label_smoothing");
}

bool ReusesFakes(const ObjectReader& reader, TrainingSpec::Order order) {
  if (reader.Has("fakes")) return reader.ChoiceText("fakes") == "reused";
  return order != TrainingSpec::Order::kDiscriminatorFirst;
}

Json WriteOptimizer(const AdamSpec& adam) {
  Json schedule = {{"type", ChoiceName(kAnySchedule, "type", adam.schedule.kind)}};
  if (adam.schedule.kind != ScheduleSpec::Kind::kConstant) {
    schedule["start"] = adam.schedule.start;
    schedule["end"] = adam.schedule.end;
  }
  return {{"type", "adam"},          {"learning_rate", adam.learning_rate},
          {"beta1", adam.beta1},     {"beta2", adam.beta2},
          {"epsilon", adam.epsilon}, {"schedule", std::move(schedule)}};
}

}  // namespace

TrainingSpec ReadTraining(const ObjectReader& reader, RunKind kind) {
  RefuseForeign(reader, kind);
  const ObjectReader optimizers = reader.Object("optimizers", kOptimizers);
  TrainingSpec training;
  training.epochs = reader.Int("epochs");
  training.batch_size = reader.Int("batch_size");
  training.generator_batch_size = reader.Int("generator_batch_size");
  training.steps_per_epoch = reader.Int("steps_per_epoch");
  training.order = reader.Choice<TrainingSpec::Order>("order");
  training.reuse_fakes = ReusesFakes(reader, training.order);
  training.discriminator_steps = reader.Int("discriminator_steps");
  training.loss = ReadLoss(reader.Object("loss", kLoss), kind);
  training.generator = ReadOptimizer(optimizers.Object("generator", kOptimizer));
  training.discriminator = ReadOptimizer(optimizers.Object("discriminator", kOptimizer));
  training.classifier = ReadOptimizer(optimizers.Object("classifier", kOptimizer));
  training.latent_predictor = ReadOptimizer(optimizers.Object("latent_predictor", kOptimizer));
  training.ema_decay = reader.Number("ema");
  return training;
}

Json WriteTraining(const TrainingSpec& training, RunKind kind) {
  const LossSpec& loss = training.loss;
  Json json = {{"epochs", training.epochs},
               {"batch_size", training.batch_size},
               {"steps_per_epoch", training.steps_per_epoch},
               {"loss", {{"type", ChoiceName(kLoss, "type", loss.kind)}}},
               {"ema", training.ema_decay}};
  if (kind == RunKind::kLatentPredictor) {
    json["optimizers"]["latent_predictor"] = WriteOptimizer(training.latent_predictor);
    return json;
  }
  json["loss"]["label_smoothing"] = loss.label_smoothing;
  if (kind == RunKind::kClassifier) {
    json["optimizers"]["classifier"] = WriteOptimizer(training.classifier);
    return json;
  }
  json["generator_batch_size"] = training.generator_batch_size;
  json["order"] = ChoiceName(kTraining, "order", training.order);
  json["fakes"] = training.reuse_fakes ? "reused" : "fresh";
  json["discriminator_steps"] = training.discriminator_steps;
  json["loss"]["combine"] = loss.average_real_fake ? "mean" : "sum";
  json["optimizers"] = {{"generator", WriteOptimizer(training.generator)},
                        {"discriminator", WriteOptimizer(training.discriminator)}};
  return json;
}

}  // namespace numeral::config_detail
