#include "util/progress.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace numeral {
namespace {

using Mode = ProgressOutput::Mode;

// A clock that is set by hand and an output that remembers.
struct Stage {
  double now_s = 1000;
  int width = 100;
  std::vector<std::string> written;

  ProgressOutput Output(Mode mode, bool utf8 = false) {
    return {mode, utf8, [this](std::string_view text) { written.emplace_back(text); },
            [this] { return width; }, [this] { return now_s; }};
  }
  std::string Last() const { return written.empty() ? "" : written.back(); }
};

using Figures = std::vector<Progress::Figure>;

// Ten steps of an epoch, one a second, 100 images each, after 30 seconds of warming up.
void RunEpoch(Progress& progress, Stage& stage, int epoch) {
  progress.BeginEpoch(epoch);
  if (epoch == 1) stage.now_s += 30;
  for (int step = 1; step <= 10; ++step) {
    stage.now_s += 1;
    progress.Update(step, 100 * step, Figures{{"d", 1.3124}, {"g", 0.8449}});
  }
  progress.EndEpoch();
}

TEST_CASE("durations read as a clock does", "[progress]") {
  CHECK(FormatDuration(0) == "0:00");
  CHECK(FormatDuration(7.4) == "0:07");
  CHECK(FormatDuration(59.6) == "1:00");
  CHECK(FormatDuration(252) == "4:12");
  CHECK(FormatDuration(3599.6) == "1:00:00");
  CHECK(FormatDuration(3723) == "1:02:03");
  CHECK(FormatDuration(360'000) == "100:00:00");
  for (const double wrong : {-1.0, 1e30, std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity()}) {
    CHECK(FormatDuration(wrong) == "-:--");
  }
}

TEST_CASE("counts are grouped in thousands", "[progress]") {
  CHECK(FormatCount(0) == "0");
  CHECK(FormatCount(999) == "999");
  CHECK(FormatCount(1234) == "1,234");
  CHECK(FormatCount(1234567) == "1,234,567");
  CHECK(FormatCount(-100000) == "-100,000");
}

TEST_CASE("a log gets one line for each epoch", "[progress]") {
  Stage stage;
  {
    Progress progress(stage.Output(Mode::kLog), 3, 10);
    for (int epoch = 1; epoch <= 3; ++epoch) RunEpoch(progress, stage, epoch);
  }
  // 20 steps remain after the first epoch, 10 after the second; each takes a second.
  CHECK(stage.written == std::vector<std::string>{
                             "epoch 1/3  d 1.312  g 0.845  100 images/s  took 0:40  0:20 left\n",
                             "epoch 2/3  d 1.312  g 0.845  100 images/s  took 0:10  0:10 left\n",
                             "epoch 3/3  d 1.312  g 0.845  100 images/s  took 0:10\n"});
}

TEST_CASE("quiet prints nothing", "[progress]") {
  Stage stage;
  {
    Progress progress(stage.Output(Mode::kQuiet), 1, 10);
    RunEpoch(progress, stage, 1);
    progress.Print("text");
  }
  CHECK(stage.written.empty());
}

TEST_CASE("a terminal's line is redrawn in place", "[progress]") {
  Stage stage;
  Progress progress(stage.Output(Mode::kTerminal), 3, 10);
  progress.BeginEpoch(1);
  CHECK(stage.Last() == "\repoch 1/3  .................... 0/10\x1b[K");
  stage.now_s += 30;
  progress.Update(1, 100);
  CHECK(stage.Last() == "\repoch 1/3  ##.................. 1/10\x1b[K");
  stage.now_s += 2;
  progress.Update(3, 2'469, Figures{{"d", 1.3124}, {"g", 0.8449}});
  CHECK(
      stage.Last() ==
      "\repoch 1/3  ######.............. 3/10  d 1.312  g 0.845  1,185 images/s  0:27 left\x1b[K");
  stage.now_s += 2;
  progress.Update(10, 3'000);
  progress.EndEpoch();
  CHECK(stage.Last() ==
        "\repoch 1/3  d 1.312  g 0.845  725 images/s  took 0:34  0:09 left\x1b[K\n");
}

TEST_CASE("a terminal that can gets blocks", "[progress]") {
  Stage stage;
  stage.width = 80;
  Progress progress(stage.Output(Mode::kTerminal, true), 1, 2);
  progress.BeginEpoch(1);
  stage.now_s += 1;
  progress.Update(1, 10);
  CHECK(stage.Last() == "\repoch 1/1  ██████████░░░░░░░░░░ 1/2\x1b[K");
}

TEST_CASE("the line is drawn at most ten times a second", "[progress]") {
  Stage stage;
  Progress progress(stage.Output(Mode::kTerminal), 1, 100'000);
  progress.BeginEpoch(1);
  for (int step = 1; step <= 10'000; ++step) {
    stage.now_s += 0.001;
    progress.Update(step, step);
  }
  CHECK(stage.written.size() <= 101);
  CHECK(stage.written.size() >= 90);
}

TEST_CASE("the line is never wider than the terminal", "[progress]") {
  Stage stage;
  Progress progress(stage.Output(Mode::kTerminal, true), 50, 235);
  progress.BeginEpoch(1);
  stage.now_s += 1;
  progress.Update(1, 256, Figures{{"d", -1e-9}, {"g", 12345.6}});
  for (int width = 0; width <= 120; ++width) {
    stage.width = width;
    stage.now_s += 5;
    progress.Update(100, 25'600);
    std::string line = stage.Last();
    REQUIRE(line.starts_with("\r"));
    REQUIRE(line.ends_with("\x1b[K"));
    line = line.substr(1, line.size() - 4);
    // Block characters take three bytes and one column.
    const auto columns =
        std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
    INFO(width << ": " << line);
    CHECK(columns <= std::max(width - 1, 0));
    if (width >= 25) CHECK(line.find("100/235") != std::string::npos);
    if (width >= 55) CHECK(line.find("g 1.23e+04") != std::string::npos);
  }
}

TEST_CASE("the rate forgets what is long ago, the time left does not", "[progress]") {
  Stage stage;
  Progress progress(stage.Output(Mode::kTerminal), 1, 1000);
  progress.BeginEpoch(1);
  for (int step = 1; step <= 101; ++step) {
    stage.now_s += 0.1;
    progress.Update(step, step);
  }
  // Ten times slower from here on: 11 s for 101 + 11 steps.
  for (int step = 102; step <= 112; ++step) {
    stage.now_s += 1;
    progress.Update(step, step);
  }
  CHECK(stage.Last().find("  1 images/s") != std::string::npos);
  CHECK(stage.Last().find("2:48 left") != std::string::npos);  // 888 * 21 s / 111
}

TEST_CASE("a pause between epochs is not in the rate", "[progress]") {
  Stage stage;
  Progress progress(stage.Output(Mode::kLog), 2, 10);
  RunEpoch(progress, stage, 1);
  stage.now_s += 500;
  RunEpoch(progress, stage, 2);
  CHECK(stage.Last() == "epoch 2/2  d 1.312  g 0.845  100 images/s  took 0:10\n");
}

TEST_CASE("a resumed run counts only its own steps", "[progress]") {
  Stage stage;
  Progress progress(stage.Output(Mode::kLog), 50, 10);
  RunEpoch(progress, stage, 49);
  CHECK(stage.Last() == "epoch 49/50  d 1.312  g 0.845  100 images/s  took 0:10  0:10 left\n");
}

TEST_CASE("a task that is no epoch goes by its own name", "[progress]") {
  Stage stage;
  Progress progress(stage.Output(Mode::kTerminal), "drawing", 40'000);
  progress.BeginEpoch(1);
  CHECK(stage.Last() == "\rdrawing  .................... 0/40000\x1b[K");
  stage.now_s += 3;
  progress.Update(1'000, 1'000);
  CHECK(stage.Last() == "\rdrawing  .................... 1000/40000\x1b[K");
  stage.now_s += 2;
  progress.Update(10'000, 10'000);
  // 9,000 images in 2 s, 30,000 to go.
  CHECK(stage.Last() ==
        "\rdrawing  #####............... 10000/40000  4,500 images/s  0:07 left\x1b[K");
  stage.now_s += 3;
  progress.Update(40'000, 40'000);
  progress.EndEpoch();
  CHECK(stage.Last() == "\rdrawing  7,800 images/s  took 0:08\x1b[K\n");

  for (const Mode mode : {Mode::kLog, Mode::kQuiet}) {
    Stage plain;
    Progress task(plain.Output(mode), "drawing", 10);
    task.BeginEpoch(1);
    plain.now_s += 1;
    task.Update(4, 4);
    plain.now_s += 2;
    task.Update(10, 10);
    CHECK(plain.written.empty());
    task.EndEpoch();
    const std::vector<std::string> line{"drawing  3 images/s  took 0:03\n"};
    CHECK(plain.written == (mode == Mode::kLog ? line : std::vector<std::string>{}));
  }
}

TEST_CASE("text is printed above the line", "[progress]") {
  Stage stage;
  Progress progress(stage.Output(Mode::kTerminal), 1, 10);
  progress.Print("before");
  CHECK(stage.Last() == "before\n");
  progress.BeginEpoch(1);
  progress.Print("within");
  CHECK(stage.Last() == "\r\x1b[Kwithin\n");
  progress.Update(1, 1);
  CHECK(stage.Last().starts_with("\repoch"));
}

TEST_CASE("an unfinished line is left behind when the run ends early", "[progress]") {
  Stage stage;
  auto progress = std::make_unique<Progress>(stage.Output(Mode::kTerminal), 1, 10);
  progress->BeginEpoch(1);
  progress.reset();
  CHECK(stage.Last() == "\n");
}

TEST_CASE("nothing that goes wrong gets out", "[progress]") {
  Stage stage;
  ProgressOutput output = stage.Output(Mode::kTerminal);
  int calls = 0;
  output.write = [&](std::string_view) {
    ++calls;
    throw std::runtime_error("no terminal");
  };
  Progress broken(output, 1, 10);
  RunEpoch(broken, stage, 1);
  CHECK(calls == 1);

  Progress empty(stage.Output(Mode::kTerminal), 0, 0);
  empty.BeginEpoch(0);
  stage.now_s += 10;
  empty.Update(-5, -5, Figures{{"d", std::numeric_limits<double>::quiet_NaN()}});
  CHECK(stage.Last().find("d nan") != std::string::npos);
  empty.Update(99, 99);
  empty.EndEpoch();

  Progress unset({Mode::kTerminal, false, nullptr, nullptr, nullptr}, 1, 1);
  unset.BeginEpoch(1);
}

}  // namespace
}  // namespace numeral
