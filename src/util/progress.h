// How far a training run or another long task is, for the person in front of it:
//
//   epoch 3/50  ████░░ 120/235  d 1.312  g 0.845  1,234 images/s  4:12 left
//   drawing  ██░░░░ 40000/100000  9,876 images/s  0:06 left
//
// On a terminal the line is redrawn in place, at most ten times a second and never wider than the
// terminal; elsewhere (a log, a pipe) one line is printed for each epoch; quiet prints nothing.
// Plain text without colour, so NO_COLOR needs no asking. The rate is that of the last seconds of
// training, the time left that of the run so far with its pauses between epochs; both leave out
// what comes before the first update, when engines are still warming up. An epoch's line gives the
// rate of the whole epoch. Nothing here throws: a run does not die of its progress line. Called by
// the loops in train/, from one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace numeral {

// "0:07", "4:12", "1:02:03"; "-:--" for what is no time.
std::string FormatDuration(double seconds);

// "1,234,567".
std::string FormatCount(int64_t count);

struct ProgressOutput {
  enum class Mode { kQuiet, kLog, kTerminal };
  Mode mode = Mode::kLog;
  bool utf8 = false;                            // the bar may use block characters
  std::function<void(std::string_view)> write;  // text as it is, control characters included
  std::function<int()> width_columns;           // of the terminal, asked before every drawing
  std::function<double()> now_s;                // never goes back
};

// Standard error, its width and the monotonic clock.
ProgressOutput StandardErrorProgress(bool quiet);
// Lines at the end of a file, which is made where there is none.
ProgressOutput FileProgress(const std::filesystem::path& file);

class Progress {
 public:
  // A figure beside the bar: {"d", 1.312}.
  struct Figure {
    std::string_view name;
    double value;
  };

  // `epochs` of the whole run, each of `steps_per_epoch`.
  Progress(ProgressOutput output, int epochs, int64_t steps_per_epoch) noexcept;
  // Of one task that is no epoch: `task` stands in its place. One step is one image.
  Progress(ProgressOutput output, std::string task, int64_t images) noexcept;
  // Leaves an unfinished line behind, so that what is printed next starts on its own.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `epoch` counts from 1 and may start anywhere: a resumed run begins in the middle.
  void BeginEpoch(int epoch) noexcept;
  // `step` steps of this epoch and `images` images since its beginning are done. The figures stay
  // until others come.
  void Update(int64_t step, int64_t images, std::span<const Figure> figures = {}) noexcept;
  // Prints the epoch's line to stay.
  void EndEpoch() noexcept;
  // Prints one line of text above the progress line. Quiet keeps it back too.
  void Print(std::string_view line) noexcept;

 private:
  struct Mark {
    double time_s = 0;
    int64_t images = 0;  // since the epoch's beginning
  };
  // A piece of the line; where space is short, the highest rank goes first.
  struct Part {
    std::string text;
    int rank;
  };

  template <typename Action>
  void Guarded(Action action) noexcept;
  void Measure(double now, int64_t images);
  static std::optional<double> Rate(const Mark& from, const Mark& to);
  std::optional<double> SecondsLeft() const;
  std::string Head() const;
  int64_t RunStep() const { return (epoch_ - 1) * steps_per_epoch_ + step_; }
  std::vector<Part> FigureParts() const;
  std::string RunningLine() const;
  std::string EpochLine(double now) const;
  int Limit() const;
  std::string Bar(int columns) const;
  void DrawAtMostTenTimesASecond(double now);

  ProgressOutput output_;
  bool broken_ = false;     // something threw: silence from here on
  const std::string task_;  // empty: epochs
  const int epochs_;
  const int64_t steps_per_epoch_;

  int epoch_ = 0;
  int64_t step_ = 0;
  std::vector<std::pair<std::string, double>> figures_;
  double epoch_begin_s_ = 0;

  std::deque<Mark> window_;     // the last seconds of this epoch
  std::optional<double> rate_;  // images per second, of the latest window long enough to tell
  std::optional<Mark> epoch_first_;
  std::optional<double> first_update_s_;
  int64_t first_update_step_ = 0;  // counted over the run
  double last_update_s_ = 0;

  std::optional<double> drawn_s_;
  bool line_open_ = false;
};

}  // namespace numeral
