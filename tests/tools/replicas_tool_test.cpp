// trainer --seeds and --digits as a program: folders, exit statuses, messages, signals.
#include <thread>

#include "config/parse.h"
#include "tests/tools/trainer_folder.h"
#include "tests/train/run_files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

Json SummaryIn(const fs::path& group) { return Json::parse(ReadFile(group / "summary.json")); }

}  // namespace

TEST_CASE("--seeds trains a run for each, and a summary", "[replicas]") {
  const TrainerFolder folder;
  const ToolResult result = folder.Train({"small.json", "--seeds", "3,0..1", "--threads", "1"});
  INFO(result.err);
  CHECK(result.status == 0);
  CheckMentions(result.out, {"seed_0", "seed_1", "seed_3", "d_loss", "mean", "deviation"});
  CheckMentions(result.err, {"seed_3 is trained", "runs/small_seeds", "64 images", "1 thread"});
  const fs::path group = folder.path() / "runs/small_seeds";
  for (const char* name :
       {"config.json", "metrics.jsonl", "samples/epoch_0002.png", "g.bin", "d.bin",
        "checkpoint/state.safetensors", "run.json", "report.html", "log.txt"}) {
    INFO(name);
    CHECK(fs::exists(group / "seed_3" / name));
  }
  const Json summary = SummaryIn(group);
  REQUIRE(summary["runs"].size() == 3);
  CHECK(summary["runs"][0]["run"] == "seed_3");
  CHECK(summary["figures"]["g_loss"]["count"] == 3);
  CHECK(fs::exists(group / "comparison.html"));
  CHECK_FALSE(fs::exists(folder.path() / "runs/latest"));

  REQUIRE(folder.Train({"small.json", "--quiet", "--seed", "3", "--threads", "1"}).status == 0);
  const fs::path alone = folder.path() / "runs/small";
  CheckSameFiles(group / "seed_3", alone, {"g.bin", "d.bin", "config.json"});
  CHECK(MetricsIn(group / "seed_3") == MetricsIn(alone));

  SECTION("again it takes another folder") {
    const ToolResult again = folder.Train({"small.json", "--seeds", "3", "--quiet"});
    CHECK(again.status == 0);
    CHECK(again.out.empty());
    CHECK(again.err.empty());
    CHECK(SameBytes(folder.path() / "runs/small_seeds_2/seed_3/g.bin", alone / "g.bin"));
    CheckRefused(folder.Train({"small.json", "--seeds", "5", "--run-dir", "runs/small_seeds"}),
                 {"runs/small_seeds", "holds runs already"});
  }
  SECTION("report takes the folder for the runs in it") {
    const ToolResult page = RunTool("report", {"runs/small_seeds"}, folder.path());
    INFO(page.err);
    CHECK(page.status == 0);
    CheckMentions(ReadFile(folder.path() / "comparison.html"), {"seed_0", "seed_1", "seed_3"});
    CHECK(RunTool("report", {"runs/small", "runs/small_seeds", "--quiet"}, folder.path()).status ==
          0);
  }
  SECTION("more seeds and more epochs can join") {
    REQUIRE(folder.Train({"small.json", "--quiet", "--seeds", "0..4", "--epochs", "3", "--resume"})
                .status == 0);
    REQUIRE(folder
                .Train({"small.json", "--quiet", "--seed", "4", "--threads", "1", "--epochs", "3",
                        "--run-dir", "four"})
                .status == 0);
    CheckSameFiles(group / "seed_4", folder.path() / "four", {"g.bin", "d.bin", "config.json"});
    CHECK(MetricsIn(group / "seed_0").size() == 3);
    CHECK(SummaryIn(group)["figures"]["g_loss"]["count"] == 5);
  }
}

TEST_CASE("--digits trains a generator of each digit", "[replicas]") {
  const TrainerFolder folder;
  REQUIRE(folder.Train({"small.json", "--quiet", "--digits", "0..2", "--threads", "1"}).status ==
          0);
  const fs::path group = folder.path() / "runs/small_digits";
  REQUIRE(folder
              .Train({"small.json", "--quiet", "--set", "/data/digits=[2]", "--threads", "1",
                      "--run-dir", "two"})
              .status == 0);
  CheckSameFiles(group / "digit_2", folder.path() / "two", {"g.bin", "d.bin", "config.json"});
  CHECK_FALSE(SameBytes(group / "digit_1/g.bin", group / "digit_2/g.bin"));
}

