#include "report/run_facts.h"

#include "config/parse.h"
#include "report/run_record.h"
#include "tests/catch.h"
#include "tests/data/idx_files.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"

namespace numeral {
namespace {

const RunFacts kFacts{.command = "trainer a.json",
                      .data_dir = "data",
                      .device = "auto",
                      .engine = "CPU, 3 threads",
                      .steps_per_epoch = 17};

Json Recorded(const TempFolder& folder) {
  return Json::parse(ReadFile(folder.path() / "run.json"));
}

}  // namespace

TEST_CASE("run.json says how a run began and went on", "[report]") {
  const TempFolder folder;
  RecordStart(folder.path(), kFacts);
  const Json started = Recorded(folder);
  CHECK(started["command"] == "trainer a.json");
  CHECK(started["engine"] == "CPU, 3 threads");
  CHECK(started["steps_per_epoch"] == 17);
  CHECK(started["machine"]["cores"] >= 1);
  CHECK_FALSE(started["machine"]["processor"].get<std::string>().empty());
  CHECK_FALSE(started["numeral"].get<std::string>().empty());
  CHECK_FALSE(started["compiler"].get<std::string>().empty());
  const std::string time = started["started"];
  REQUIRE(time.size() == 20);
  CHECK(time.substr(0, 2) == "20");
  CHECK(time[10] == 'T');
  CHECK(time[19] == 'Z');
  CHECK_FALSE(started.contains("resumed"));

  RunFacts again = kFacts;
  again.command = "trainer a.json --resume";
  RecordResume(folder.path(), again, 34);
  RecordResume(folder.path(), again, 51);
  Json resumed = Recorded(folder);
  REQUIRE(resumed["resumed"].size() == 2);
  CHECK(resumed["resumed"][0]["step"] == 34);
  CHECK(resumed["resumed"][1]["step"] == 51);
  CHECK(resumed["resumed"][1]["command"] == "trainer a.json --resume");
  resumed.erase("resumed");
  CHECK(resumed == started);
}

TEST_CASE("a resumed run needs no run.json, nor a good one", "[report]") {
  for (const std::string before : {"", "{\"resumed\"", "[]", "{\"resumed\": 7}"}) {
    INFO(before);
    const TempFolder folder;
    if (!before.empty()) WriteBytes(folder.path() / "run.json", before);
    RecordResume(folder.path(), kFacts, 5);
    const Json json = Recorded(folder);
    REQUIRE(json["resumed"].size() == 1);
    CHECK(json["resumed"][0]["step"] == 5);
    if (before.find('7') == std::string::npos) CHECK(json.value("command", "") == "trainer a.json");
  }
}

TEST_CASE("a run's threads are those that it had last", "[report]") {
  const TempFolder folder;
  CHECK(RecordedThreads(folder.path()) == 0);
  RunFacts facts = kFacts;
  RecordStart(folder.path(), facts);
  CHECK_FALSE(Recorded(folder).contains("threads"));
  CHECK(RecordedThreads(folder.path()) == 0);
  facts.threads = 3;
  RecordStart(folder.path(), facts);
  CHECK(RecordedThreads(folder.path()) == 3);
  facts.threads = 2;
  RecordResume(folder.path(), facts, 5);
  CHECK(RecordedThreads(folder.path()) == 2);
  facts.threads = 0;  // on a GPU
  RecordResume(folder.path(), facts, 9);
  CHECK(RecordedThreads(folder.path()) == 2);
  for (const std::string bad :
       {"{", "[]", "7", R"({"threads": -1})", R"({"threads": 0})", R"({"threads": 1e9})",
        R"({"threads": 99999999999999})", R"({"threads": "2"})", R"({"threads": 2.5})",
        R"({"resumed": [7, {"threads": null}]})"}) {
    INFO(bad);
    WriteBytes(folder.path() / "run.json", bad);
    CHECK(RecordedThreads(folder.path()) == 0);
  }
}

TEST_CASE("bytes that are no text do not stop a run", "[report]") {
  const TempFolder folder;
  RunFacts facts = kFacts;
  facts.command = facts.data_dir = "\xff\xfe";
  RecordStart(folder.path(), facts);
  CHECK(Recorded(folder)["data_dir"] == "\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace numeral
