// Pages as text; tests/browser/ opens them.
#include "report/comparison.h"
#include "report/config_differences.h"
#include "report/html.h"
#include "report/report.h"
#include "tests/catch.h"
#include "tests/render/gif_file.h"
#include "tests/report/run_files.h"
#include "tests/report/search_path.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

std::string ReadFileAfterWriting(const fs::path& dir) {
  WriteRunReport(ReadRun(dir), [](const std::string&) {});
  return ReadFile(dir / "report.html");
}

std::vector<std::string> Write(const fs::path& dir) {
  std::vector<std::string> notes;
  WriteRunReport(ReadRun(dir), [&](const std::string& note) { notes.push_back(note); });
  return notes;
}

constexpr const char* kHostile = "</script><script>x</script><img src=y onerror=z>\\\"'&";

}  // namespace

TEST_CASE("a report has all its files", "[report]") {
  const TempFolder folder;
  WriteRun(folder.path());
  CHECK(Write(folder.path()).empty());
  const std::string page = ReadFile(folder.path() / "report.html");
  // Figures as they are in metrics.jsonl, and as people read them.
  CheckMentions(page, {"data-value=\"20.25\">20.25<", "data-value=\"1.5\">1.5000<",
                       "<dd>3 <small>of 3</small>", "trainer ", "_again"});
  // Last and best, and when that was.
  CheckMentions(page, {"<td>FID-C</td><td class=\"number\" data-value=\"30.125\">30.12</td>"
                       "<td class=\"number\" data-value=\"20.25\">20.25</td>"
                       "<td class=\"number\" data-value=\"2\">2</td><td>lower</td>"});
  // The SVG and the last sample, byte for byte.
  CheckMentions(page, {Base64(ReadFile(folder.path() / "losses.svg")),
                       Base64(ReadFile(folder.path() / "samples/epoch_0003.png"))});
  CHECK(DecodePng(ReadFile(folder.path() / "losses.png")).width > 300);
  const std::string gif = ReadFile(folder.path() / "progress.gif");
  const GifFile animation = GifReader(gif).Read();
  REQUIRE(animation.frames.size() == 3);
  CHECK(animation.width == 60);
  CHECK(animation.height > 40);
  CHECK(animation.frames[0].hundredths == animation.frames[1].hundredths);
  CHECK(animation.frames[2].hundredths == 300);
  CHECK(animation.frames[0].shown.pixels != animation.frames[1].shown.pixels);
}

TEST_CASE("the figures of an evaluation stand beside those of real images", "[report]") {
  const TempFolder folder;
  WriteRun(folder.path());
  WriteBytes(folder.path() / "evaluation/evaluation.json", R"({
    "classifier": "c.bin", "judge": "j.bin", "real": "mnist test", "compared_images": 10000,
    "generator": "g.bin", "s0": {"samples": 100, "errors": 3, "error_rate": 0.03,
    "interval_95": [0.01, 0.0825], "by_judge": {"samples": 100, "errors": 2, "error_rate": 0.02}},
    "s1": {"samples": 200, "errors": 9, "error_rate": 0.045, "interval_95": [0.0225, 0.08]},
    "fid_c": 7.625, "recall": 0.71875, "cas": null, "confidence": "much",
    "real_training_images": {"fid_c": 2.5}})");
  const std::string picture = EncodePng(SamplePixels(30, 30, 9));
  WriteBytes(folder.path() / "evaluation/confusion.png", picture);
  CHECK(Write(folder.path()).empty());
  const std::string page = ReadFile(folder.path() / "report.html");
  CheckMentions(page, {"data-value=\"0.045\">4.50%<", "2.25 to 8.00%", "data-value=\"0.02\">2.00%<",
                       "data-value=\"7.625\">7.62<", "data-value=\"2.5\">2.50<",
                       "data-value=\"0.71875\">0.719<", "10,000 images of g.bin", Base64(picture)});
  for (const char* absent : {"CAS", "mean confidence", "digits read wrongly"}) {
    CHECK(page.find(absent) == std::string::npos);
  }
}

