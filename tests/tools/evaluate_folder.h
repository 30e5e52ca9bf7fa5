// A user's working folder for evaluate: a small data set, classifiers and generators.
#pragma once

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "inference/network_values.h"
#include "tests/data/idx_files.h"
#include "tests/tools/run_tool.h"
#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {

namespace fs = std::filesystem;

// 220 training and 110 test images; c.bin reads them, j.bin is a classifier that has learnt
// nothing, g.bin and u.bin are a conditional and an unconditional generator of noise.
class EvaluateFolder {
 public:
  EvaluateFolder() {
    WriteData("train", SyntheticImages(0, 220));
    WriteData("t10k", SyntheticImages(220, 110));
    WriteBytes(path() / "c.bin", TrainedClassifier());
    WriteUntrainedClassifier(path() / "j.bin", 9);
    WriteGenerator(path() / "g.bin", true, 4);
    WriteGenerator(path() / "u.bin", false, 4);
  }
  const fs::path& path() const { return folder_.path(); }

  // What evaluate says of c.bin and the other options, which must work.
  Json Figures(std::vector<std::string> args, const std::string& classifier = "c.bin") const {
    args.insert(args.begin(), {"--classifier", classifier, "--json", "figures.json"});
    fs::remove(path() / "figures.json");
    last = RunTool("evaluate", args, path());
    INFO(last.err);
    REQUIRE(last.status == 0);
    return Json::parse(ReadFile(path() / "figures.json"));
  }

  // Bad input gets one line, and status 2. --quiet leaves the error alone.
  void Refuse(std::vector<std::string> args, std::initializer_list<std::string> mentions,
              const std::string& classifier = "c.bin") const {
    args.insert(args.begin(), {"--classifier", classifier, "--quiet"});
    last = RunTool("evaluate", args, path());
    INFO(last.err);
    CHECK(last.status == 2);
    CHECK(std::count(last.err.begin(), last.err.end(), '\n') == 1);
    CheckMentions(last.err, mentions);
  }

  mutable ToolResult last;

 private:
  void WriteData(const std::string& prefix, const Dataset& data) const {
    const fs::path dir = path() / "data/mnist";
    WriteBytes(dir / (prefix + "-images-idx3-ubyte"),
               BigEndian({0x803, static_cast<uint32_t>(data.count()), kImageSide, kImageSide}) +
                   std::string(data.pixels.begin(), data.pixels.end()));
    WriteBytes(dir / (prefix + "-labels-idx1-ubyte"),
               IdxLabels(std::string(data.labels.begin(), data.labels.end())));
  }

  TempFolder folder_;
};

}  // namespace numeral
