// Facts of the real MNIST files, checked where they have been fetched.
#include <array>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <string>

#include "data/dataset.h"
#include "tests/catch.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

using Counts = std::array<int64_t, kDigits>;

fs::path RealDataDir() {
  const char* variable = std::getenv("NUMERAL_DATA");
  return variable != nullptr && *variable != '\0' ? fs::path(variable)
                                                  : fs::path(NUMERAL_SOURCE_DIR) / "data";
}

bool HasMnist() {
  const std::string file = "train-images-idx3-ubyte";
  for (const fs::path& folder : {RealDataDir() / "mnist", RealDataDir()}) {
    if (fs::exists(folder / file) || fs::exists(folder / (file + ".gz"))) return true;
  }
  WARN("SKIPPED: no MNIST in " << RealDataDir() << "; run tools/fetch_data.sh");
  return false;
}

Counts CountLabels(const Dataset& data) {
  Counts counts{};
  for (uint8_t label : data.labels) ++counts[label];
  return counts;
}

int64_t SumOfPixels(const Dataset& data) {
  return std::accumulate(data.pixels.begin(), data.pixels.end(), int64_t{0});
}

TEST_CASE("the MNIST training set is the published one", "[mnist]") {
  if (!HasMnist()) return;
  const Dataset data = LoadDataset({}, RealDataDir());
  REQUIRE(data.count() == 60000);
  CHECK(std::vector<uint8_t>(data.labels.begin(), data.labels.begin() + 5) ==
        std::vector<uint8_t>{5, 0, 4, 1, 9});
  CHECK(CountLabels(data) == Counts{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  // A mean of 33.3184, or 0.1307 of white, the number MNIST inputs are often normalised with.
  CHECK(SumOfPixels(data) == 1567298545);
}

TEST_CASE("the MNIST test set is the published one", "[mnist]") {
  if (!HasMnist()) return;
  DataSpec spec;
  spec.split = "test";
  const Dataset data = LoadDataset(spec, RealDataDir());
  REQUIRE(data.count() == 10000);
  CHECK(CountLabels(data) == Counts{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009});
  CHECK(SumOfPixels(data) == 264923200);
}

TEST_CASE("MNIST can be narrowed to a few digits", "[mnist]") {
  if (!HasMnist()) return;
  DataSpec spec;
  spec.digits = {3, 7};
  CHECK(CountLabels(LoadDataset(spec, RealDataDir())) == Counts{0, 0, 0, 6131, 0, 0, 0, 6265});
  spec.limit = 1000;
  CHECK(LoadDataset(spec, RealDataDir()).count() == 1000);
}

}  // namespace
}  // namespace numeral
