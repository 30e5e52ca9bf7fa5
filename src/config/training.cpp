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

LossSpec ReadLoss(const ObjectReader& reader) {
  return {reader.Choice<LossKind>("type"), reader.Number("label_smoothing"),
          reader.ChoiceText("combine") == "mean"};
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

TrainingSpec ReadTraining(const ObjectReader& reader) {
  const ObjectReader optimizers = reader.Object("optimizers", kOptimizers);
  TrainingSpec training;
  training.epochs = reader.Int("epochs");
  training.batch_size = reader.Int("batch_size");
  training.generator_batch_size = reader.Int("generator_batch_size");
  training.steps_per_epoch = reader.Int("steps_per_epoch");
  training.order = reader.Choice<TrainingSpec::Order>("order");
  training.reuse_fakes = ReusesFakes(reader, training.order);
  training.discriminator_steps = reader.Int("discriminator_steps");
  training.loss = ReadLoss(reader.Object("loss", kLoss));
  training.generator = ReadOptimizer(optimizers.Object("generator", kOptimizer));
  training.discriminator = ReadOptimizer(optimizers.Object("discriminator", kOptimizer));
  training.ema_decay = reader.Number("ema");
  return training;
}

Json WriteTraining(const TrainingSpec& training) {
  const LossSpec& loss = training.loss;
  return {{"epochs", training.epochs},
          {"batch_size", training.batch_size},
          {"generator_batch_size", training.generator_batch_size},
          {"steps_per_epoch", training.steps_per_epoch},
          {"order", ChoiceName(kTraining, "order", training.order)},
          {"fakes", training.reuse_fakes ? "reused" : "fresh"},
          {"discriminator_steps", training.discriminator_steps},
          {"loss",
           {{"type", ChoiceName(kLoss, "type", loss.kind)},
            {"label_smoothing", loss.label_smoothing},
            {"combine", loss.average_real_fake ? "mean" : "sum"}}},
          {"optimizers",
           {{"generator", WriteOptimizer(training.generator)},
            {"discriminator", WriteOptimizer(training.discriminator)}}},
          {"ema", training.ema_decay}};
}

}  // namespace numeral::config_detail
