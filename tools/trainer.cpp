// trainer CONFIG: trains the networks of one JSON file.
#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

#include "config/parse.h"
#include "data/dataset.h"
#include "graph/graph.h"
#include "tools/tool_main.h"
#include "train/prepared_run.h"
#include "train/replicas.h"
#include "util/error.h"
#include "util/number_list.h"
#include "util/progress.h"
#include "util/shell.h"

namespace {

using namespace numeral;

constexpr int64_t kMostSeed = int64_t{1} << 62;
constexpr int kMostReplicas = 1000;

struct Options {
  std::string config, device = "auto", run_dir, data_dir, generator, classifier, judge;
  std::optional<std::string> seeds, digits;
  std::vector<std::string> sets;
  int epochs = 0, threads = 0, at_once = 0;
  int64_t seed = -1;
  TrainOptions train;
  bool summary = false, check = false, dump_plan = false, no_graph = false;
};

constexpr const char* kFooter = R"(Examples:
  trainer configs/quickstart.json                 readable digits in two minutes on two cores
  trainer configs/dcgan.json --summary            layers, shapes, parameters
  trainer configs/dcgan.json --epochs 5 --set /training/batch_size=128
  trainer configs/dcgan.json --resume             goes on where the newest run stopped
  trainer configs/gan_mlp.json --seeds 0..15      16 runs side by side, and what they have in common
  trainer configs/digit_four.json --digits 0..9   a generator for each digit
  trainer configs/classifier_cnn.json             a classifier, c.bin, to judge generators with
  trainer configs/dcgan.json --classifier runs/classifier_cnn/c.bin
  trainer configs/latent_predictor_flow.json --generator runs/gan_mlp_tuned/g.bin \
      --classifier runs/classifier_cnn/c.bin      latents of each digit, for a generator without

A run writes runs/<name>/: config.json (every setting), metrics.jsonl (a line per epoch),
samples/epoch_0001.png, g.bin and d.bin, c.bin or l.bin (safetensors), best.bin, checkpoint/,
run.json (command, machine, versions), and when it ends or is interrupted report.html, losses.svg,
losses.png and progress.gif. runs/latest is the newest.
With --seeds or --digits, runs/<name>_seeds/ holds such a folder for each, seed_0 and so on, with
a log.txt; summary.json has the mean and the spread of every figure, comparison.html the curves.
--threads is then of each run, and on a CPU as many run at once as the cores have room for.
Exit status: 0 done, 2 bad input, 1 failure, 130 interrupted (state saved; use --resume).)";

void ReadProfile(const std::string& text, TrainOptions& train) {
  int64_t first = 0, count = 0;
  int read = 0;
  if (std::sscanf(text.c_str(), "%9ld:%9ld%n", &first, &count, &read) != 2 ||
      static_cast<size_t>(read) != text.size() || first < 0 || count < 1) {
    BadInput("--profile {}: give the first step and how many, such as 100:20", text);
  }
  train.profile_first = first;
  train.profile_count = count;
}

void Declare(CLI::App& app, Options& o) {
  app.footer(kFooter);
  app.add_option("CONFIG", o.config, "JSON file that describes the run (see configs/README.md)")
      ->required();
  app.add_option("--device", o.device, "auto, cpu or cuda; a named device never falls back")
      ->capture_default_str();
  app.add_option("--run-dir", o.run_dir, "folder of the run (default: runs/<name>, numbered)");
  app.add_option("--threads", o.threads,
                 "threads on a CPU; 0: as many as pay for the config, or as the resumed run had")
      ->check(CLI::Range(0, kMostThreads))
      ->capture_default_str();
  app.add_flag("--resume", o.train.resume, "continue the newest run of this config, exactly");
  app.add_option("--epochs", o.epochs, "train this many epochs")->check(CLI::Range(1, 1000000));
  app.add_option("--max-steps", o.train.max_steps, "stop once the run has made this many steps")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  app.add_option("--seed", o.seed, "seed of every random draw")
      ->check(CLI::Range(int64_t{0}, kMostSeed));
  CLI::Option* seeds = app.add_option("--seeds", o.seeds,
                                      "a run for each of these seeds, side by side: 0..15, 1,2,5")
                           ->excludes("--seed");
  CLI::Option* digits = app.add_option("--digits", o.digits,
                                       "a run for each of these digits alone, side by side: 0..9")
                            ->excludes("--seeds");
  app.add_option("--set", o.sets, "override a value: POINTER=JSON, such as /training/epochs=3");
  app.add_option("--classifier", o.classifier,
                 "judge the generator by this c.bin as it trains, and keep the best as best.bin; "
                 "of a latent predictor: what reads the digits");
  app.add_option("--generator", o.generator, "g.bin whose latents a latent predictor learns");
  app.add_option("--judge", o.judge, "c.bin whose features are compared (default: --classifier)");
  app.add_option("--data-dir", o.data_dir,
                 "where the IDX files are (default: $NUMERAL_DATA, data)");
  app.add_flag("--summary", o.summary, "print layers, output shapes and parameters, and stop");
  app.add_flag("--check", o.check, "check the config and compile its plan without data, and stop");
  app.add_flag("--dump-plan", o.dump_plan, "print the compiled plan as text, and stop");
  app.add_flag("--quiet", o.train.quiet, "no progress line");
  app.add_flag("--no-graph", o.no_graph, "on a GPU, run op by op instead of as CUDA graphs");
  app.add_option("--at-once", o.at_once, "of --seeds or --digits: how many runs side by side")
      ->check(CLI::Range(1, kMostReplicas));
  app.add_option_function<std::string>(
         "--profile", [&o](const std::string& text) { ReadProfile(text, o.train); },
         "show COUNT steps from step START on to nsys or ncu; on a CPU, print their times")
      ->type_name("START:COUNT")
      ->excludes(seeds)
      ->excludes(digits);
}