TEST_CASE("a run without samples or epochs has a page", "[report]") {
  const TempFolder folder;
  WriteBytes(folder.path() / "config.json", kReportedConfig);
  CHECK(Write(folder.path()).empty());
  const std::string page = ReadFile(folder.path() / "report.html");
  CheckMentions(page, {"small", "before its first epoch"});
  CHECK(page.find("id=\"sample-data\"") == std::string::npos);
  for (const char* name : {"losses.svg", "losses.png", "progress.gif"}) {
    CHECK_FALSE(fs::exists(folder.path() / name));
  }
}

TEST_CASE("a run with one sample has a page without a slider", "[report]") {
  const TempFolder folder;
  WriteRun(folder.path());
  const std::string several = ReadFileAfterWriting(folder.path());
  CHECK(several.find("id=\"sample-data\"") != std::string::npos);
  CHECK(several.find("id=\"epoch\"") != std::string::npos);
  const std::vector<SamplePicture> samples = ReadRun(folder.path()).samples;
  REQUIRE(samples.size() > 1);
  for (size_t i = 1; i < samples.size(); ++i) fs::remove(samples[i].path);
  const std::string one = ReadFileAfterWriting(folder.path());
  CHECK(one.find("id=\"sample\"") != std::string::npos);
  CHECK(one.find("id=\"sample-data\"") == std::string::npos);  // what the script looks for
  CHECK(one.find("id=\"epoch\"") == std::string::npos);
}

TEST_CASE("names and texts of a run stay text", "[report]") {
  const TempFolder folder;
  const fs::path dir = folder.path() / "<script>alert(1)<";
  WriteRun(dir,
           Replaced(kReportedConfig, "\"small\"",
                    std::string("\"small\", \"description\": \"") + kHostile + "\""),
           std::string("{\"epoch\":1,\"step\":8,\"") + kHostile + "\":1}\n");
  WriteBytes(dir / "run.json",
             std::string("{\"command\": \"") + kHostile + "\", \"engine\": \"" + kHostile + "\"}");
  WriteBytes(dir / "evaluation/evaluation.json",
             std::string("{\"classifier\": \"") + kHostile + "\", \"s0\": {\"error_rate\": 0.5}}");
  CHECK(Write(dir).empty());
  std::vector<RunRecord> runs{ReadRun(dir), ReadRun(dir)};
  WriteComparison(runs, -1, dir / "comparison.html", [](const std::string&) {});
  for (const char* file : {"report.html", "comparison.html"}) {
    INFO(file);
    const std::string page = ReadFile(dir / file);
    for (const char* markup : {"<script>x", "<script>alert", "<img src=y"}) {
      CHECK(page.find(markup) == std::string::npos);
    }
    CHECK(page.find("&lt;script&gt;") != std::string::npos);
  }
}

TEST_CASE("without gnuplot the rest is written, with one note", "[report]") {
  const TempFolder folder;
  WriteRun(folder.path());
  std::vector<std::string> notes;
  {
    const SearchPath path(folder.path());
    notes = Write(folder.path());
  }
  REQUIRE(notes.size() == 1);
  CheckMentions(notes[0], {"losses.svg", "losses.png", "gnuplot-nox"});
  CHECK_FALSE(fs::exists(folder.path() / "losses.svg"));
  CHECK(fs::exists(folder.path() / "progress.gif"));
  CheckMentions(ReadFile(folder.path() / "report.html"), {"data-value=\"20.25\""});
}

TEST_CASE("samples that are broken or of another size are left out with a note", "[report]") {
  const TempFolder folder;
  WriteRun(folder.path());
  WriteBytes(folder.path() / "samples/epoch_0002.png", "broken");
  WriteSample(folder.path(), 4, 40, 60);
  const std::vector<std::string> notes = Write(folder.path());
  REQUIRE(notes.size() == 2);
  CheckMentions(notes[0], {"epoch_0002.png", "no PNG"});
  CheckMentions(notes[1], {"epoch_0004.png", "40x60", "60x40"});
  const std::string gif = ReadFile(folder.path() / "progress.gif");
  CHECK(GifReader(gif).Read().frames.size() == 2);
}

TEST_CASE("many samples are thinned out", "[report]") {
  const TempFolder folder;
  WriteRun(folder.path());
  for (int epoch = 1; epoch <= 200; ++epoch) WriteSample(folder.path(), epoch, 20, 10);
  CHECK(Write(folder.path()).empty());
  const std::string gif = ReadFile(folder.path() / "progress.gif");
  const size_t frames = GifReader(gif).Read().frames.size();
  CHECK(frames > 40);
  CHECK(frames <= kMostFrames);
}

