#include "util/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace numeral {
namespace {

constexpr double kRedrawEvery_s = 0.1;
constexpr double kWindow_s = 5;
constexpr double kShortestMeasure_s = 0.1;
constexpr double kShortestForecast_s = 1;
constexpr int kLongestBar = 20;
constexpr int kShortestBar = 6;
constexpr int kUsualWidth = 80;
constexpr const char* kLineStart = "\r";
constexpr const char* kClearToEnd = "\x1b[K";

// Of what may be left out, the rate is missed least.
constexpr int kRankOfFigure = 0, kRankOfTime = 1, kRankOfRate = 2;

std::string FormatFigure(double value) {
  const double size = std::abs(value);
  const bool plain = size == 0 || !std::isfinite(value) || (size >= 0.01 && size < 1000);
  return plain ? fmt::format("{:.3f}", value) : fmt::format("{:.2e}", value);
}

std::string FormatRate(double images_per_second) {
  return FormatCount(std::llround(images_per_second)) + " images/s";
}

bool TerminalUnderstandsControl() {
  const char* term = std::getenv("TERM");
  return term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

bool LocaleIsUtf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    std::string name(value);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
      return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    });
    return name.find("utf-8") != std::string::npos || name.find("utf8") != std::string::npos;
  }
  return false;
}

int StandardErrorWidth() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualWidth;
  return size.ws_col;
}

double SteadySeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// `first` and as many parts as fit, two blanks apart. `first` is never left out.
template <typename Part>
std::string Joined(const std::string& first, std::vector<Part> parts, int limit) {
  while (true) {
    std::string text = first;
    for (const Part& part : parts) text += "  " + part.text;
    if (parts.empty() || static_cast<int64_t>(text.size()) <= limit) return text;
    // Among equals the last one goes.
    const auto worst = std::max_element(parts.rbegin(), parts.rend(),
                                        [](auto& a, auto& b) { return a.rank < b.rank; });
    parts.erase(std::next(worst).base());
  }
}

}  // namespace

std::string FormatDuration(double seconds) {
  constexpr double kLongest_s = 1e9;
  if (!(seconds >= 0 && seconds < kLongest_s)) return "-:--";
  const int64_t total = std::llround(seconds);
  const int64_t hours = total / 3600, minutes = total / 60 % 60, rest = total % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, rest);
  return fmt::format("{}:{:02}", minutes, rest);
}

