// Runs side by side: each leaves the bytes of its single run, whatever becomes of the others.
#include "train/replicas.h"

#include "tests/train/run_files.h"
#include "tests/train/synthetic_data.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

// Convolutions, whose sums depend on the number of threads; batch norm, dropout and an average.
constexpr const char* kConfig = R"({
  "name": "many", "convention": "pytorch",
  "networks": {
    "generator": {
      "inputs": {"z": {"kind": "latent", "size": 6}},
      "layers": [
        {"type": "dense", "units": 49}, {"type": "batch_norm"}, {"type": "relu"},
        {"type": "reshape", "shape": [7, 7, 1]}, {"type": "upsample", "factor": 4},
        {"type": "conv", "filters": 1, "kernel": 3, "padding": "same"}, {"type": "tanh"}]},
    "discriminator": {
      "inputs": {"image": {"kind": "image"}},
      "layers": [
        {"type": "conv", "filters": 4, "kernel": 5, "stride": 4, "padding": 2},
        {"type": "leaky_relu", "slope": 0.2}, {"type": "dropout", "rate": 0.3},
        {"type": "flatten"}, {"type": "dense", "units": 1}]}},
  "training": {"epochs": 3, "batch_size": 8, "ema": 0.9},
  "output": {"grid": [2, 2]}})";

const std::vector<int> kAllDigits{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

Config ConfigOf(uint64_t seed) {
  Config config = ParseConfig(Json::parse(kConfig), "many", "many");
  config.seed = seed;
  return config;
}

std::vector<Replica> SeedsOf(std::vector<uint64_t> seeds) {
  const auto data = std::make_shared<const RunData>(RunData{SyntheticData(44, kAllDigits), {}});
  std::vector<Replica> replicas;
  for (const uint64_t seed : seeds) {
    replicas.push_back({"seed_" + std::to_string(seed), ConfigOf(seed), data});
  }
  return replicas;
}

ReplicasOptions Options(int threads, int at_once, bool resume = false, int64_t max_steps = 0) {
  ReplicasOptions options{.device = "cpu", .engine = {.threads = threads}, .at_once = at_once};
  options.train = {.max_steps = max_steps, .resume = resume, .quiet = true};
  options.train.report =
      RunFacts{.command = "trainer many.json", .data_dir = "data", .device = "cpu", .engine = {}};
  return options;
}

// What trainer leaves without --seeds.
void TrainAlone(const Replica& replica, int threads, const fs::path& dir) {
  PreparedRun run(replica.config, *replica.data, "cpu", {.threads = threads}, nullptr);
  run.Train(RunFolder::Create("", dir.string()), {.quiet = true});
}

void CheckSameRun(const fs::path& a, const fs::path& b) {
  CheckSameFiles(a, b,
                 {"g.bin", "d.bin", "config.json", "samples/epoch_0001.png",
                  "samples/epoch_0002.png", "samples/epoch_0003.png"});
  CHECK(MetricsIn(a).size() == 3);
  CHECK(MetricsIn(a) == MetricsIn(b));
  CheckSameCheckpoint(a, b);
}

void CheckAllFinished(const ReplicasResult& result) {
  for (const ReplicaEnd& end : result.ends) {
    CHECK(end.error.empty());
    CHECK((end.result == TrainResult::kFinished));
  }
}

Json SummaryIn(const fs::path& group) { return Json::parse(ReadFile(group / "summary.json")); }

}  // namespace

TEST_CASE("replicas leave the bytes of their single runs", "[replicas]") {
  const TempFolder folder;
  const std::vector<Replica> replicas = SeedsOf({0, 7, 3});
  for (const int threads : {1, 2}) {
    const fs::path alone = folder.path() / ("alone_" + std::to_string(threads));
    for (const Replica& replica : replicas) TrainAlone(replica, threads, alone / replica.name);
    for (const int at_once : {1, 2, 3}) {
      INFO(threads << " threads, " << at_once << " at once");
      const fs::path group = folder.path() / fmt::format("group_{}_{}", threads, at_once);
      const ReplicasResult result = TrainReplicas(replicas, group, Options(threads, at_once));
      CheckAllFinished(result);
      CHECK(result.threads == threads);
      CHECK(result.at_once == at_once);
      CHECK(result.images == 3 * 3 * 44);
      CHECK(result.sharing == 3);
      for (const Replica& replica : replicas) {
        INFO(replica.name);
        CheckSameRun(group / replica.name, alone / replica.name);
        CHECK(RecordedThreads(group / replica.name) == threads);
        CHECK(ReadFile(group / replica.name / "log.txt").find("epoch 3/3") != std::string::npos);
        CHECK(fs::exists(group / replica.name / "report.html"));
      }
    }
    CHECK_FALSE(SameBytes(alone / "seed_0/g.bin", alone / "seed_7/g.bin"));
  }
}

