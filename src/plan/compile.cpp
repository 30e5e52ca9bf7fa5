#include "plan/compile.h"

#include <algorithm>

#include "plan/builder.h"
#include "plan/training_phases.h"
#include "util/error.h"

namespace numeral {
namespace {

void CheckFit(const Config& config, const Graph& generator, const Graph& discriminator) {
  for (const Graph* graph : {&generator, &discriminator}) {
    if (graph->TrainableElems() == 0) {
      BadInput("{}: /networks/{}: nothing in it can be trained; give it a dense or conv layer",
               config.name, graph->name);
    }
  }
  const int image = discriminator.FindInput(InputSpec::Kind::kImage);
  const Shape& wanted = discriminator.inputs[static_cast<size_t>(image)].shape;
  if (generator.output_shape() != wanted) {
    BadInput("{}: /networks/generator: the output is {}, the discriminator takes images of {}",
             config.name, ToString(generator.output_shape()), ToString(wanted));
  }
  const Shape scores = Shape::Flat(OutputsOf(config.training.loss.kind));
  if (discriminator.output_shape() != scores) {
    BadInput("{}: /networks/discriminator: the output is {}, the loss takes {} flat features",
             config.name, ToString(discriminator.output_shape()), scores.c);
  }
}

}  // namespace

int SampleRows(const Config& config) {
  constexpr int kMost = 100;
  return std::min(config.output.grid_rows * config.output.grid_columns, kMost);
}

int64_t StepsPerEpoch(const Config& config, int64_t data_count) {
  const TrainingSpec& training = config.training;
  const int64_t whole = data_count / training.batch_size;
  const int64_t rest = data_count % training.batch_size;
  int64_t steps = whole + (rest != 0 && config.data.keep_last_batch ? 1 : 0);
  if (training.steps_per_epoch > 0) {
    if (training.steps_per_epoch > steps) {
      BadInput("{}: /training/steps_per_epoch: {} is more than the {} batches in the data",
               config.name, training.steps_per_epoch, steps);
    }
    steps = training.steps_per_epoch;
  }
  if (steps == 0) {
    BadInput(
        "{}: /training/batch_size: {} images do not fill one batch of {}; lower it or keep the "
        "last batch",
        config.name, data_count, training.batch_size);
  }
  return steps;
}

int BatchOfStep(const Config& config, int64_t data_count, int64_t step) {
  const int64_t begin = (step % StepsPerEpoch(config, data_count)) * config.training.batch_size;
  return static_cast<int>(std::min<int64_t>(config.training.batch_size, data_count - begin));
}

bool GeneratorStep(const Config& config, int64_t step) {
  return (step + 1) % config.training.discriminator_steps == 0;
}

Plan CompilePlan(const Config& config, const Graph& generator, const Graph& discriminator,
                 const PlanOptions& options) {
  CheckFit(config, generator, discriminator);
  PlanBuilder builder(config.seed);
  const RunState state = DeclareRun(builder, config, generator, discriminator, options.data_count);
  TrainingPhases phases(builder, config, state, options);
  phases.Prepare();
  const int64_t steps = StepsPerEpoch(config, options.data_count);
  const int full = BatchOfStep(config, options.data_count, 0);
  const int last = BatchOfStep(config, options.data_count, steps - 1);
  phases.Train(full);
  if (last != full) phases.Train(last);
  if (options.sample_rows > 0) phases.Sample(options.sample_rows);
  if (config.output.accuracy_every > 0) phases.CheckAccuracy();
  return builder.Finish(options);
}

}  // namespace numeral
