// report RUN_DIR...: pictures and pages of runs, and a page that compares them.
#include "report/report.h"

#include <algorithm>

#include "report/comparison.h"
#include "tools/tool_main.h"
#include "util/error.h"
#include "util/files.h"

namespace {

using namespace numeral;

struct Options {
  std::vector<std::string> runs;
  std::string out, sort;
  bool quiet = false;
};

constexpr const char* kFooter = R"(Examples:
  report runs/latest                            runs/latest/report.html, which opens in any browser
  report runs/dcgan runs/quickstart runs/gan_mlp --out three.html
  report runs/* --sort coverage                 the best coverage comes first
  report runs/gan_mlp_seeds                     the runs of trainer --seeds, beside each other

Into each run's folder go
  report.html               figures, curves, samples of every epoch, config, machine, command:
                            one file without links, to be mailed or kept
  losses.svg, losses.png    losses, accuracies and quality over the epochs (needs gnuplot)
  progress.gif              the samples from the first epoch to the last
trainer writes them too when a run ends; here they are made again, with evaluation/ where evaluate
has been there since. Of several runs there is also --out: a table, curves over each other, samples
side by side, and where the configs differ. --sort takes the names of metrics.jsonl and
evaluation.json, such as fid_c, s1, coverage or test_accuracy; the better end comes first, and where
evaluate measured a figure, that one counts.
Exit status: 0 done, 2 bad input, 1 failure.)";

void Declare(CLI::App& app, Options& o) {
  app.footer(kFooter);
  app.add_option("RUN_DIR", o.runs, "folders of runs")->required();
  app.add_option("--out", o.out, "the page that compares several runs (default: comparison.html)");
  app.add_option("--sort", o.sort, "metric by which runs are compared (default: fid_c)");
  app.add_flag("--quiet", o.quiet, "no line for each file, no notes");
}

bool HoldsConfig(const std::filesystem::path& dir) {
  return std::filesystem::exists(dir / "config.json");
}

// The runs in a folder of `trainer --seeds`, by name; nothing where it is none.
std::vector<std::filesystem::path> RunsInside(const std::filesystem::path& dir) {
  std::vector<std::filesystem::path> runs;
  if (HoldsConfig(dir)) return runs;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) {
    if (HoldsConfig(entry.path())) runs.push_back(entry.path());
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

// In the place of a group's folder the runs in it.
std::vector<std::filesystem::path> WithoutGroups(const std::vector<std::string>& dirs) {
  std::vector<std::filesystem::path> all;
  for (const std::string& dir : dirs) {
    const std::vector<std::filesystem::path> inside = RunsInside(dir);
    if (inside.empty()) all.push_back(dir);
    all.insert(all.end(), inside.begin(), inside.end());
  }
  return all;
}

// Each run once: runs/* names the newest one twice, as runs/latest too.
std::vector<RunRecord> ReadRuns(const std::vector<std::string>& dirs) {
  std::vector<RunRecord> runs;
  for (const std::filesystem::path& dir : WithoutGroups(dirs)) {
    RunRecord run = ReadRun(dir);
    const bool known = std::any_of(runs.begin(), runs.end(), [&](const RunRecord& other) {
      return std::filesystem::equivalent(run.dir, other.dir);
    });
    if (!known) runs.push_back(std::move(run));
  }
  return runs;
}

int Run(const Options& o) {
  const Note note = [&](const std::string& text) {
    if (!o.quiet) Say(text);
  };
  // Whatever can be refused comes before anything is written.
  std::vector<RunRecord> runs = ReadRuns(o.runs);
  const int sorted_by = SortRuns(o.sort, runs);
  if (runs.size() == 1 && !o.out.empty()) {
    BadInput("--out is for the page that compares several runs; one run's page is in its folder");
  }
  const std::filesystem::path out = o.out.empty() ? "comparison.html" : o.out;
  if (runs.size() > 1 && out.has_parent_path()) MakeFolder(out.parent_path());
  for (const RunRecord& run : runs) {
    WriteRunReport(run, note);
    note((run.dir / "report.html").string());
  }
  if (runs.size() > 1) {
    TellApart(runs);
    WriteComparison(runs, sorted_by, out, note);
    note(out.string());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Draws the curves and samples of runs, and writes a page of each.", "report");
  Options options;
  Declare(app, options);
  return ToolMain(app, argc, argv, [&] { return Run(options); });
}
