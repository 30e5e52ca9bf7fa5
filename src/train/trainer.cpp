#include "train/trainer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <deque>
#include <filesystem>

#include "config/parse.h"
#include "inference/classifier.h"
#include "report/report.h"
#include "train/sample_grid.h"
#include "train/step_profile.h"
#include "util/error.h"
#include "util/files.h"
#include "util/interrupt.h"
#include "util/progress.h"

namespace numeral {
namespace {

// Steps between readings of the metrics ring. Of an engine that works on by itself, a reading is
// taken when the next one is due: the ring holds the steps of both and those handed over since.
constexpr int64_t kStepsPerReading = 16;
static_assert(3 * kStepsPerReading <= kMetricsRing);

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Loop {
 public:
  Loop(Session& session, const RunFolder& folder, const TrainOptions& options)
      : session_(session),
        folder_(folder),
        options_(options),
        grid_(session.config()),
        profile_(session, options.profile_first, options.profile_count),
        progress_(options.output ? *options.output : StandardErrorProgress(options.quiet),
                  session.config().training.epochs, session.steps_per_epoch()) {}

  TrainResult Run() {
    Begin();
    const TrainResult result = RunEpochs();
    Report();
    return result;
  }

 private:
  TrainResult RunEpochs() {
    while (position_.step < session_.total_steps()) {
      if (Converged()) return TrainResult::kConverged;
      progress_.BeginEpoch(Epoch() + 1);
      if (StopRequested() || !RunEpoch()) return StopEarly();
      FinishEpoch();
    }
    return TrainResult::kFinished;
  }

  // Whole epochs done.
  int Epoch() const { return static_cast<int>(position_.step / session_.steps_per_epoch()); }
  int64_t StepInEpoch() const { return position_.step % session_.steps_per_epoch(); }

  bool Draws() const { return session_.config().kind() == RunKind::kGan; }

  bool Converged() const {
    return options_.quality != nullptr && options_.quality->ShouldStop(position_.best);
  }

  bool StopRequested() const {
    return interrupt_.Requested() ||
           (options_.max_steps > 0 && position_.step >= options_.max_steps);
  }

  void Begin() {
    if (options_.resume) {
      position_ = session_.Restore(folder_.checkpoint());
      saved_step_ = position_.step;
      if (position_.step > session_.total_steps()) {
        BadInput("{} is at step {} of a run that --epochs or the config ends at step {}",
                 folder_.dir().string(), position_.step, session_.total_steps());
      }
      folder_.TruncateMetrics(position_.metrics_bytes);
      std::filesystem::remove(folder_.stopped_sample());
      progress_.Print(
          fmt::format("resuming {} at step {}", folder_.dir().string(), position_.step));
    } else {
      session_.Initialise();
    }
    WriteFileAtomically(folder_.config(), ToJson(session_.config()).dump(2) + "\n");
    RecordFacts();
    started_ = read_ = position_.step;
    TellSteps();
    BeginTiming();
  }

  void RecordFacts() const {
    if (!options_.report) return;
    RunFacts facts = *options_.report;
    facts.engine = session_.engine().capabilities().description;
    facts.threads = session_.threads();
    facts.steps_per_epoch = session_.steps_per_epoch();
    if (options_.resume) {
      RecordResume(folder_.dir(), facts, position_.step);
    } else {
      RecordStart(folder_.dir(), facts);
    }
  }

  void BeginTiming() {
    segment_start_ = rate_start_ = Now();
    images_ = 0;
  }

  // False where a stop was asked for before the epoch's end.
  bool RunEpoch() {
    const int64_t epoch_end = (Epoch() + 1) * session_.steps_per_epoch();
    images_in_epoch_ = 0;
    for (int64_t s = Epoch() * session_.steps_per_epoch(); s < position_.step; ++s) {
      images_in_epoch_ += session_.BatchOf(s);
    }
    while (position_.step < epoch_end) {
      if (StopRequested()) return false;
      RunSteps(StepsAtOnce(epoch_end));
      // The first step of a process warms up caches and library kernels; the rate leaves it out.
      if (!warm_) {
        ReadMetrics(true);
        warm_ = true;
        rate_start_ = Now();
        images_ = 0;
      }
      if (position_.step - started_ >= kStepsPerReading) ReadMetrics(!WorksOn());
      if (position_.step == epoch_end) ReadMetrics(true);
      ShowProgress();
    }
    return true;
  }

  // Whether the engine works on by itself.
  bool WorksOn() const { return session_.engine().capabilities().steps_at_once > 1; }

  int64_t StepsAtOnce(int64_t epoch_end) const {
    if (!warm_) return 1;
    int64_t end = std::min(epoch_end, profile_.NextEdge(position_.step));
    if (options_.max_steps > 0) end = std::min(end, options_.max_steps);
    const int64_t most = std::min(session_.engine().capabilities().steps_at_once, kStepsPerReading);
    return std::min(most, end - position_.step);
  }

  void RunSteps(int64_t count) {
    profile_.BeforeStep(position_.step);
    session_.Run(position_.step, count);
    for (const int64_t end = position_.step + count; position_.step < end; ++position_.step) {
      const int batch = session_.BatchOf(position_.step);
      images_in_epoch_ += batch;
      images_ += batch;
      all_images_ += batch;
    }
    TellSteps();
    profile_.AfterSteps(position_.step, [this](const std::string& line) { progress_.Print(line); });
  }

  void TellSteps() const {
    if (options_.on_steps) options_.on_steps(position_.step, all_images_);
  }

  void ShowProgress() {
    const int64_t done = StepInEpoch() == 0 ? session_.steps_per_epoch() : StepInEpoch();
    progress_.Update(done, images_in_epoch_, LatestFigures());
  }

  std::vector<Progress::Figure> LatestFigures() const {
    const auto latest = [&](Metric metric) { return latest_[static_cast<size_t>(metric)]; };
    switch (session_.config().kind()) {
      case RunKind::kClassifier:
        return {{"loss", latest(Metric::kLoss)}, {"accuracy", latest(Metric::kAccuracy)}};
      case RunKind::kLatentPredictor:
        return {{"loss", latest(Metric::kLoss)}};
      case RunKind::kGan:
        break;
    }
    return {{"d", latest(Metric::kDLoss)}, {"g", latest(Metric::kGLoss)}};
  }

  // The line that stays shows the epoch, not its last step.
  void ShowEpochMeans() {
    for (int m = 0; m < kMetricCount; ++m) {
      const auto metric = static_cast<Metric>(m);
      latest_[static_cast<size_t>(m)] = position_.metrics.Mean(metric).value_or(0);
    }
    ShowProgress();
  }

  // Starts a reading of the metrics of all steps so far, and takes into the epoch's means those
  // started before; with `all`, also this one, which waits for the engine.
  void ReadMetrics(bool all) {
    if (started_ < position_.step) {
      session_.StartMetrics();
      started_ = position_.step;
      readings_.push_back(started_);
    }
    while (readings_.size() > (all ? 0 : 1)) TakeReading();
  }

  void TakeReading() {
    const std::vector<float> ring = session_.FinishMetrics();
    const int64_t end = readings_.front();
    readings_.pop_front();
    for (; read_ < end; ++read_) {
      const float* row = ring.data() + read_ % kMetricsRing * kMetricCount;
      for (const Metric metric : session_.MetricsOf(read_)) {
        const auto m = static_cast<size_t>(metric);
        CheckFinite(metric, row[m]);
        position_.metrics.Add(metric, row[m]);
        latest_[m] = row[m];
      }
    }
  }

  void CheckFinite(Metric metric, float value) const {
    if (std::isfinite(value)) return;
    const bool saved = std::filesystem::exists(folder_.checkpoint());
    Fail("step {}: the {} loss is {}; training stopped, {}", read_ + 1,
         metric == Metric::kGLoss                    ? "generator's"
         : metric == Metric::kDLoss                  ? "discriminator's"
         : session_.config().TrainsLatentPredictor() ? "latent predictor's"
                                                     : "classifier's",
         value,
         saved ? fmt::format("the last good checkpoint is {}", folder_.checkpoint().string())
               : "no checkpoint was written yet");
  }

  MetricsLine Line() {
    const double now = Now();
    position_.seconds += now - segment_start_;
    MetricsLine line{
        .epoch = (static_cast<int>((position_.step - 1) / session_.steps_per_epoch())) + 1,
        .step = position_.step,
        .seconds = position_.seconds,
        .images_per_second =
            now > rate_start_ ? static_cast<double>(images_) / (now - rate_start_) : 0,
        .metrics = position_.metrics,
        .checked_accuracy_real = {},
        .checked_accuracy_fake = {},
        .quality = {},
        .test_accuracy = {}};
    return line;
  }

  void FinishEpoch() {
    MetricsLine line = Line();
    const OutputSpec& output = session_.config().output;
    const bool last = position_.step == session_.total_steps();
    ShowEpochMeans();
    progress_.EndEpoch();
    if (output.accuracy_every > 0 && (Epoch() % output.accuracy_every == 0 || last)) {
      const auto [real, fake] = session_.CheckAccuracy();
      line.checked_accuracy_real = real;
      line.checked_accuracy_fake = fake;
      progress_.Print(
          fmt::format("epoch {}: discriminator accuracy {:.0f}% on real, {:.0f}% on fake", Epoch(),
                      real * 100, fake * 100));
    }
    if (last && session_.config().TrainsClassifier()) Test(line);
    if (Draws() && (Epoch() % output.sample_every == 0 || last)) {
      grid_.Draw(session_, folder_.sample(Epoch()));
    }
    Evaluate(line, last);
    folder_.AppendMetrics(ToJsonLine(line));
    position_.metrics = {};
    position_.metrics_bytes = folder_.MetricsBytes();
    const bool save = Epoch() % output.checkpoint_every == 0 || last || StopRequested();
    if (save || Converged()) Save();
    BeginTiming();
  }

  // A classifier on images that it was not trained on.
  void Test(MetricsLine& line) {
    if (options_.held_out == nullptr) return;
    const Graph& network = session_.networks()[0];
    Classifier classifier(session_.Describe(network), session_.Values(network), session_.engine(),
                          session_.config().name);
    const double error =
        ErrorShare(classifier.Read(options_.held_out->pixels), options_.held_out->labels);
    line.test_accuracy = 1 - error;
    progress_.Print(fmt::format("accuracy on {} images of {}: {:.2f}%", options_.held_out->count(),
                                options_.held_out->name, 100 * (1 - error)));
  }

  void Evaluate(MetricsLine& line, bool last) {
    const int every = session_.config().evaluation.every;
    if (options_.quality == nullptr || (Epoch() % every != 0 && !last)) return;
    const Quality quality = options_.quality->Measure();
    const bool best = options_.quality->IsBest(quality, Epoch(), position_.best);
    if (best) session_.SaveNetwork(session_.networks()[0], folder_.best_generator());
    line.quality = quality;
    progress_.Print(fmt::format("epoch {}: {}{}", Epoch(), ToText(quality),
                                best ? "" : fmt::format("; best: epoch {}", position_.best.epoch)));
  }

  TrainResult StopEarly() {
    ReadMetrics(true);
    const MetricsLine line = Line();
    if (saved_step_ != position_.step) Save();
    if (StepInEpoch() != 0) {
      // Behind the checkpoint's mark: a resumed run replaces this line by the whole epoch's.
      folder_.AppendMetrics(ToJsonLine(line));
      if (Draws()) grid_.Draw(session_, folder_.stopped_sample());
    }
    return interrupt_.Requested() ? TrainResult::kInterrupted : TrainResult::kStoppedAtMaxSteps;
  }

  void Save() {
    for (const Graph& network : session_.networks()) {
      session_.SaveNetwork(network, folder_.weights(network.name));
    }
    session_.Save(folder_.checkpoint(), position_);
    saved_step_ = position_.step;
  }

  // All is saved by now: whatever fails here costs a line.
  void Report() {
    if (!options_.report) return;
    try {
      WriteRunReport(ReadRun(folder_.dir()),
                     [this](const std::string& note) { progress_.Print(note); });
    } catch (const std::exception& error) {
      progress_.Print(fmt::format("no report: {}", error.what()));
    }
  }

  Session& session_;
  const RunFolder& folder_;
  const TrainOptions& options_;
  InterruptGuard interrupt_;
  SampleGrid grid_;
  StepProfile profile_;
  Progress progress_;
  RunPosition position_;
  int64_t read_ = 0;              // steps whose metrics were taken
  int64_t started_ = 0;           // steps whose metrics are being read
  std::deque<int64_t> readings_;  // ends of the readings under way
  int64_t saved_step_ = -1;       // of the checkpoint on disk
  std::array<double, kMetricCount> latest_{};
  bool warm_ = false;
  double segment_start_ = 0, rate_start_ = 0;
  int64_t images_ = 0;  // since rate_start_
  int64_t images_in_epoch_ = 0;
  int64_t all_images_ = 0;  // of this process
};

}  // namespace

TrainResult Train(Session& session, const RunFolder& folder, const TrainOptions& options) {
  return Loop(session, folder, options).Run();
}

}  // namespace numeral