// ---- comparison ---------------------------------------------------------------------------------

namespace {

RunRecord RunWith(const std::string& label, const std::string& figures,
                  const std::string& evaluation = "") {
  const TempFolder folder;
  WriteRun(folder.path(), kReportedConfig, "{\"epoch\":1,\"step\":8" + figures + "}\n");
  if (!evaluation.empty()) {
    WriteBytes(folder.path() / "evaluation/evaluation.json", evaluation);
  }
  RunRecord run = ReadRun(folder.path());
  run.label = label;
  return run;
}

std::string OrderOf(const std::vector<RunRecord>& runs) {
  std::string labels;
  for (const RunRecord& run : runs) labels += run.label;
  return labels;
}

}  // namespace

TEST_CASE("runs are sorted by a metric, the better end first", "[report]") {
  std::vector<RunRecord> runs{RunWith("a", ",\"fid_c\":3,\"recall\":0.5,\"d_loss\":2"),
                              RunWith("b", ",\"recall\":0.75"),
                              RunWith("c", ",\"fid_c\":1,\"d_loss\":1"), RunWith("d", "")};
  SortRuns("", runs);
  CHECK(OrderOf(runs) == "cabd");
  SortRuns("recall", runs);
  CHECK(OrderOf(runs) == "bacd");
  SortRuns("d_loss", runs);
  CHECK(OrderOf(runs) == "cabd");
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { SortRuns("fidc", runs); }),
                {"fidc", "did you mean \"fid_c\"?"});
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { SortRuns("s1", runs); }),
                {"s1", "fid_c", "recall"});
  CHECK(OrderOf(runs) == "cabd");
  std::vector<RunRecord> nothing{RunWith("x", ""), RunWith("w", "")};
  CHECK(SortRuns("", nothing) == -1);
  CHECK(OrderOf(nothing) == "xw");
}

TEST_CASE("where evaluate measured a metric, runs are sorted by that", "[report]") {
  std::vector<RunRecord> runs{RunWith("a", ",\"fid_c\":1"),
                              RunWith("b", ",\"fid_c\":2", "{\"fid_c\": 9}"),
                              RunWith("c", ",\"fid_c\":3", "{\"fid_c\": 8}")};
  const int by = SortRuns("fid_c", runs);
  CHECK(OrderOf(runs) == "cba");
  const std::vector<ComparedMetric> metrics = ComparedMetrics(runs);
  CHECK(metrics.at(static_cast<size_t>(by)).group == "evaluation");
  CHECK(metrics.at(static_cast<size_t>(by)).values ==
        std::vector<std::optional<double>>{8, 9, std::nullopt});
}

TEST_CASE("runs of one name are told apart by their paths", "[report]") {
  std::vector<RunRecord> runs{RunWith("a", ""), RunWith("b", ""), RunWith("a", "")};
  TellApart(runs);
  CHECK(runs[0].label == runs[0].dir.string());
  CHECK(runs[1].label == "b");
  CHECK(runs[2].label == runs[2].dir.string());
}

TEST_CASE("configs differ where values or networks do", "[report]") {
  const auto run = [](const std::string& config) {
    const TempFolder folder;
    WriteRun(folder.path(), config);
    return ReadRun(folder.path());
  };
  const std::string units = Replaced(kReportedConfig, "\"batch_size\": 8", "\"batch_size\": 16");
  const std::string deeper = Replaced(
      kReportedConfig, "{\"type\": \"flatten\"},",
      "{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 7}, {\"type\": \"relu\"},");
  const std::vector<RunRecord> runs{run(kReportedConfig), run(units), run(deeper)};
  CHECK(DifferencesOf(std::span(runs).first(1)).empty());
  const std::vector<ConfigDifference> differences = DifferencesOf(runs);
  REQUIRE(differences.size() == 2);
  CHECK(differences[0].place == "/networks/discriminator");
  CHECK(differences[0].values[0] == "2 layers, 785 parameters");
  CHECK(differences[0].values[2] == "4 layers, 5,503 parameters");
  CHECK(differences[1].place == "/training/batch_size");
  CHECK(differences[1].values == std::vector<std::optional<std::string>>{"8", "16", "8"});
}

}  // namespace numeral
