// The trainer as a program: exit statuses, messages of one line, signals, files.
#include <cstdlib>
#include <thread>

#include "config/parse.h"
#include "report/run_record.h"
#include "tests/report/search_path.h"
#include "tests/tools/trainer_folder.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

}  // namespace

TEST_CASE("a run leaves the files that the design promises", "[trainer]") {
  const TrainerFolder folder;
  const ToolResult result = folder.Train({"small.json"});
  INFO(result.err);
  CHECK(result.status == 0);
  const fs::path run = folder.path() / "runs/small";
  for (const char* name :
       {"config.json", "metrics.jsonl", "samples/epoch_0001.png", "samples/epoch_0002.png", "g.bin",
        "d.bin", "checkpoint/state.safetensors", "run.json", "report.html", "losses.svg",
        "losses.png", "progress.gif"}) {
    INFO(name);
    CHECK(fs::exists(run / name));
  }
  CHECK(fs::equivalent(folder.path() / "runs/latest", run));
  CHECK(Lines(ReadFile(run / "metrics.jsonl")) == 2);
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    CHECK(entry.path().extension() != ".tmp");
  }

  SECTION("a second run takes another folder") {
    CHECK(folder.Train({"small.json", "--quiet"}).status == 0);
    CHECK(fs::equivalent(folder.path() / "runs/latest", folder.path() / "runs/small_2"));
    CHECK(ReadFile(run / "g.bin") == ReadFile(folder.path() / "runs/small_2/g.bin"));
  }
  SECTION("another seed gives another generator") {
    CHECK(folder.Train({"small.json", "--quiet", "--seed", "2"}).status == 0);
    CHECK(ReadFile(run / "g.bin") != ReadFile(folder.path() / "runs/small_2/g.bin"));
  }
  SECTION("the resolved config repeats the run") {
    CHECK(folder.Train({"runs/small/config.json", "--quiet", "--run-dir", "again"}).status == 0);
    CHECK(ReadFile(run / "g.bin") == ReadFile(folder.path() / "again/g.bin"));
  }
}

TEST_CASE("the command of a report repeats its run to the byte", "[trainer]") {
  const TrainerFolder folder;
  const std::vector<std::string> args =
      GENERATE(std::vector<std::string>{}, std::vector<std::string>{"--max-steps", "11"});
  std::vector<std::string> all{
      "small.json", "--quiet",    "--seed",     "5",    "--set",    "/description=it's a run",
      "--run-dir",  "it's a run", "--data-dir", "data", "--device", "cpu"};
  all.insert(all.end(), args.begin(), args.end());
  REQUIRE(folder.Train(all).status == 0);
  const fs::path run = folder.path() / "it's a run";
  const Json facts = Json::parse(ReadFile(run / "run.json"));
  CHECK(facts["data_dir"] == "data");
  CHECK(facts["device"] == "cpu");
  CHECK(facts["steps_per_epoch"] == 8);
  CheckMentions(facts["command"], {"trainer small.json --quiet --seed 5", R"('it'\''s a run')"});
  CheckMentions(facts["engine"], {"CPU", "oneDNN"});
  const std::string command = ReadRun(run).RepeatCommand();
  INFO(command);
  CHECK((command.find("--max-steps 11") != std::string::npos) == !args.empty());
  const std::string shell = fmt::format("cd '{}' && '{}/'{} --quiet", folder.path().string(),
                                        NUMERAL_BINARY_DIR, command);
  REQUIRE(std::system(shell.c_str()) == 0);
  const fs::path again = folder.path() / "it's a run_again";
  for (const char* name : {"config.json", "g.bin", "d.bin"}) {
    INFO(name);
    CHECK(ReadFile(run / name) == ReadFile(again / name));
  }
}

TEST_CASE("a resumed run says so in run.json", "[trainer]") {
  const TrainerFolder folder;
  REQUIRE(folder.Train({"small.json", "--quiet", "--max-steps", "3"}).status == 0);
  REQUIRE(folder.Train({"small.json", "--quiet", "--resume"}).status == 0);
  const Json facts = Json::parse(ReadFile(folder.path() / "runs/small/run.json"));
  CheckMentions(facts["command"], {"--max-steps 3"});
  REQUIRE(facts["resumed"].size() == 1);
  CHECK(facts["resumed"][0]["step"] == 3);
  CheckMentions(facts["resumed"][0]["command"], {"--resume"});
  CheckMentions(ReadFile(folder.path() / "runs/small/report.html"), {"at step 3"});
}

