// trainer CONFIG: trains the networks of one JSON file.
#include "train/trainer.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

#include "config/parse.h"
#include "data/dataset.h"
#include "graph/graph.h"
#include "tools/tool_main.h"
#include "util/error.h"
#include "util/progress.h"
#include "util/shell.h"

namespace {

using namespace numeral;

struct Options {
  std::string config, device = "auto", run_dir, data_dir, generator, classifier, judge;
  std::vector<std::string> sets;
  int epochs = 0;
  int64_t seed = -1;
  TrainOptions train;
  bool summary = false, check = false, dump_plan = false, no_graph = false;
};

constexpr const char* kFooter = R"(Examples:
  trainer configs/quickstart.json                 readable digits in two minutes on two cores
  trainer configs/dcgan.json --summary            layers, shapes, parameters
  trainer configs/dcgan.json --epochs 5 --set /training/batch_size=128
  trainer configs/dcgan.json --resume             goes on where the newest run stopped
  trainer configs/classifier_cnn.json             a classifier, c.bin, to judge generators with
  trainer configs/dcgan.json --classifier runs/classifier_cnn/c.bin
  trainer configs/latent_predictor_flow.json --generator runs/gan_mlp_tuned/g.bin \
      --classifier runs/classifier_cnn/c.bin      latents of each digit, for a generator without

A run writes runs/<name>/: config.json (every setting), metrics.jsonl (a line per epoch),
samples/epoch_0001.png, g.bin and d.bin, c.bin or l.bin (safetensors), best.bin, checkpoint/,
run.json (command, machine, versions), and when it ends or is interrupted report.html, losses.svg,
losses.png and progress.gif. runs/latest is the newest.
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
  app.add_flag("--resume", o.train.resume, "continue the newest run of this config, exactly");
  app.add_option("--epochs", o.epochs, "train this many epochs")->check(CLI::Range(1, 1000000));
  app.add_option("--max-steps", o.train.max_steps, "stop once the run has made this many steps")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  app.add_option("--seed", o.seed, "seed of every random draw")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 62));
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
  app.add_option_function<std::string>(
         "--profile", [&o](const std::string& text) { ReadProfile(text, o.train); },
         "show COUNT steps from step START on to nsys or ncu; on a CPU, print their times")
      ->type_name("START:COUNT");
}

Config Load(const Options& o) {
  std::vector<Override> overrides;
  for (const std::string& set : o.sets) overrides.push_back(ParseOverride(set));
  if (o.epochs > 0) overrides.push_back({"/training/epochs", std::to_string(o.epochs)});
  if (o.seed >= 0) overrides.push_back({"/seed", std::to_string(o.seed)});
  // As JSON strings: a path may look like a number.
  const auto name_file = [&](const char* pointer, const std::string& path) {
    if (!path.empty()) overrides.push_back({pointer, Json(path).dump()});
  };
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

// What a classifier is tested on; nothing for a GAN, or where all was trained on.
std::optional<Dataset> HeldOut(const Config& config, const std::filesystem::path& dir) {
  DataSpec spec = config.data;
  spec.split = HeldOutSplit(spec.split);
  spec.limit = 0;
  if (!config.TrainsClassifier() || spec.split.empty()) return std::nullopt;
  return LoadDataset(spec, dir);
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

// A run that is resumed goes on being judged, and learning from the files, as it was, unless told
// otherwise.
void TakeOverFiles(const RunFolder& folder, Config& config) {
  if (!std::filesystem::exists(folder.config())) return;
  const Config saved = LoadConfig(folder.config().string());
  if (config.evaluation.classifier.empty()) config.evaluation = saved.evaluation;
  PairsSpec& pairs = config.pairs;
  if (pairs.generator.empty()) pairs.generator = saved.pairs.generator;
  if (pairs.classifier.empty()) pairs.classifier = saved.pairs.classifier;
}

LatentPairs DrawPairs(const Config& config, Engine& engine, bool quiet) {
  int shown = 0;
  const auto wanted = int64_t{config.pairs.per_digit} * kDigits;
  return DrawLatentPairs(config, engine, [&](int64_t kept, int64_t drawn) {
    const int tenth = static_cast<int>(10 * kept / wanted);
    if (quiet || tenth == shown) return;
    shown = tenth;
    Say(fmt::format("drawing pairs: {} of {} kept, of {} latents", FormatCount(kept),
                    FormatCount(wanted), FormatCount(drawn)));
  });
}

int Run(const Options& o, const std::string& command) {
  Config config = Load(o);
  if (o.summary || o.check || o.dump_plan) return Describe(o, config);
  std::optional<RunFolder> folder;
  if (o.train.resume) {
    folder = RunFolder::Resume(config.name, o.run_dir);
    TakeOverFiles(*folder, config);
  }
  const auto engine = MakeEngine(o.device, {.graphs = !o.no_graph});
  const bool on_pairs = config.TrainsLatentPredictor();
  const Dataset data = on_pairs ? Dataset() : LoadDataset(config.data, DataDir(o.data_dir));
  const LatentPairs pairs = on_pairs ? DrawPairs(config, *engine, o.train.quiet) : LatentPairs();
  Session session = on_pairs ? Session(config, pairs, *engine) : Session(config, data, *engine);
  // Whatever can be refused comes before the folder is made.
  TrainOptions train = o.train;
  std::optional<QualityMonitor> quality;
  if (!config.evaluation.classifier.empty()) train.quality = &quality.emplace(session, data);
  const std::optional<Dataset> held_out = HeldOut(config, DataDir(o.data_dir));
  if (held_out) train.held_out = &*held_out;
  train.report = RunFacts{.command = command,
                          .data_dir = DataDir(o.data_dir).string(),
                          .device = o.device,
                          .engine = {},
                          .steps_per_epoch = 0};
  if (!folder) folder = RunFolder::Create(config.name, o.run_dir);
  if (!o.train.quiet) {
    const std::string learned =
        on_pairs ? fmt::format("{} latents of {}", pairs.count(), config.pairs.generator)
                 : fmt::format("{} images of {}", data.count(), data.name);
    Say(fmt::format("{}: {}, {} epochs of {} steps on {}, into {}", config.name, learned,
                    config.training.epochs, session.steps_per_epoch(),
                    engine->capabilities().description, folder->dir().string()));
  }
  const TrainResult result = Train(session, *folder, train);
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
