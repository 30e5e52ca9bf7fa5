#include "report/run_record.h"

#include "tests/catch.h"
#include "tests/report/run_files.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

std::string RefusalOf(const fs::path& dir) {
  return MessageOf(ErrorKind::kBadInput, [&] { ReadRun(dir); });
}

}  // namespace

TEST_CASE("a run is read back from its folder", "[report]") {
  const TempFolder folder;
  const fs::path dir = folder.path() / "a run";
  WriteRun(dir);
  for (const char* other : {"stopped.png", "epoch_.png", "epoch_x2.png", "epoch_0002.png.tmp"}) {
    WriteBytes(dir / "samples" / other, "no sample of an epoch");
  }
  WriteSample(dir, 12345);
  const RunRecord run = ReadRun(dir);
  CHECK(run.label == "a run");
  CHECK(run.config.name == "small");
  REQUIRE(run.networks.size() == 2);
  CHECK(run.networks[0].name == "generator");
  CHECK(run.networks[0].TotalElems() == 4 * 784 + 784);
  REQUIRE(run.epochs.size() == 3);
  CHECK(run.epochs[1].epoch == 2);
  CHECK(run.epochs[1].step == 16);
  CHECK(run.epochs[1].Value("fid_c") == 20.25);
  CHECK(run.Last("g_loss") == 1.5);
  CHECK_FALSE(run.Last("s1"));
  std::vector<int64_t> epochs;
  for (const SamplePicture& sample : run.samples) epochs.push_back(sample.epoch);
  CHECK(epochs == std::vector<int64_t>{1, 2, 3, 12345});
  CHECK(run.evaluation.is_null());
  CHECK(run.facts.is_null());
  CHECK(run.Finished());
}

TEST_CASE("figures may be absent, null, unknown or late", "[report]") {
  const TempFolder folder;
  WriteRun(folder.path(), kReportedConfig,
           "{\"epoch\":1,\"step\":8,\"zeta\":1,\"loss\":null,\"note\":\"text\"}\n"
           "{\"epoch\":2,\"step\":16,\"coverage\":0.5,\"s1\":0.25}\n"
           "{\"epoch\":2,\"step\":20,\"alpha\":2}\n");
  const RunRecord run = ReadRun(folder.path());
  CHECK(run.MeasuredKeys() == std::vector<std::string>{"s1", "coverage", "zeta", "alpha"});
  CHECK_FALSE(run.epochs[0].Value("loss"));
  CHECK_FALSE(run.epochs[0].Value("note"));
  CHECK(run.Last("s1") == 0.25);
  CHECK_FALSE(run.Finished());
}

TEST_CASE("a run may have nothing but its config", "[report]") {
  const TempFolder folder;
  WriteBytes(folder.path() / "config.json", kReportedConfig);
  const RunRecord run = ReadRun(folder.path());
  CHECK(run.epochs.empty());
  CHECK(run.samples.empty());
  CHECK(run.MeasuredKeys().empty());
  CHECK_FALSE(run.Finished());
}

TEST_CASE("what is no run is refused, with file and line", "[report]") {
  const TempFolder folder;
  const fs::path dir = folder.path() / "run";
  CheckMentions(RefusalOf(dir), {dir.string(), "not a folder"});
  fs::create_directory(dir);
  CheckMentions(RefusalOf(dir), {dir.string(), "config.json"});
  WriteBytes(folder.path() / "file", "x");
  CheckMentions(RefusalOf(folder.path() / "file"), {"file", "not a folder"});

  WriteRun(dir);
  WriteBytes(dir / "config.json", "{\"networks\": ");
  CheckMentions(RefusalOf(dir), {(dir / "config.json").string()});
  WriteBytes(dir / "config.json", Replaced(kReportedConfig, "epochs", "epoch"));
  CheckMentions(RefusalOf(dir), {(dir / "config.json").string(), "/training", "epochs"});
  WriteBytes(dir / "config.json", Replaced(kReportedConfig, "784", "783"));
  CheckMentions(RefusalOf(dir),
                {(dir / "config.json").string(), "/networks/generator", "/layers/2"});
  WriteBytes(dir / "config.json", kReportedConfig);

  const std::string where = (dir / "metrics.jsonl").string() + " line 2";
  for (const std::string line :
       {"{\"epoch\":2,\"st", "", "[]", "7", "{\"step\":3}", "{\"epoch\":2}",
        "{\"epoch\":\"2\",\"step\":3}", "{\"epoch\":-1,\"step\":3}", "{\"epoch\":2,\"step\":1e300}",
        "{\"epoch\":2,\"step\":3} {}", "\xff"}) {
    INFO(line);
    WriteBytes(dir / "metrics.jsonl", "{\"epoch\":1,\"step\":8}\n" + line + "\n");
    CheckMentions(RefusalOf(dir), {where});
  }
  WriteBytes(dir / "metrics.jsonl", kReportedMetrics);

  for (const std::string file : {"run.json", "evaluation/evaluation.json"}) {
    for (const std::string text : {"{\"s1\": ", "[1]", ""}) {
      INFO(file << " " << text);
      WriteBytes(dir / file, text);
      CheckMentions(RefusalOf(dir), {(dir / file).string()});
    }
    fs::remove(dir / file);
  }
  ReadRun(dir);
}

TEST_CASE("a run is named by what runs/latest points at", "[report]") {
  const TempFolder folder;
  WriteRun(folder.path() / "small_3");
  fs::create_directory_symlink("small_3", folder.path() / "latest");
  for (const char* name : {"latest", "latest/", "small_3/"}) {
    const RunRecord run = ReadRun(folder.path() / name);
    CHECK(run.label == "small_3");
    CHECK(run.dir == folder.path() / "small_3");
  }
}

TEST_CASE("the command that repeats a run", "[report]") {
  const TempFolder folder;
  const fs::path dir = folder.path() / "it's";
  WriteRun(dir);
  const std::string start = "trainer '" + folder.path().string() + "/it'\\''s/config.json' " +
                            "--run-dir '" + folder.path().string() + "/it'\\''s_again'";
  CHECK(ReadRun(dir).RepeatCommand() == start);
  WriteBytes(dir / "run.json", R"({"data_dir": "my data", "device": "cpu", "steps_per_epoch": 8})");
  CHECK(ReadRun(dir).RepeatCommand() == start + " --data-dir 'my data' --device cpu");
  // Steps tell that the third epoch is not whole.
  WriteBytes(dir / "run.json", R"({"data_dir": "d", "device": "auto", "steps_per_epoch": 9})");
  CHECK(ReadRun(dir).RepeatCommand() == start + " --data-dir d --max-steps 24");
}

TEST_CASE("samples are thinned out evenly", "[report]") {
  for (size_t count = 0; count < 400; ++count) {
    std::vector<SamplePicture> samples;
    for (size_t i = 0; i < count; ++i) samples.push_back({static_cast<int64_t>(i), {}});
    const std::vector<SamplePicture> chosen = Spread(samples, 60);
    REQUIRE(chosen.size() <= 60);
    if (count <= 60) REQUIRE(chosen.size() == count);
    if (count == 0) continue;
    REQUIRE(chosen.size() >= std::min<size_t>(count, 30));
    REQUIRE(chosen.front().epoch == 0);
    REQUIRE(chosen.back().epoch == static_cast<int64_t>(count) - 1);
    for (size_t i = 2; i < chosen.size(); ++i) {
      REQUIRE(chosen[i].epoch - chosen[i - 1].epoch ==
              chosen.back().epoch - chosen[chosen.size() - 2].epoch);
    }
  }
}

}  // namespace numeral
