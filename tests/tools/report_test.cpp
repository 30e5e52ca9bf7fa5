// The report as a program: exit statuses, messages of one line, files.
#include <algorithm>

#include "tests/catch.h"
#include "tests/report/run_files.h"
#include "tests/report/search_path.h"
#include "tests/tools/run_tool.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

void CheckRefused(const ToolResult& result, int status,
                  std::initializer_list<std::string> mentions) {
  INFO(result.err);
  CHECK(result.status == status);
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CheckMentions(result.err, mentions);
}

// runs/a and runs/b, of which b has the better recall.
class RunsFolder {
 public:
  RunsFolder() {
    WriteRun(path() / "runs/a", kReportedConfig,
             "{\"epoch\":1,\"step\":8,\"fid_c\":5,\"recall\":0.25}\n");
    WriteRun(path() / "runs/b", kReportedConfig,
             "{\"epoch\":1,\"step\":8,\"fid_c\":6,\"recall\":0.5}\n");
  }
  const fs::path& path() const { return folder_.path(); }
  ToolResult Report(const std::vector<std::string>& args) const {
    return RunTool("report", args, path());
  }

 private:
  TempFolder folder_;
};

// Which run's row comes first in a comparison.
bool FirstIsA(const fs::path& page) {
  const std::string html = ReadFile(page);
  const size_t a = html.find("<th scope=\"row\" data-value=\"a\"");
  const size_t b = html.find("<th scope=\"row\" data-value=\"b\"");
  REQUIRE(std::max(a, b) != std::string::npos);
  return a < b;
}

}  // namespace

TEST_CASE("report writes into the run's folder", "[report]") {
  const RunsFolder folder;
  const ToolResult result = folder.Report({"runs/a"});
  CHECK(result.status == 0);
  CHECK(result.out.empty());
  CHECK(result.err == "runs/a/report.html\n");
  for (const char* name : {"report.html", "losses.svg", "losses.png", "progress.gif"}) {
    INFO(name);
    CHECK(fs::exists(folder.path() / "runs/a" / name));
  }
  CHECK_FALSE(fs::exists(folder.path() / "comparison.html"));
  CHECK(folder.Report({"runs/a", "--quiet"}).err.empty());
}

TEST_CASE("report compares several runs", "[report]") {
  const RunsFolder folder;
  fs::create_directory_symlink("a", folder.path() / "runs/latest");
  CHECK(folder.Report({"runs/b", "runs/a"}).status == 0);
  CHECK(FirstIsA(folder.path() / "comparison.html"));
  CHECK(folder.Report({"runs/a", "runs/b", "runs/latest", "--sort", "recall", "--out", "x.html"})
            .status == 0);
  CHECK_FALSE(FirstIsA(folder.path() / "x.html"));
  CHECK(ReadFile(folder.path() / "x.html").find("latest") == std::string::npos);
  CHECK(fs::exists(folder.path() / "runs/b/report.html"));
  CHECK_FALSE(fs::exists(folder.path() / "runs/latest_again"));
}

TEST_CASE("what a run is compared with does not change its own page", "[report]") {
  const RunsFolder folder;
  fs::create_directories(folder.path() / "other");
  fs::copy(folder.path() / "runs/a", folder.path() / "other/a", fs::copy_options::recursive);
  REQUIRE(folder.Report({"runs/a"}).status == 0);
  const std::string alone = ReadFile(folder.path() / "runs/a/report.html");
  REQUIRE(folder.Report({"runs/a", "other/a"}).status == 0);
  CHECK((ReadFile(folder.path() / "runs/a/report.html") == alone));
  CheckMentions(alone, {"--run-dir runs/a_again"});
  CheckMentions(ReadFile(folder.path() / "comparison.html"), {"runs/a", "other/a"});
}

TEST_CASE("report refuses bad input in one line, before it writes", "[report]") {
  const RunsFolder folder;
  fs::create_directory(folder.path() / "runs/empty");
  CheckRefused(folder.Report({"runs/a", "runs/none"}), 2, {"runs/none", "not a folder"});
  CheckRefused(folder.Report({"runs/a", "runs/empty"}), 2, {"runs/empty", "config.json"});
  CheckRefused(folder.Report({"runs/a", "runs/b", "--sort", "recal"}), 2,
               {"--sort recal", "did you mean \"recall\"?"});
  WriteBytes(folder.path() / "runs/b/metrics.jsonl", "{\"epoch\":1,\"step\":8}\n{\"epoch\"\n");
  CheckRefused(folder.Report({"runs/a", "runs/b"}), 2, {"runs/b/metrics.jsonl line 2"});
  WriteBytes(folder.path() / "runs/b/config.json", "{}");
  CheckRefused(folder.Report({"runs/a", "runs/b"}), 2, {"runs/b/config.json"});
  CHECK_FALSE(fs::exists(folder.path() / "runs/a/report.html"));
  CHECK(folder.Report({}).status == 2);
  CHECK(folder.Report({"--srot"}).status == 2);
}

TEST_CASE("report says where it cannot write", "[report]") {
  const RunsFolder folder;
  fs::create_directory(folder.path() / "runs/a/report.html");
  CheckRefused(folder.Report({"runs/a"}), 1, {"cannot write", "runs/a/report.html"});
  CheckRefused(folder.Report({"runs/b", "runs/a", "--quiet"}), 1, {"runs/a/report.html"});
  fs::remove(folder.path() / "runs/a/report.html");
  CheckRefused(folder.Report({"runs/b", "--out", "x.html"}), 2, {"--out", "several"});
  CheckRefused(folder.Report({"runs/b", "runs/a", "--quiet", "--out", "runs"}), 1,
               {"cannot write", "runs"});
  WriteBytes(folder.path() / "file", "");
  fs::remove(folder.path() / "runs/b/report.html");
  CheckRefused(folder.Report({"runs/b", "runs/a", "--quiet", "--out", "file/x.html"}), 2,
               {"cannot create folder", "file"});
  CHECK_FALSE(fs::exists(folder.path() / "runs/b/report.html"));  // nothing before it
  CHECK(folder.Report({"runs/b", "runs/a", "--out", "new/x.html"}).status == 0);
  CHECK(fs::exists(folder.path() / "new/x.html"));
}

TEST_CASE("report without gnuplot writes the rest and says so once", "[report]") {
  const RunsFolder folder;
  const SearchPath path(folder.path());
  const ToolResult result = folder.Report({"runs/a"});
  CHECK(result.status == 0);
  CheckMentions(result.err, {"gnuplot-nox", "runs/a/report.html"});
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 2);
  CHECK(fs::exists(folder.path() / "runs/a/report.html"));
  CHECK(fs::exists(folder.path() / "runs/a/progress.gif"));
}

TEST_CASE("report teaches itself", "[report]") {
  const TempFolder empty;
  const ToolResult help = RunTool("report", {"--help"}, empty.path());
  CHECK(help.status == 0);
  CheckMentions(help.out, {"runs/latest", "--sort", "fid_c", "progress.gif", "Exit status"});
}

}  // namespace numeral