// `more`: what one replica has of its own.
Config Load(const Options& o, const std::vector<Override>& more = {}) {
  std::vector<Override> overrides;
  for (const std::string& set : o.sets) overrides.push_back(ParseOverride(set));
  if (o.epochs > 0) overrides.push_back({"/training/epochs", std::to_string(o.epochs)});
  if (o.seed >= 0) overrides.push_back({"/seed", std::to_string(o.seed)});
  // As JSON strings: a path may look like a number.
  const auto name_file = [&](const char* pointer, const std::string& path) {
    if (!path.empty()) overrides.push_back({pointer, Json(path).dump()});
  };
  overrides.insert(overrides.end(), more.begin(), more.end());
  const bool pairs = LoadConfig(o.config, overrides).TrainsLatentPredictor();
  name_file("/pairs/generator", o.generator);
  name_file(pairs ? "/pairs/classifier" : "/evaluation/classifier", o.classifier);
  name_file("/evaluation/judge", o.judge);
  return LoadConfig(o.config, overrides);
}

// What can be said of a config without its data: the size of the published training sets stands in.
int Describe(const Options& o, const Config& config) {
  const std::vector<Graph> networks = BuildNetworks(config);
  if (o.summary) {
    for (const Graph& network : networks) {
      fmt::print("{}{}", &network == &networks[0] ? "" : "\n", Summary(network));
    }
    return 0;
  }
  const std::map<std::string, int64_t> sizes{{"train", 60000},
                                             {"test", 10000},
                                             {"fit", 60000 - kValidationImages},
                                             {"validation", kValidationImages}};
  const int64_t published = config.TrainsLatentPredictor()
                                ? int64_t{config.pairs.per_digit} * kDigits
                                : sizes.at(config.data.split);
  const auto engine = MakeEngine(o.device);
  CheckPrecision(config, *engine);
  const int64_t images = config.data.limit > 0 ? std::min(config.data.limit, published) : published;
  const auto plan = std::make_shared<const Plan>(
      CompileRun(config, networks, RunPlanOptions(config, engine->capabilities(), images)));
  if (o.dump_plan) {
    fmt::print("{}{}", DumpPlan(*plan), DescribeGraphs(plan, *engine));
  } else {
    int64_t parameters = 0;
    for (const Graph& network : networks) parameters += network.TotalElems();
    fmt::print("{} is fine: {} parameters, {} phases\n", o.config, parameters, plan->phases.size());
  }
  return 0;
}

std::string Outcome(const RunFolder& folder, const Config& config, TrainResult result) {
  const std::string dir = folder.dir().string();
  switch (result) {
    case TrainResult::kFinished:
      if (config.TrainsClassifier()) {
        return fmt::format("{} is trained; evaluate --classifier {}", dir,
                           folder.weights("classifier").string());
      }
      if (config.TrainsLatentPredictor()) {
        return fmt::format("{} is trained; the latent predictor is {}", dir,
                           folder.weights("latent_predictor").string());
      }
      return fmt::format("{} is trained; see {}/report.html", dir, dir);
    case TrainResult::kConverged:
      return fmt::format(
          "{} got no better for {} evaluations and stopped; the best generator is {}", dir,
          config.evaluation.patience, folder.best_generator().string());
    default:
      return fmt::format("{} can go on with --resume", dir);
  }
}

// Threads of a run that goes on: as many as it had, whose bits it then has, unless told otherwise.
int ThreadsFor(const Options& o, const std::filesystem::path& resumed) {
  const int recorded = RecordedThreads(resumed);
  if (o.threads == 0) return recorded;
  if (recorded != 0 && recorded != o.threads) {
    Say(fmt::format("{} had --threads {}; with {} the last bits of its sums may differ",
                    resumed.string(), recorded, o.threads));
  }
  return o.threads;
}