TEST_CASE("replicas that were stopped go on to the bytes of whole runs", "[replicas]") {
  const TempFolder folder;
  const fs::path group = folder.path() / "group";
  // Inside the first epoch and inside the third; then with one more, which has not begun.
  TrainReplicas(SeedsOf({4, 5}), group, Options(2, 2, false, 2));
  TrainReplicas(SeedsOf({4, 5}), group, Options(0, 1, true, 14));
  const std::vector<Replica> all = SeedsOf({4, 5, 6});
  const ReplicasResult result = TrainReplicas(all, group, Options(0, 3, true));
  CheckAllFinished(result);
  CHECK(result.threads == 2);  // as the runs had, not this machine's share
  for (const Replica& replica : all) {
    INFO(replica.name);
    TrainAlone(replica, 2, folder.path() / replica.name);
    CheckSameRun(group / replica.name, folder.path() / replica.name);
  }
  // What is done already stays as it is.
  const std::string weights = ReadFile(group / "seed_4/g.bin");
  CheckAllFinished(TrainReplicas(all, group, Options(0, 2, true)));
  CHECK(ReadFile(group / "seed_4/g.bin") == weights);
}

TEST_CASE("a replica that was killed before its first checkpoint begins again", "[replicas]") {
  const TempFolder folder;
  const fs::path group = folder.path() / "group";
  const std::vector<Replica> replicas = SeedsOf({1, 2});
  TrainReplicas(replicas, group, Options(1, 2, false, 7));
  fs::remove(group / "seed_2/checkpoint/state.safetensors");
  CheckAllFinished(TrainReplicas(replicas, group, Options(1, 2, true)));
  TrainAlone(replicas[1], 1, folder.path() / "alone");
  CheckSameRun(group / "seed_2", folder.path() / "alone");
}

TEST_CASE("a replica that fails leaves the others alone", "[replicas]") {
  const TempFolder folder;
  const fs::path group = folder.path() / "group";
  const std::vector<Replica> replicas = SeedsOf({1, 2, 3});
  WriteFileAtomically(folder.path() / "a file", "");
  fs::create_directory(group);
  fs::copy_file(folder.path() / "a file", group / "seed_2");
  const ReplicasResult result = TrainReplicas(replicas, group, Options(1, 2));
  CHECK_FALSE(result.ends[1].result.has_value());
  CheckMentions(result.ends[1].error, {"seed_2"});
  for (const size_t i : {size_t{0}, size_t{2}}) {
    INFO(replicas[i].name);
    CHECK((result.ends[i].result == TrainResult::kFinished));
    TrainAlone(replicas[i], 1, folder.path() / replicas[i].name);
    CheckSameRun(group / replicas[i].name, folder.path() / replicas[i].name);
  }
  SummariseReplicas(replicas, group, result);
  const Json summary = SummaryIn(group);
  REQUIRE(summary["runs"].size() == 3);
  CHECK(summary["runs"][0]["state"] == "finished");
  CHECK(summary["runs"][1]["state"] == "failed");
  CheckMentions(summary["runs"][1]["error"], {"seed_2"});
  CHECK_FALSE(summary["runs"][1].contains("figures"));
  CHECK(summary["figures"]["d_loss"]["count"] == 2);
}

