// Ten training steps of every config, narrowed, against PyTorch in double precision (tests/golden):
// losses, a classifier's accuracies, first gradients, weights. The CPU engine runs them with
// poisoned memory, fused and unfused.
#include <filesystem>

#include "tests/catch.h"
#include "tests/train/golden_run.h"

namespace numeral {

namespace fs = std::filesystem;

TEST_CASE("ten steps of every config agree with PyTorch", "[golden]") {
  const auto engine = MakeCpuEngine({.poison = true});
  const std::vector<fs::path> files = GoldenFiles();
  REQUIRE(files.size() >= 17);
  for (const fs::path& file : files) {
    for (const bool fuse : {true, false}) {
      DYNAMIC_SECTION(file.stem().string() << (fuse ? ", fused" : ", unfused")) {
        GoldenRun run(file, *engine, fuse);
        run.CheckInitial();
        run.CheckSteps();
        run.CheckWeights();
      }
    }
  }
}

TEST_CASE("every config has a golden", "[golden]") {
  for (const auto& entry : fs::directory_iterator(NUMERAL_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".json") continue;
    INFO(entry.path());
    CHECK(fs::exists(fs::path(NUMERAL_SOURCE_DIR "/tests/golden") / entry.path().filename()));
  }
}

}  // namespace numeral