TEST_CASE("a resumed run has the threads that it had, unless told otherwise", "[trainer]") {
  const TrainerFolder folder;
  const auto threads = [&](const char* pointer) {
    const Json facts = Json::parse(ReadFile(folder.path() / "runs/small/run.json"));
    return facts[Json::json_pointer(pointer)].get<int>();
  };
  REQUIRE(folder.Train({"small.json", "--quiet", "--threads", "3", "--max-steps", "3"}).status ==
          0);
  CHECK(threads("/threads") == 3);
  const ToolResult same = folder.Train({"small.json", "--resume", "--max-steps", "5"});
  CHECK(same.status == 0);
  CheckMentions(same.err, {"CPU, 3 threads"});
  CHECK(same.err.find("--threads") == std::string::npos);
  CHECK(threads("/resumed/0/threads") == 3);
  const ToolResult other =
      folder.Train({"small.json", "--resume", "--quiet", "--threads", "2", "--max-steps", "7"});
  CHECK(other.status == 0);
  CHECK(Lines(other.err) == 1);
  CheckMentions(other.err, {"runs/small", "--threads 3", "with 2"});
  CHECK(threads("/resumed/1/threads") == 2);
  REQUIRE(folder.Train({"small.json", "--resume", "--quiet"}).status == 0);
  CHECK(threads("/resumed/2/threads") == 2);
  CheckMentions(ReadRun(folder.path() / "runs/small").RepeatCommand(), {"--threads 3"});
  for (const char* bad : {"-1", "two", "1.5", "5000", ""}) {
    INFO(bad);
    CheckRefused(folder.Train({"small.json", "--threads", bad}), {"--threads"});
  }
}

TEST_CASE("a report that fails costs a line and nothing else", "[trainer]") {
  const TrainerFolder folder;
  REQUIRE(folder.Train({"small.json", "--max-steps", "3"}).status == 0);
  const fs::path run = folder.path() / "runs/small";
  fs::remove(run / "report.html");
  fs::create_directory(run / "report.html");
  const ToolResult resumed = folder.Train({"small.json", "--resume"});
  CHECK(resumed.status == 0);
  CheckMentions(resumed.err, {"no report: ", "report.html", "is trained"});
  CHECK(folder.Train({"small.json", "--quiet"}).status == 0);
  CHECK(ReadFile(run / "g.bin") == ReadFile(folder.path() / "runs/small_2/g.bin"));
}

TEST_CASE("without gnuplot a run ends as ever, with one note", "[trainer]") {
  const TrainerFolder folder;
  const SearchPath path(folder.path());
  const ToolResult result = folder.Train({"small.json"});
  CHECK(result.status == 0);
  CheckMentions(result.err, {"gnuplot-nox"});
  const fs::path run = folder.path() / "runs/small";
  CHECK(fs::exists(run / "report.html"));
  CHECK(fs::exists(run / "progress.gif"));
  CHECK_FALSE(fs::exists(run / "losses.svg"));
}

TEST_CASE("bad input gets one line and status 2", "[trainer]") {
  const TrainerFolder folder;
  CheckRefused(folder.Train({"absent.json"}), {"absent.json"});
  WriteBytes(folder.path() / "broken.json", "{\"seed\": }");
  CheckRefused(folder.Train({"broken.json"}), {"broken.json"});
  WriteBytes(folder.path() / "binary.json", std::string("\0\xff\xfe", 3));
  CheckRefused(folder.Train({"binary.json"}), {"binary.json"});
  CheckRefused(folder.Train({"small.json", "--set", "/training/epoch=3"}), {"/training", "epochs"});
  CheckRefused(folder.Train({"small.json", "--set", "nonsense"}), {"nonsense"});
  CheckRefused(folder.Train({"small.json", "--device", "cuda"}), {"--device", "cuda"});
  CheckRefused(folder.Train({"small.json", "--device", "tpu"}), {"tpu", "auto"});
  CheckRefused(folder.Train({"small.json", "--device", "cpu", "--set", "/precision=tf32"}),
               {"/precision", "cpu", "tf32 takes a GPU"});
  CheckRefused(folder.Train({"small.json", "--resume"}), {"nothing to resume"});
  CheckRefused(folder.Train({"small.json", "--data-dir", "nowhere"}), {"nowhere", "fetch_data.sh"});
  CheckRefused(folder.Train({"small.json", "--run-dir", "small.json/run"}), {"small.json/run"});
  CheckRefused(folder.Train({"small.json", "--set", "/training/batch_size=65", "--set",
                             "/data/last_batch=drop"}),
               {"batch_size", "64 images"});
  CheckRefused(folder.Train({"small.json", "--set", "/networks/discriminator/layers/1/units=3"}),
               {"/networks/discriminator", "3"});
  CheckRefused(folder.Train({"small.json", "--set", "/networks/generator/layers/0/units=783"}),
               {"/networks/generator/layers/2", "783", "28x28x1"});
  CHECK(folder.Train({"small.json", "--epochs", "0"}).status == 2);
  CHECK(folder.Train({}).status == 2);
  CHECK_FALSE(fs::exists(folder.path() / "runs"));
}