TEST_CASE("what the first replica refuses is refused for all, and nothing is made", "[replicas]") {
  const TempFolder folder;
  std::vector<Replica> replicas = SeedsOf({1, 2});
  for (Replica& replica : replicas) replica.config.precision = Precision::kTf32;
  CheckMentions(MessageOf(ErrorKind::kBadInput,
                          [&] { TrainReplicas(replicas, folder.path() / "group", Options(1, 2)); }),
                {"/precision"});
  CHECK_FALSE(fs::exists(folder.path() / "group"));
}

TEST_CASE("a summary has the mean and the spread of every figure", "[replicas]") {
  const TempFolder folder;
  const std::vector<Replica> replicas = SeedsOf({1, 2, 3});
  const ReplicasResult result = TrainReplicas(replicas, folder.path(), Options(1, 3));
  const std::string table = SummariseReplicas(replicas, folder.path(), result);
  CheckMentions(table, {"seed_1", "seed_3", "d_loss", "g_loss", "mean", "deviation"});
  const Json summary = SummaryIn(folder.path());
  CHECK(summary["threads"] == 1);
  CHECK(summary["at_once"] == 3);
  CHECK(summary["images_per_second"]["together"] > 0);
  for (const char* key : {"d_loss", "g_loss", "d_accuracy_real"}) {
    INFO(key);
    std::vector<double> values;
    for (const Replica& replica : replicas) {
      values.push_back(MetricsIn(folder.path() / replica.name)[2][key]);
    }
    const double mean = (values[0] + values[1] + values[2]) / 3;
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    const Json& figure = summary["figures"][key];
    CHECK(figure["mean"].get<double>() == Approx(mean));
    CHECK(figure["deviation"].get<double>() == Approx(std::sqrt(squares / 2)).margin(1e-12));
    CHECK(figure["least"] == *std::min_element(values.begin(), values.end()));
    CHECK(figure["most"] == *std::max_element(values.begin(), values.end()));
    CHECK(summary["runs"][1]["figures"][key] == values[1]);
  }
  CHECK(ReadFile(folder.path() / "comparison.html").find("seed_2") != std::string::npos);
}

TEST_CASE("sessions share a data set, which outlives the first of them", "[replicas]") {
  const Dataset data = SyntheticData(44, kAllDigits);
  const auto engine = MakeCpuEngine({.poison = true, .threads = 1});
  const auto other_engine = MakeCpuEngine({.poison = true, .threads = 1});
  Session alone(ConfigOf(2), data, *engine);
  auto first = std::make_unique<Session>(ConfigOf(1), data, *engine);
  Session second(ConfigOf(2), data, *other_engine, true, first->executable().Data());
  CHECK(second.executable().Data() == first->executable().Data());
  CHECK(alone.executable().Data() != first->executable().Data());
  CHECK(second.executable().Counters().allocations + 1 ==
        alone.executable().Counters().allocations);
  const TensorId images = second.plan().FindTensor("data/images");
  CHECK(second.executable().ReadAll<uint8_t>(images, 44 * kImagePixels) == data.pixels);

  for (Session* session : {&alone, first.get(), &second}) session->Initialise();
  for (int64_t step = 0; step < 9; ++step) {
    alone.Step(step);
    second.Step(step);
    if (step < 4) first->Step(step);
    if (step == 4) first.reset();
  }
  CHECK(alone.Metrics() == second.Metrics());
  for (const size_t network : {0, 1}) {
    const bool same =
        alone.Values(alone.networks()[network]) == second.Values(second.networks()[network]);
    CHECK(same);
  }
}

TEST_CASE("shared data are written by their owner alone, and fit or are refused", "[replicas]") {
  const Dataset data = SyntheticData(44, kAllDigits);
  const auto engine = MakeCpuEngine();
  Session first(ConfigOf(1), data, *engine);
  Session second(ConfigOf(2), data, *engine, true, first.executable().Data());
  const TensorId labels = second.plan().FindTensor("data/labels");
  CheckMentions(
      MessageOf(ErrorKind::kFailure, [&] { second.executable().WriteAll(labels, data.labels); }),
      {"internal error"});
  CheckMentions(MessageOf(ErrorKind::kFailure,
                          [&] {
                            Session(ConfigOf(2), SyntheticData(300, kAllDigits), *engine, true,
                                    first.executable().Data());
                          }),
                {"internal error"});
}

}  // namespace numeral