// What --seeds or --digits ask for; nothing where neither is given.
std::vector<Replica> ReplicasOf(const Options& o) {
  std::vector<Replica> replicas;
  const auto add = [&](const char* what, int64_t number, const Override& override) {
    replicas.push_back({fmt::format("{}_{}", what, number), Load(o, {override}), nullptr});
  };
  if (o.seeds) {
    for (const int64_t seed : ParseNumberList("--seeds", *o.seeds, kMostSeed, kMostReplicas)) {
      add("seed", seed, {"/seed", std::to_string(seed)});
    }
  }
  if (o.digits) {
    for (const int64_t digit : ParseNumberList("--digits", *o.digits, kDigits - 1, kDigits)) {
      add("digit", digit, {"/data/digits", fmt::format("[{}]", digit)});
    }
  }
  return replicas;
}

// Those of one data set are given the same one.
void LoadData(const std::filesystem::path& dir, std::vector<Replica>& replicas) {
  for (Replica& replica : replicas) {
    const Replica& first = replicas.front();
    const bool same = &replica != &first && replica.config.data == first.config.data;
    replica.data =
        same ? first.data : std::make_shared<const RunData>(LoadRunData(replica.config, dir));
  }
}

// One line, and the exit status.
int SayOutcome(const std::vector<Replica>& replicas, const ReplicasResult& result,
               const std::filesystem::path& group, bool quiet) {
  std::string failed;
  int going_on = 0;
  for (size_t i = 0; i < replicas.size(); ++i) {
    const auto& [end, error] = result.ends[i];
    if (!error.empty()) {
      failed += (failed.empty() ? "" : ", ") + replicas[i].name;
      if (quiet) Say(fmt::format("trainer: {} failed: {}", replicas[i].name, error));
    } else if (!end || *end == TrainResult::kInterrupted) {
      ++going_on;
    }
  }
  if (!quiet) {
    Say(going_on > 0 ? fmt::format("{} can go on with --resume", group.string())
                     : fmt::format("{0} is done; see {0}/comparison.html", group.string()));
  }
  if (!failed.empty()) {
    Say(fmt::format("trainer: failed in {}: {}", group.string(), failed));
    return kFailureExit;
  }
  return going_on > 0 ? kInterruptedExit : 0;
}

int RunReplicas(const Options& o, const std::string& command, std::vector<Replica> replicas) {
  const std::string name = replicas[0].config.name + (o.seeds ? "_seeds" : "_digits");
  const std::filesystem::path data_dir = DataDir(o.data_dir);
  LoadData(data_dir, replicas);
  const bool resume = o.train.resume;
  const auto group = resume ? ResumedGroupFolder(name, o.run_dir) : NewGroupFolder(name, o.run_dir);
  ReplicasOptions options{.device = o.device,
                          .engine = {.graphs = !o.no_graph, .threads = o.threads},
                          .at_once = o.at_once,
                          .train = o.train};
  if (resume) ThreadsFor(o, group / replicas[0].name);
  options.train.report =
      RunFacts{.command = command, .data_dir = data_dir.string(), .device = o.device, .engine = {}};
  const ReplicasResult result = TrainReplicas(replicas, group, options);
  const std::string table = SummariseReplicas(replicas, group, result);
  if (!o.train.quiet) fmt::print("{}", table);
  return SayOutcome(replicas, result, group, o.train.quiet);
}

int Run(const Options& o, const std::string& command) {
  std::vector<Replica> replicas = ReplicasOf(o);
  Config config = replicas.empty() ? Load(o) : replicas[0].config;
  if (o.summary || o.check || o.dump_plan) return Describe(o, config);
  if (!replicas.empty()) return RunReplicas(o, command, std::move(replicas));
  std::optional<RunFolder> folder;
  EngineOptions engine{.graphs = !o.no_graph, .threads = o.threads};
  if (o.train.resume) {
    folder = RunFolder::Resume(config.name, o.run_dir);
    config = ResumedConfig(*folder, config);
    engine.threads = ThreadsFor(o, folder->dir());
  }
  const std::filesystem::path data_dir = DataDir(o.data_dir);
  const RunData data = LoadRunData(config, data_dir);
  PreparedRun run(config, data, o.device, engine, o.train.quiet ? nullptr : Say);
  TrainOptions train = o.train;
  train.report =
      RunFacts{.command = command, .data_dir = data_dir.string(), .device = o.device, .engine = {}};
  if (!folder) folder = RunFolder::Create(config.name, o.run_dir);
  if (!train.quiet) {
    Say(fmt::format("{}: {}, {} epochs of {} steps on {}, into {}", config.name, run.Learned(),
                    config.training.epochs, run.session().steps_per_epoch(),
                    run.session().engine().capabilities().description, folder->dir().string()));
  }
  const TrainResult result = run.Train(*folder, train);
  if (!train.quiet) Say(Outcome(*folder, config, result));
  return result == TrainResult::kInterrupted ? kInterruptedExit : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Trains a GAN for handwritten digits, a classifier, or a latent predictor, from one JSON "
      "file.",
      "trainer");
  Options options;
  Declare(app, options);
  return ToolMain(app, argc, argv, [&] { return Run(options, ShellQuoted(argv)); });
}