std::string FormatCount(int64_t count) {
  std::string text = fmt::format("{}", count);
  const size_t first = count < 0 ? 1 : 0;
  for (size_t at = text.size(); at > first + 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

ProgressOutput StandardErrorProgress(bool quiet) {
  using Mode = ProgressOutput::Mode;
  const bool terminal = ::isatty(STDERR_FILENO) == 1 && TerminalUnderstandsControl();
  ProgressOutput output;
  output.mode = quiet ? Mode::kQuiet : terminal ? Mode::kTerminal : Mode::kLog;
  output.utf8 = LocaleIsUtf8();
  output.write = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  };
  output.width_columns = StandardErrorWidth;
  output.now_s = SteadySeconds;
  return output;
}

ProgressOutput FileProgress(const std::filesystem::path& file) {
  const auto stream = std::make_shared<std::ofstream>(file, std::ios::app);
  return {.write = [stream](std::string_view text) { *stream << text << std::flush; },
          .width_columns = [] { return kUsualWidth; },
          .now_s = SteadySeconds};
}

Progress::Progress(ProgressOutput output, int epochs, int64_t steps_per_epoch) noexcept
    : output_(std::move(output)),
      epochs_(epochs),
      steps_per_epoch_(std::max<int64_t>(steps_per_epoch, 1)) {}

Progress::Progress(ProgressOutput output, std::string task, int64_t images) noexcept
    : output_(std::move(output)),
      task_(std::move(task)),
      epochs_(1),
      steps_per_epoch_(std::max<int64_t>(images, 1)) {}

Progress::~Progress() {
  Guarded([&](double) {
    if (line_open_) output_.write("\n");
  });
}

template <typename Action>
void Progress::Guarded(Action action) noexcept {
  if (broken_ || output_.mode == ProgressOutput::Mode::kQuiet) return;
  try {
    action(output_.now_s());
  } catch (...) {
    broken_ = true;
  }
}

void Progress::BeginEpoch(int epoch) noexcept {
  Guarded([&](double now) {
    epoch_ = epoch;
    step_ = 0;
    epoch_begin_s_ = now;
    window_.clear();
    epoch_first_.reset();
    // Once the engines are warm an epoch counts from its beginning; the pause before it does not.
    if (first_update_s_) Measure(now, 0);
    DrawAtMostTenTimesASecond(now);
  });
}

void Progress::Update(int64_t step, int64_t images, std::span<const Figure> figures) noexcept {
  Guarded([&](double now) {
    step_ = std::clamp<int64_t>(step, 0, steps_per_epoch_);
    if (!figures.empty()) {
      figures_.clear();
      for (const Figure& figure : figures) figures_.emplace_back(figure.name, figure.value);
    }
    if (!first_update_s_) {
      first_update_s_ = now;
      first_update_step_ = RunStep();
    }
    last_update_s_ = now;
    Measure(now, images);
    DrawAtMostTenTimesASecond(now);
  });
}

void Progress::EndEpoch() noexcept {
  Guarded([&](double now) {
    if (output_.mode == ProgressOutput::Mode::kTerminal) {
      output_.write(fmt::format("{}{}{}\n", kLineStart, EpochLine(now), kClearToEnd));
    } else {
      output_.write(EpochLine(now) + "\n");
    }
    line_open_ = false;
  });
}

void Progress::Print(std::string_view line) noexcept {
  Guarded([&](double) {
    const bool clear = line_open_;
    output_.write(fmt::format("{}{}{}\n", clear ? kLineStart : "", clear ? kClearToEnd : "", line));
    line_open_ = false;
    drawn_s_.reset();  // the next update brings the progress line back
  });
}

void Progress::Measure(double now, int64_t images) {
  const Mark mark{now, images};
  if (!epoch_first_) epoch_first_ = mark;
  // Marks closer than this would make the window long in memory, not more exact.
  const size_t marks = window_.size();
  if (marks >= 2 && now - window_[marks - 2].time_s < kShortestMeasure_s) window_.pop_back();
  window_.push_back(mark);
  while (window_.size() > 2 && now - window_[1].time_s >= kWindow_s) window_.pop_front();
  if (const auto rate = Rate(window_.front(), window_.back())) rate_ = rate;
}

std::optional<double> Progress::Rate(const Mark& from, const Mark& to) {
  const double seconds = to.time_s - from.time_s;
  if (seconds < kShortestMeasure_s || to.images <= from.images) return std::nullopt;
  return static_cast<double>(to.images - from.images) / seconds;
}

std::optional<double> Progress::SecondsLeft() const {
  if (!first_update_s_) return std::nullopt;
  const double seconds = last_update_s_ - *first_update_s_;
  const int64_t done = RunStep() - first_update_step_;
  const int64_t left = epochs_ * steps_per_epoch_ - RunStep();
  if (seconds < kShortestForecast_s || done <= 0 || left <= 0) return std::nullopt;
  return seconds / static_cast<double>(done) * static_cast<double>(left);
}

std::vector<Progress::Part> Progress::FigureParts() const {
  std::vector<Part> parts;
  for (const auto& [name, value] : figures_) {
    parts.push_back({fmt::format("{} {}", name, FormatFigure(value)), kRankOfFigure});
  }
  return parts;
}

int Progress::Limit() const {
  if (output_.mode != ProgressOutput::Mode::kTerminal) return INT_MAX;
  // A full last column would move some terminals to the next line.
  return std::max(output_.width_columns() - 1, 0);
}

std::string Progress::Bar(int columns) const {
  const auto full = static_cast<int>(columns * step_ / steps_per_epoch_);
  std::string bar;
  for (int i = 0; i < columns; ++i) {
    if (output_.utf8) {
      bar += i < full ? "█" : "░";
    } else {
      bar += i < full ? '#' : '.';
    }
  }
  return bar;
}

std::string Progress::Head() const {
  return task_.empty() ? fmt::format("epoch {}/{}", epoch_, epochs_) : task_;
}

std::string Progress::RunningLine() const {
  const std::string head = Head() + "  ";
  std::vector<Part> parts = FigureParts();
  if (rate_) parts.push_back({FormatRate(*rate_), kRankOfRate});
  if (const auto left = SecondsLeft()) {
    parts.push_back({FormatDuration(*left) + " left", kRankOfTime});
  }
  const int limit = Limit();
  const std::string rest = Joined(fmt::format("{}/{}", step_, steps_per_epoch_), parts,
                                  limit - static_cast<int>(head.size()));
  const int room = limit - static_cast<int>(head.size() + rest.size()) - 1;
  if (room >= kShortestBar) return head + Bar(std::min(room, kLongestBar)) + " " + rest;
  return (head + rest).substr(0, static_cast<size_t>(limit));
}

std::string Progress::EpochLine(double now) const {
  const std::string head = Head();
  std::vector<Part> parts = FigureParts();
  const bool measured = epoch_first_ && !window_.empty();
  const auto rate = measured ? Rate(*epoch_first_, window_.back()) : std::nullopt;
  if (rate) parts.push_back({FormatRate(*rate), kRankOfRate});
  parts.push_back({"took " + FormatDuration(now - epoch_begin_s_), kRankOfTime});
  if (const auto left = SecondsLeft()) {
    parts.push_back({FormatDuration(*left) + " left", kRankOfTime});
  }
  const int limit = Limit();
  return Joined(head, parts, limit).substr(0, static_cast<size_t>(limit));
}

void Progress::DrawAtMostTenTimesASecond(double now) {
  if (output_.mode != ProgressOutput::Mode::kTerminal) return;
  if (drawn_s_ && now - *drawn_s_ < kRedrawEvery_s) return;
  drawn_s_ = now;
  line_open_ = true;
  output_.write(kLineStart + RunningLine() + kClearToEnd);
}

}  // namespace numeral