TEST_CASE("bf16 is refused where the processor has none", "[trainer]") {
  const TrainerFolder folder;
  setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);  // to oneDNN, the processor has no more than that
  const ToolResult result =
      folder.Train({"small.json", "--device", "cpu", "--set", "/precision=bf16"});
  unsetenv("ONEDNN_MAX_CPU_ISA");
  CheckRefused(result, {"/precision", "cpu", "fp32", "AVX512-BF16 or AMX"});
}

TEST_CASE("a damaged data set is refused by name before anything is written", "[trainer]") {
  const TrainerFolder folder;
  const fs::path labels = folder.path() / "data/mnist/train-labels-idx1-ubyte";
  WriteBytes(labels, ReadFile(labels).substr(0, 40));
  CheckRefused(folder.Train({"small.json"}), {labels.filename().string()});
  CHECK_FALSE(fs::exists(folder.path() / "runs"));
}

TEST_CASE("a classifier that is none is refused before anything is written", "[trainer]") {
  const TrainerFolder folder;
  CheckRefused(folder.Train({"small.json", "--classifier", "absent.bin"}), {"absent.bin"});
  WriteBytes(folder.path() / "broken.bin", "broken");
  CheckRefused(folder.Train({"small.json", "--classifier", "broken.bin"}), {"broken.bin"});
  CHECK_FALSE(fs::exists(folder.path() / "runs"));
}

TEST_CASE("the program that restarts itself for patient threads is the same run", "[trainer]") {
  const TrainerFolder folder;
  const char* set = std::getenv("OMP_WAIT_POLICY");
  const std::string policy = set == nullptr ? "" : set;
  unsetenv("OMP_WAIT_POLICY");
  unsetenv("GOMP_SPINCOUNT");
  const ToolResult trained = folder.Train({"small.json", "--max-steps", "1", "--seed", "7"});
  CheckRefused(folder.Train({"absent.json"}), {"absent.json"});
  if (!policy.empty()) setenv("OMP_WAIT_POLICY", policy.c_str(), 1);
  CHECK(trained.status == 0);
  CheckMentions(ReadFile(folder.path() / "runs/small/config.json"), {"\"seed\": 7"});
}

TEST_CASE("a signal ends the run after the step, saved and resumable", "[trainer]") {
  for (const int signal : {SIGINT, SIGTERM}) {
    const TrainerFolder folder;
    const Tool tool(
        "trainer",
        {"small.json", "--epochs", "1000000", "--set", "/output/checkpoint_every=1000000"},
        folder.path());
    // The resolved config is written once training begins.
    const fs::path started = folder.path() / "runs/small/metrics.jsonl";
    for (int i = 0; i < 600 && !fs::exists(started); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    tool.Signal(signal);
    const ToolResult result = tool.Wait();
    INFO(result.err);
    CHECK(result.status == 130);
    CHECK(fs::exists(folder.path() / "runs/small/checkpoint/state.safetensors"));
    CHECK(result.err.find("--resume") != std::string::npos);
    for (const char* name : {"run.json", "report.html", "losses.svg", "losses.png"}) {
      INFO(name);
      CHECK(fs::exists(folder.path() / "runs/small" / name));
    }
    const ToolResult resumed =
        folder.Train({"small.json", "--resume", "--quiet", "--epochs", "1000000", "--max-steps",
                      "1", "--set", "/output/checkpoint_every=1000000"});
    INFO(resumed.err);
    CHECK(resumed.status == 0);
  }
}

TEST_CASE("what a config describes can be read without data", "[trainer]") {
  const TempFolder empty;
  const std::string configs = NUMERAL_SOURCE_DIR "/configs/";
  const ToolResult summary =
      RunTool("trainer", {configs + "dcgan_keras.json", "--summary"}, empty.path());
  CHECK(summary.status == 0);
  CheckMentions(summary.out, {"22,428,288", "22,326,144", "102,144", "4,108,289", "28x28x1"});
  const ToolResult check = RunTool("trainer", {configs + "gan_mlp.json", "--check"}, empty.path());
  CHECK(check.status == 0);
  const ToolResult dump = RunTool("trainer", {configs + "dcgan.json", "--dump-plan"}, empty.path());
  CHECK(dump.status == 0);
  CheckMentions(dump.out, {"phase step[256]", "conv_forward", "adam_update", "phase step[96]"});
  const ToolResult help = RunTool("trainer", {"--help"}, empty.path());
  CHECK(help.status == 0);
  CheckMentions(help.out, {"--resume", "--set", "configs/quickstart.json", "Exit status"});
}

}  // namespace numeral
