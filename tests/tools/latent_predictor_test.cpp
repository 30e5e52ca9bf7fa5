// The trainer on configs of latent predictors: what it refuses, a short run, stopping and resuming.
#include "checkpoint/weights.h"
#include "config/parse.h"
#include "tests/catch.h"
#include "tests/tools/run_tool.h"
#include "tests/train/run_files.h"
#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = R"({
  "pairs": {"per_digit": 7, "min_confidence": 0.5},
  "networks": {"latent_predictor": {
    "inputs": {"noise": {"kind": "latent", "size": 10}, "time": {"kind": "time"},
               "digit": {"kind": "digit"}},
    "layers": [{"type": "concat", "inputs": ["noise", "time", "digit"]},
               {"type": "dense", "units": 12}, {"type": "relu"}, {"type": "dense", "units": 10}]}},
  "training": {"epochs": 4, "batch_size": 16, "ema": 0.5}})";

// A user's working folder, with a generator and a classifier and without images.
class WorkingFolder {
 public:
  WorkingFolder() {
    WriteFileAtomically(path() / "l.json", kConfig);
    WriteFileAtomically(path() / "c.bin", TrainedClassifier());
    WriteDigitGenerator(path() / "g.bin", 0);
  }
  const fs::path& path() const { return folder_.path(); }
  ToolResult Train(std::vector<std::string> args) const {
    args.insert(args.begin(), "l.json");
    return RunTool("trainer", args, path());
  }

 private:
  TempFolder folder_;
};

const std::vector<std::string> kFiles{"--generator", "g.bin", "--classifier", "c.bin"};

std::vector<std::string> With(std::vector<std::string> args,
                              std::initializer_list<std::string> more) {
  args.insert(args.end(), more);
  return args;
}

void CheckRefused(const ToolResult& result, std::initializer_list<std::string> mentions) {
  INFO(result.err);
  CHECK(result.status == 2);
  CHECK(result.err.find('\n') == result.err.size() - 1);
  CheckMentions(result.err, mentions);
}

}  // namespace

TEST_CASE("a latent predictor's run leaves its weights and all that repeats it",
          "[trainer][predictor]") {
  const WorkingFolder folder;
  const ToolResult result = folder.Train(With(kFiles, {"--run-dir", "run"}));
  INFO(result.err);
  REQUIRE(result.status == 0);
  CheckMentions(result.err,
                {"drawing pairs: 70 of 70 kept", "70 latents of g.bin", "loss", "run/l.bin"});
  const fs::path run = folder.path() / "run";
  const Weights weights = LoadWeights(run / "l.bin");
  CHECK(weights.description.network.name == "latent_predictor");
  CHECK(weights.description.network.inputs.size() == 3);
  CHECK(MetricsIn(run).size() == 4);
  CHECK_FALSE(fs::exists(run / "samples"));
  const Json config = Json::parse(ReadFile(run / "config.json"));
  CHECK(config["pairs"]["generator"] == "g.bin");
  CHECK(config["pairs"]["classifier"] == "c.bin");

  // The resolved config alone repeats it.
  const ToolResult again =
      RunTool("trainer", {"run/config.json", "--run-dir", "again", "--quiet"}, folder.path());
  CHECK(again.status == 0);
  CHECK(again.err.empty());
  CheckSameFiles(run, folder.path() / "again", {"l.bin", "config.json"});
}

TEST_CASE("a stopped latent predictor goes on with what it began with", "[trainer][predictor]") {
  const WorkingFolder folder;
  const fs::path &at = folder.path(), whole = at / "whole", run = at / "run";
  REQUIRE(folder.Train(With(kFiles, {"--run-dir", "whole"})).status == 0);
  REQUIRE(folder.Train(With(kFiles, {"--run-dir", "run", "--max-steps", "7"})).status == 0);
  CHECK(MetricsIn(run).size() == 2);

  SECTION("other weights in the same file are refused") {
    const std::string checkpoint = ReadFile(run / "checkpoint/state.safetensors");
    WriteDigitGenerator(at / "g.bin", 100);
    CheckRefused(folder.Train({"--run-dir", "run", "--resume", "--quiet"}),
                 {"state.safetensors", "other pairs", "g.bin", "c.bin"});
    CHECK(ReadFile(run / "checkpoint/state.safetensors") == checkpoint);
    WriteDigitGenerator(at / "g.bin", 0);
  }
  SECTION("the same weights in another place are fine") {
    fs::rename(at / "g.bin", at / "moved.bin");
    CHECK(folder.Train({"--run-dir", "run", "--resume", "--quiet", "--max-steps", "8"}).status ==
          2);
    const ToolResult moved = folder.Train({"--run-dir", "run", "--resume", "--quiet", "--generator",
                                           "moved.bin", "--max-steps", "8"});
    INFO(moved.err);
    CHECK(moved.status == 0);
  }
  const ToolResult resumed = folder.Train({"--run-dir", "run", "--resume", "--quiet"});
  INFO(resumed.err);
  REQUIRE(resumed.status == 0);
  CheckSameFiles(whole, run, {"l.bin"});
  CHECK(MetricsIn(whole) == MetricsIn(run));
}

TEST_CASE("what a latent predictor cannot learn from is refused in one line",
          "[trainer][predictor]") {
  const WorkingFolder folder;
  CheckRefused(folder.Train({}), {"/pairs/generator", "--generator"});
  CheckRefused(folder.Train({"--generator", "g.bin"}), {"/pairs/classifier", "--classifier"});
  CheckRefused(folder.Train({"--generator", "none.bin", "--classifier", "c.bin"}), {"none.bin"});
  CheckRefused(folder.Train(With(kFiles, {"--judge", "c.bin"})), {"/evaluation"});
  WriteGenerator(folder.path() / "conditional.bin", true, 1);
  CheckRefused(folder.Train({"--generator", "conditional.bin", "--classifier", "c.bin"}),
               {"conditional.bin", "asks for its digit already"});
  CheckRefused(folder.Train(With(kFiles, {"--quiet", "--set", "/pairs/max_draws=250", "--set",
                                          "/pairs/per_digit=200"})),
               {"g.bin", "250 images", "200 are asked for", "/pairs/min_confidence"});
  WriteGenerator(folder.path() / "narrow.bin", false, 1);
  CheckRefused(folder.Train({"--generator", "narrow.bin", "--classifier", "c.bin"}),
               {"/networks/latent_predictor", "narrow.bin"});
  WriteFileAtomically(folder.path() / "gan.json", GanJson(false).dump());
  CheckRefused(RunTool("trainer", {"gan.json", "--generator", "g.bin"}, folder.path()),
               {"/pairs", "latent predictor"});
  CHECK_FALSE(fs::exists(folder.path() / "runs"));
  CHECK(folder.Train({"--check"}).status == 0);
  CHECK(folder.Train({"--summary"}).status == 0);
}

}  // namespace numeral
