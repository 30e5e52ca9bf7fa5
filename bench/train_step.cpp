// bench_train_step CONFIG: times one config's training steps, as bench/peers/train_step.py does in
// PyTorch, and answers the same requests, so that bench/run.py can let them take turns.
//
// Prints a JSON object when it is ready (StepRunner::about), then answers each line of standard
// input with one:
//   run K [C]   the milliseconds per step of K chunks of C steps (default: 1)
//   profile K   every node of a step with work, traffic and milliseconds, over K steps
//   alone K     the same of nodes that run alone: medians of K runs, warm and cold
#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <string_view>

#include "bench/step_runner.h"
#include "tools/tool_main.h"

namespace {

using namespace numeral;

Json Answer(bench::StepRunner& runner, const std::string& line) {
  char verb[16] = "", rest[2] = "";
  int count = 0, steps = 1;
  const int read = std::sscanf(line.c_str(), "%15s %9d %9d %1s", verb, &count, &steps, rest);
  const std::string_view name = verb;
  if (count >= 1 && steps >= 1) {
    if (name == "run" && (read == 2 || read == 3)) return {{"ms", runner.Run(count, steps)}};
    if (name == "profile" && read == 2) return {{"nodes", runner.Profile(count)}};
    if (name == "alone" && read == 2) return {{"nodes", runner.Alone(count)}};
  }
  return {{"error", fmt::format("\"{}\": expected run K [C], profile K or alone K", line)}};
}

int Serve(const bench::StepOptions& options) {
  bench::StepRunner runner(options);
  std::cout << runner.about().dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Answer(runner, line).dump() << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times training steps; answers requests on standard input.", "bench_train_step");
  bench::StepOptions options;
  app.add_option("CONFIG", options.config, "JSON file that describes the run")->required();
  app.add_option("--device", options.device, "auto, cpu or cuda")->capture_default_str();
  app.add_option("--set", options.sets, "override a value: POINTER=JSON");
  app.add_option("--images", options.images, "size of the made data set")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--data-dir", options.data_dir, "where the IDX files are, to read them");
  app.add_option("--warm-up", options.warm_up_steps, "steps before it is ready")
      ->capture_default_str()
      ->check(CLI::Range(1, kMetricsRing));
  return ToolMain(app, argc, argv, [&] { return Serve(options); });
}
