#include "train/session.h"

#include <algorithm>
#include <array>

#include "checkpoint/weights.h"
#include "render/image.h"
#include "train/network_values.h"
#include "util/error.h"

namespace numeral {
namespace {

// What the engine cannot do is refused before anything is compiled for it.
void CheckSupported(const Config& config, const Plan& plan, const Engine& engine) {
  for (const Phase& phase : plan.phases) {
    for (const PhaseOp& op : phase.ops) {
      if (engine.Supports(op.op)) continue;
      BadInput("{}: the {} engine has no {} ({})", config.name, engine.capabilities().name,
               OpName(op.op), op.label);
    }
  }
}

}  // namespace

void CheckPrecision(const Config& config, const Engine& engine) {
  const auto& precisions = engine.capabilities().precisions;
  if (std::find(precisions.begin(), precisions.end(), config.precision) == precisions.end()) {
    BadInput("{}: /precision: the {} engine computes in fp32 only", config.name,
             engine.capabilities().name);
  }
}

Session::Session(const Config& config, const Dataset& data, Engine& engine, bool fuse)
    : config_(config),
      data_count_(data.count()),
      steps_per_epoch_(StepsPerEpoch(config, data.count())),
      generator_(BuildGraph(config.generator, config.convention, config.name)),
      discriminator_(BuildGraph(config.discriminator, config.convention, config.name)),
      sample_rows_(SampleRows(config)) {
  CheckPrecision(config, engine);
  const Capabilities& capabilities = engine.capabilities();
  plan_ = std::make_shared<const Plan>(CompilePlan(config_, generator_, discriminator_,
                                                   {.fuse = fuse,
                                                    .conv_epilogue = capabilities.conv_epilogue,
                                                    .dense_epilogue = capabilities.dense_epilogue,
                                                    .data_count = data_count_,
                                                    .sample_rows = sample_rows_}));
  CheckSupported(config_, *plan_, engine);
  executable_ = engine.Compile(plan_);
  executable_->WriteAll(RequireTensor(*plan_, "data/images"), data.pixels);
  executable_->WriteAll(RequireTensor(*plan_, "data/labels"), data.labels);
}

void Session::Initialise() {
  for (const Graph* graph : {&generator_, &discriminator_}) {
    const NetworkValues values = InitialNetworkValues(*graph, config_.seed);
    WriteValues(*executable_, *plan_, *graph, graph->name, values);
    if (graph == &generator_ && config_.training.ema_decay > 0) {
      WriteValues(*executable_, *plan_, *graph, "generator/ema", values);
    }
  }
  PrepareWeights();
}

void Session::PrepareWeights() { executable_->Enqueue(plan_->FindPhase(PhaseKind::kPrepare, 0)); }

void Session::Step(int64_t step) {
  const int batch = BatchOf(step);
  const int whole = plan_->FindPhase(PhaseKind::kStep, batch);
  if (whole >= 0) return executable_->Enqueue(whole);
  executable_->Enqueue(plan_->FindPhase(PhaseKind::kDStep, batch));
  if (GeneratorStep(config_, step)) {
    executable_->Enqueue(plan_->FindPhase(PhaseKind::kGStep, batch));
  }
}

std::vector<float> Session::Metrics() {
  return executable_->ReadAll<float>(RequireTensor(*plan_, "metrics"), kMetricsRing * kMetricCount);
}

std::array<double, 2> Session::CheckAccuracy() {
  const auto phase = std::find_if(plan_->phases.begin(), plan_->phases.end(),
                                  [](const Phase& p) { return p.kind == PhaseKind::kAccuracy; });
  executable_->Enqueue(static_cast<int>(phase - plan_->phases.begin()));
  const auto values = executable_->ReadAll<float>(RequireTensor(*plan_, "accuracy"), kMetricCount);
  return {values[static_cast<size_t>(Metric::kDAccuracyReal)],
          values[static_cast<size_t>(Metric::kDAccuracyFake)]};
}

std::vector<uint8_t> Session::Sample(const std::vector<std::vector<float>>& latents,
                                     const std::vector<int32_t>& digits, int count) {
  const int phase = plan_->FindPhase(PhaseKind::kSample, sample_rows_);
  const auto rows = static_cast<size_t>(sample_rows_);
  std::vector<float> images;
  for (size_t first = 0; first < static_cast<size_t>(count); first += rows) {
    const size_t used = std::min(rows, static_cast<size_t>(count) - first);
    size_t latent = 0;
    for (const InputSpec& input : generator_.inputs) {
      if (input.kind != InputSpec::Kind::kLatent) continue;
      const auto size = static_cast<size_t>(input.shape.c);
      std::vector<float> part(rows * size, 0.0f);
      const auto begin = latents[latent++].begin() + static_cast<int64_t>(first * size);
      std::copy(begin, begin + static_cast<int64_t>(used * size), part.begin());
      executable_->WriteAll(RequireTensor(*plan_, "sample/" + input.name), part);
    }
    if (!digits.empty()) {
      std::vector<int32_t> part(rows, 0);
      const auto begin = digits.begin() + static_cast<int64_t>(first);
      std::copy(begin, begin + static_cast<int64_t>(used), part.begin());
      executable_->WriteAll(RequireTensor(*plan_, "sample.digits"), part);
    }
    executable_->Enqueue(phase);
    const auto part = executable_->ReadAll<float>(RequireTensor(*plan_, "sample.images"),
                                                  sample_rows_ * kImagePixels);
    images.insert(images.end(), part.begin(),
                  part.begin() + static_cast<int64_t>(used * kImagePixels));
  }
  return ToPixels(images, config_.data.pixel_range[0], config_.data.pixel_range[1]);
}

void Session::SaveGenerator(const std::filesystem::path& path) {
  SaveWeights(path, {config_.generator, config_.convention, config_.data.pixel_range}, generator_,
              ReadValues(*executable_, *plan_, generator_, GeneratorPrefix()));
}

void Session::SaveDiscriminator(const std::filesystem::path& path) {
  SaveWeights(path, {config_.discriminator, config_.convention, config_.data.pixel_range},
              discriminator_, ReadValues(*executable_, *plan_, discriminator_, "discriminator"));
}

}  // namespace numeral