TEST_CASE("bad lists of replicas get one line and status 2", "[replicas]") {
  const TrainerFolder folder;
  for (const char* bad :
       {"", "a", "3..1", "1,,2", "-1", "1,1", "0..1000", "1..99999999999999999999"}) {
    INFO(bad);
    CheckRefused(folder.Train({"small.json", "--seeds", bad}), {"--seeds"});
  }
  CheckRefused(folder.Train({"small.json", "--digits", "0..10"}), {"--digits", "0 to 9"});
  CheckRefused(folder.Train({"small.json", "--seeds", "1,2", "--seed", "1"}), {"--seed"});
  CheckRefused(folder.Train({"small.json", "--seeds", "1,2", "--digits", "1"}), {"--digits"});
  CheckRefused(folder.Train({"small.json", "--seeds", "1,2", "--profile", "1:2"}), {"--profile"});
  CheckRefused(folder.Train({"small.json", "--seeds", "1,2", "--resume"}), {"nothing to resume"});
  CheckRefused(folder.Train({"small.json", "--seeds", "1,2", "--device", "cuda"}), {"cuda"});
  CheckRefused(folder.Train({"small.json", "--seeds", "1", "--run-dir", "small.json/runs"}),
               {"small.json/runs"});
  CheckRefused(folder.Train({"small.json", "--seeds", "1,2", "--at-once", "0"}), {"--at-once"});
  CHECK_FALSE(fs::exists(folder.path() / "runs"));
}

TEST_CASE("a replica that fails is named, with status 1, and the others are there", "[replicas]") {
  const TrainerFolder folder;
  WriteBytes(folder.path() / "group/seed_1", "a file where a folder should be");
  const ToolResult result = folder.Train({"small.json", "--seeds", "0..2", "--run-dir", "group"});
  INFO(result.err);
  CHECK(result.status == 1);
  CheckMentions(result.err, {"seed_1 failed: ", "failed in group: seed_1\n"});
  for (const char* name : {"seed_0", "seed_2"}) {
    CHECK(fs::exists(folder.path() / "group" / name / "g.bin"));
  }
  CHECK(SummaryIn(folder.path() / "group")["runs"][1]["state"] == "failed");
}

TEST_CASE("a signal saves all replicas, and they go on", "[replicas]") {
  const TrainerFolder folder;
  const std::vector<std::string> args{"small.json",
                                      "--seeds",
                                      "1..3",
                                      "--threads",
                                      "1",
                                      "--at-once",
                                      "2",
                                      "--epochs",
                                      "1000000",
                                      "--set",
                                      "/output/checkpoint_every=1000000"};
  const Tool tool("trainer", args, folder.path());
  const fs::path group = folder.path() / "runs/small_seeds";
  for (int i = 0; i < 600 && !(fs::exists(group / "seed_1/metrics.jsonl") &&
                               fs::exists(group / "seed_2/metrics.jsonl"));
       ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  tool.Signal(SIGINT);
  const ToolResult result = tool.Wait();
  INFO(result.err);
  CHECK(result.status == 130);
  CheckMentions(result.err, {"runs/small_seeds", "--resume"});
  CHECK(SummaryIn(group)["runs"][1]["state"] == "interrupted");
  CHECK(SummaryIn(group)["runs"][2]["state"] == "not begun");
  CHECK_FALSE(fs::exists(group / "seed_3"));
  std::vector<std::string> again = args;
  again.insert(again.end(), {"--resume", "--max-steps", "1", "--quiet"});
  const ToolResult resumed = folder.Train(again);
  INFO(resumed.err);
  CHECK(resumed.status == 0);
  for (const char* name : {"seed_1", "seed_2", "seed_3"}) {
    CHECK(fs::exists(group / name / "checkpoint/state.safetensors"));
  }
}

}  // namespace numeral
