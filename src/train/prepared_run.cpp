#include "train/prepared_run.h"

#include <fmt/format.h>

#include "config/parse.h"
#include "util/progress.h"
#include "util/threads.h"

namespace numeral {
namespace {

using Note = std::function<void(const std::string&)>;

int64_t LearnedCount(const Config& config, const RunData& data) {
  return config.TrainsLatentPredictor() ? int64_t{config.pairs.per_digit} * kDigits
                                        : data.images.count();
}

// One number of threads for all that the run computes: it is in run.json, and a run that goes on
// with it has the same bits.
std::unique_ptr<Engine> MakeRunEngine(const Config& config, int64_t data_count,
                                      const std::string& device, EngineOptions options) {
  auto engine = MakeEngine(device, options);
  CheckPrecision(config, *engine);
  if (options.threads > 0) return engine;
  const PlanOptions plan_options = RunPlanOptions(config, engine->capabilities(), data_count);
  options.threads = engine->ThreadsFor(CompileRun(config, BuildNetworks(config), plan_options));
  return options.threads == 0 ? std::move(engine) : MakeEngine(device, options);
}

// Metrics are computed by loops that no engine owns.
std::optional<ThreadLimit> LimitThreads(const Session& session) {
  if (session.threads() == 0) return std::nullopt;
  return std::optional<ThreadLimit>(std::in_place, session.threads());
}

}  // namespace

RunData LoadRunData(const Config& config, const std::filesystem::path& dir) {
  RunData data;
  if (config.TrainsLatentPredictor()) return data;
  data.images = LoadDataset(config.data, dir);
  DataSpec rest = config.data;
  rest.split = HeldOutSplit(rest.split);
  rest.limit = 0;
  if (config.TrainsClassifier() && !rest.split.empty()) data.held_out = LoadDataset(rest, dir);
  return data;
}

Config ResumedConfig(const RunFolder& folder, Config config) {
  if (!std::filesystem::exists(folder.config())) return config;
  const Config saved = LoadConfig(folder.config().string());
  if (config.evaluation.classifier.empty()) config.evaluation = saved.evaluation;
  PairsSpec& pairs = config.pairs;
  if (pairs.generator.empty()) pairs.generator = saved.pairs.generator;
  if (pairs.classifier.empty()) pairs.classifier = saved.pairs.classifier;
  return config;
}

PreparedRun::PreparedRun(const Config& config, const RunData& data, const std::string& device,
                         const EngineOptions& options, const Note& note,
                         std::shared_ptr<DataMemory> shared)
    : config_(config),
      data_(data),
      engine_(MakeRunEngine(config, LearnedCount(config, data), device, options)) {
  if (config_.TrainsLatentPredictor()) {
    DrawPairs(note);
    session_ = std::make_unique<Session>(config_, pairs_, *engine_);
  } else {
    session_ = std::make_unique<Session>(config_, data_.images, *engine_, true, std::move(shared));
  }
  const auto limit = LimitThreads(*session_);
  if (!config_.evaluation.classifier.empty()) quality_.emplace(*session_, data_.images);
}

void PreparedRun::DrawPairs(const Note& note) {
  int shown = 0;
  const int64_t wanted = LearnedCount(config_, data_);
  pairs_ = DrawLatentPairs(config_, *engine_, [&](int64_t kept, int64_t drawn) {
    const int tenth = static_cast<int>(10 * kept / wanted);
    if (!note || tenth == shown) return;
    shown = tenth;
    note(fmt::format("drawing pairs: {} of {} kept, of {} latents", FormatCount(kept),
                     FormatCount(wanted), FormatCount(drawn)));
  });
}

std::string PreparedRun::Learned() const {
  return config_.TrainsLatentPredictor()
             ? fmt::format("{} latents of {}", pairs_.count(), config_.pairs.generator)
             : fmt::format("{} images of {}", data_.images.count(), data_.images.name);
}

std::shared_ptr<DataMemory> PreparedRun::data_memory() const {
  return config_.TrainsLatentPredictor() ? nullptr : session_->executable().Data();
}

TrainResult PreparedRun::Train(const RunFolder& folder, TrainOptions options) {
  const auto limit = LimitThreads(*session_);
  if (quality_) options.quality = &*quality_;
  if (data_.held_out) options.held_out = &*data_.held_out;
  return numeral::Train(*session_, folder, options);
}

}  // namespace numeral
