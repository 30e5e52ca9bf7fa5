#include "train/replicas.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "util/files.h"
#include "util/interrupt.h"
#include "util/progress.h"
#include "util/threads.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookEvery(100);

class Replicas {
 public:
  Replicas(const std::vector<Replica>& replicas, const fs::path& group,
           const ReplicasOptions& options)
      : replicas_(replicas), group_(group), options_(options), progress_(replicas.size()) {
    result_.ends.resize(replicas.size());
  }

  ReplicasResult Train() {
    PrepareFirst();
    MakeFolder(group_);
    const auto begin = Clock::now();
    workers_left_ = result_.at_once;
    std::vector<std::jthread> workers;
    for (int i = 0; i < result_.at_once; ++i) workers.emplace_back([this] { Work(); });
    Watch();
    workers.clear();  // joins them
    result_.sharing = sharing_;
    result_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    for (const Position& position : progress_) result_.images += position.images;
    return std::move(result_);
  }

 private:
  // Written by its replica's thread, read by the one that watches.
  struct Position {
    std::atomic<int64_t> step = 0, images = 0;
  };
  struct Prepared {
    std::optional<RunFolder> folder;  // of one that goes on
    std::unique_ptr<PreparedRun> run;
  };

  fs::path Dir(size_t i) const { return group_ / replicas_[i].name; }

  // Decides what holds for all: threads, how many at once, the data that they share.
  void PrepareFirst() {
    const int cores = OfferedThreads();
    for (size_t i = 0; i < replicas_.size() && Resumes() && options_.engine.threads == 0; ++i) {
      options_.engine.threads = RecordedThreads(Dir(i));
    }
    const int count = static_cast<int>(replicas_.size());
    const ThreadLimit share(std::max(1, cores / count));
    first_ = Prepare(0);
    Session& session = first_.run->session();
    shared_ = first_.run->data_memory();
    options_.engine.threads = result_.threads = session.threads();
    result_.engine = session.engine().capabilities().description;
    const int room = result_.threads == 0 ? count : std::max(1, cores / result_.threads);
    result_.at_once = std::min(count, options_.at_once > 0 ? options_.at_once : room);
    opening_ = fmt::format(
        "{}: {} runs, {} at once, each like {}: {}, {} epochs of {} steps on {}; into {}",
        replicas_[0].config.name, count, result_.at_once, replicas_[0].name, first_.run->Learned(),
        replicas_[0].config.training.epochs, session.steps_per_epoch(), result_.engine,
        group_.string());
    total_steps_ = session.total_steps() * count;
    if (options_.train.max_steps > 0) {
      total_steps_ = std::min(session.total_steps(), options_.train.max_steps) * count;
    }
  }

  bool Resumes() const { return options_.train.resume; }

  Prepared Prepare(size_t i) const {
    const Replica& replica = replicas_[i];
    Prepared prepared;
    Config config = replica.config;
    if (Resumes() && HasCheckpoint(Dir(i))) {
      prepared.folder = RunFolder::Resume("", Dir(i).string());
      config = ResumedConfig(*prepared.folder, config);
    }
    const bool shares = replica.data == replicas_[0].data;
    prepared.run =
        std::make_unique<PreparedRun>(config, *replica.data, options_.device, options_.engine,
                                      nullptr, shares ? shared_ : nullptr);
    return prepared;
  }

  // One replica after the other, until none is left.
  void Work() {
    // On a GPU, of what judges them; a CPU's runs bring their own.
    const ThreadLimit share(std::max(1, OfferedThreads() / result_.at_once));
    while (!interrupt_.Requested()) {
      const size_t i = next_++;
      if (i >= replicas_.size()) break;
      ReplicaEnd end = RunOne(i);
      const std::lock_guard lock(mutex_);
      result_.ends[i] = std::move(end);
      ended_.push_back(i);
      changed_.notify_one();
    }
    const std::lock_guard lock(mutex_);
    --workers_left_;
    changed_.notify_one();
  }

  ReplicaEnd RunOne(size_t i) {
    try {
      Prepared prepared = i == 0 ? std::move(first_) : Prepare(i);
      if (shared_ != nullptr && prepared.run->data_memory() == shared_) ++sharing_;
      TrainOptions train = options_.train;
      train.resume = prepared.folder.has_value();
      if (!prepared.folder) {
        // Of a run that was killed before its first checkpoint.
        if (Resumes()) fs::remove(Dir(i) / "metrics.jsonl");
        prepared.folder = RunFolder::Create("", Dir(i).string());
      }
      train.output = FileProgress(Dir(i) / "log.txt");
      train.on_steps = [&position = progress_[i]](int64_t step, int64_t images) {
        position.step = step;
        position.images = images;
      };
      return {.result = prepared.run->Train(*prepared.folder, train), .error = {}};
    } catch (const std::exception& error) {
      return {.result = {}, .error = error.what()};
    }
  }

  // Shows how far they all are, until every worker is done.
  void Watch() {
    Progress progress(StandardErrorProgress(options_.train.quiet),
                      fmt::format("{} runs", replicas_.size()), total_steps_);
    progress.Print(opening_);
    progress.BeginEpoch(1);
    size_t told = 0;
    std::unique_lock lock(mutex_);
    while (true) {
      const bool all_done = workers_left_ == 0;
      for (; told < ended_.size(); ++told) progress.Print(News(ended_[told]));
      int64_t steps = 0, images = 0;
      for (const Position& position : progress_) {
        steps += position.step;
        images += position.images;
      }
      progress.Update(steps, images);
      if (all_done) break;
      changed_.wait_for(lock, kLookEvery);
    }
    progress.EndEpoch();
  }

  std::string News(size_t i) const {
    const ReplicaEnd& end = result_.ends[i];
    const std::string& name = replicas_[i].name;
    if (!end.result) return fmt::format("{} failed: {}", name, end.error);
    const bool whole =
        *end.result == TrainResult::kFinished || *end.result == TrainResult::kConverged;
    return fmt::format("{} is {}", name, whole ? "trained" : "saved");
  }

  const std::vector<Replica>& replicas_;
  const fs::path group_;
  ReplicasOptions options_;
  const InterruptGuard interrupt_;  // outlives those of the loops
  std::vector<Position> progress_;
  Prepared first_;
  std::shared_ptr<DataMemory> shared_;
  int64_t total_steps_ = 0;
  std::string opening_;  // for people
  std::atomic<size_t> next_ = 0;
  std::atomic<int> sharing_ = 0;

  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  ReplicasResult result_;
  std::vector<size_t> ended_;
  int workers_left_ = 0;
};

}  // namespace

ReplicasResult TrainReplicas(const std::vector<Replica>& replicas, const fs::path& group,
                             const ReplicasOptions& options) {
  return Replicas(replicas, group, options).Train();
}

}  // namespace numeral
