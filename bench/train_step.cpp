// bench_train_step CONFIG: times one config's training steps, as bench/peers/train_step.py does in
// PyTorch, and answers the same requests, so that bench/compare.py can let the two take turns.
//
// Prints {"ready": ...}, then answers each line of standard input with one JSON object:
//   run K      the milliseconds of K steps
//   profile K  the milliseconds per step of every kind of op, over K steps
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "config/parse.h"
#include "train/session.h"
#include "util/error.h"

namespace {

using namespace numeral;
using Clock = std::chrono::steady_clock;

constexpr int64_t kImages = 4096;

// Speed does not depend on the pixels; any labelled images will do.
Dataset AnyData() {
  Dataset data;
  data.name = "synthetic";
  for (int64_t i = 0; i < kImages; ++i) {
    data.labels.push_back(static_cast<uint8_t>(i % kDigits));
    for (int p = 0; p < kImagePixels; ++p) {
      data.pixels.push_back(static_cast<uint8_t>((i * 7 + p * 13) & 255));
    }
  }
  return data;
}

double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

class Runner {
 public:
  explicit Runner(const Config& config)
      : engine_(MakeEngine("cpu")), session_(config, AnyData(), *engine_) {
    session_.Initialise();
  }

  std::string description() const { return engine_->capabilities().description; }

  std::vector<double> Run(int steps) {
    std::vector<double> times;
    for (int i = 0; i < steps; ++i) {
      const auto begin = Clock::now();
      session_.Step(step_++);
      session_.executable().Sync();
      times.push_back(MillisecondsSince(begin));
    }
    return times;
  }

  Json Profile(int steps) {
    session_.executable().SetProfiling(true);
    Run(steps);
    std::map<std::string, double> by_op;
    std::vector<std::pair<double, std::string>> ops;
    for (const OpTime& time : session_.executable().OpTimes()) {
      if (time.runs == 0) continue;
      const auto& [op, label] =
          session_.plan().phases[static_cast<size_t>(time.phase)].ops[static_cast<size_t>(time.op)];
      const double ms = time.seconds * 1e3 / steps;
      by_op[std::string(OpName(op))] += ms;
      const Cost cost = CostOf(session_.plan(), op);
      ops.emplace_back(ms,
                       fmt::format("{} {} {}: {:.1f} GFLOP/s", OpName(op), label, Attributes(op),
                                   static_cast<double>(cost.flops) / time.seconds *
                                       static_cast<double>(time.runs) * 1e-9));
    }
    session_.executable().SetProfiling(false);
    std::sort(ops.rbegin(), ops.rend());
    Json json{{"by_op", by_op}, {"ops", Json::array()}};
    for (const auto& [ms, text] : ops)
      json["ops"].push_back(fmt::format("{:8.3f} ms {}", ms, text));
    return json;
  }

 private:
  std::unique_ptr<Engine> engine_;
  Session session_;
  int64_t step_ = 0;
};

void Serve(Runner& runner) {
  runner.Run(3);
  std::cout << Json{{"ready", runner.description()}}.dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    int steps = 0;
    if (!(words >> verb >> steps) || steps < 1) BadInput("\"{}\": expected \"run K\"", line);
    const Json reply = verb == "profile" ? runner.Profile(steps) : Json{{"ms", runner.Run(steps)}};
    std::cout << reply.dump() << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) BadInput("usage: bench_train_step CONFIG");
    // Every timed step is of the same size.
    Runner runner(LoadConfig(
        argv[1], {{"/data/last_batch", "\"drop\""}, {"/training/steps_per_epoch", "0"}}));
    Serve(runner);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "bench_train_step: {}\n", error.what());
    return error.kind() == ErrorKind::kBadInput ? 2 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_train_step: {}\n", error.what());
    return 1;
  }
}
