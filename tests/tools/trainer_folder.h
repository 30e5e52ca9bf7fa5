// A folder with a config and a small data set, as a user's working folder.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/data/idx_files.h"
#include "tests/tools/run_tool.h"
#include "tests/train/synthetic_data.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {

inline constexpr const char* kTrainerConfig = R"({
  "networks": {
    "generator": {
      "inputs": {"z": {"kind": "latent", "size": 4}},
      "layers": [{"type": "dense", "units": 784}, {"type": "tanh"},
                 {"type": "reshape", "shape": [28, 28, 1]}]},
    "discriminator": {
      "inputs": {"image": {"kind": "image"}},
      "layers": [{"type": "flatten"}, {"type": "dense", "units": 1}]}},
  "training": {"epochs": 2, "batch_size": 8},
  "output": {"grid": [2, 2]}})";

class TrainerFolder {
 public:
  TrainerFolder() {
    const Dataset data = SyntheticData(64, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    WriteBytes(path() / "data/mnist/train-images-idx3-ubyte",
               BigEndian({0x803, 64, kImageSide, kImageSide}) +
                   std::string(data.pixels.begin(), data.pixels.end()));
    WriteBytes(path() / "data/mnist/train-labels-idx1-ubyte",
               IdxLabels(std::string(data.labels.begin(), data.labels.end())));
    WriteBytes(path() / "small.json", kTrainerConfig);
  }
  const std::filesystem::path& path() const { return folder_.path(); }
  ToolResult Train(const std::vector<std::string>& args) const {
    return RunTool("trainer", args, path());
  }

 private:
  TempFolder folder_;
};

inline int Lines(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

inline void CheckRefused(const ToolResult& result, std::initializer_list<std::string> mentions) {
  INFO(result.err);
  CHECK(result.status == 2);
  CHECK(Lines(result.err) == 1);
  CheckMentions(result.err, mentions);
}

}  // namespace numeral
