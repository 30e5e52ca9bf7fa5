// Finding, filtering and limiting data sets.
#include "data/dataset.h"

#include <stdlib.h>

#include <optional>
#include <string>

#include "tests/catch.h"
#include "tests/data/idx_files.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

const std::string kTrainLabels("\3\1\4\1\5\x09", 6);  // image i is filled with i
const std::string kTestLabels("\2\7", 2);

void WriteSplit(const fs::path& folder, const std::string& prefix, const std::string& labels) {
  WriteBytes(folder / (prefix + "-images-idx3-ubyte"),
             IdxImages(static_cast<uint32_t>(labels.size())));
  WriteBytes(folder / (prefix + "-labels-idx1-ubyte"), IdxLabels(labels));
}

struct DataFolder : TempFolder {
  explicit DataFolder(const std::string& below = "mnist") {
    WriteSplit(path() / below, "train", kTrainLabels);
    WriteSplit(path() / below, "t10k", kTestLabels);
  }
};

void CheckRefused(const DataSpec& spec, const fs::path& dir,
                  std::initializer_list<std::string> parts) {
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { LoadDataset(spec, dir); }), parts);
}

// The labels, and a check that each image is still the one of its label.
std::string LabelsOf(const Dataset& data, std::initializer_list<uint8_t> images) {
  REQUIRE(data.count() == static_cast<int64_t>(images.size()));
  REQUIRE(data.pixels.size() == images.size() * kImagePixels);
  size_t at = 0;
  for (uint8_t image : images) {
    for (int p = 0; p < kImagePixels; ++p) REQUIRE(data.pixels[at++] == image);
  }
  return {data.labels.begin(), data.labels.end()};
}

TEST_CASE("both splits are found and named", "[dataset]") {
  // In the set's own folder, and directly in the data folder.
  const DataFolder folder(GENERATE(std::string("mnist"), std::string(".")));
  DataSpec spec;
  const Dataset train = LoadDataset(spec, folder.path());
  CHECK(train.name == "mnist train");
  CHECK(LabelsOf(train, {0, 1, 2, 3, 4, 5}) == kTrainLabels);
  spec.split = "test";
  const Dataset test = LoadDataset(spec, folder.path());
  CHECK(test.name == "mnist test");
  CHECK(LabelsOf(test, {0, 1}) == kTestLabels);
}

TEST_CASE("packed files are found", "[dataset]") {
  TempFolder folder;
  WriteBytes(folder.path() / "fashion/train-images-idx3-ubyte.gz", Gzip(IdxImages(2)));
  WriteBytes(folder.path() / "fashion/train-labels-idx1-ubyte.gz", Gzip(IdxLabels("\1\2")));
  DataSpec spec;
  spec.dataset = "fashion";
  CHECK(LoadDataset(spec, folder.path()).name == "fashion train");
}

TEST_CASE("digits and limit choose images in file order", "[dataset]") {
  const DataFolder folder;
  DataSpec spec;
  spec.digits = {5, 1, 1};
  CHECK(LabelsOf(LoadDataset(spec, folder.path()), {1, 3, 4}) == std::string("\1\1\5"));
  spec.limit = 2;
  CHECK(LabelsOf(LoadDataset(spec, folder.path()), {1, 3}) == std::string("\1\1"));
  spec.limit = 100;
  CHECK(LoadDataset(spec, folder.path()).count() == 3);
  spec.digits = {};
  spec.limit = 4;
  CHECK(LabelsOf(LoadDataset(spec, folder.path()), {0, 1, 2, 3}) == std::string("\3\1\4\1"));
}

TEST_CASE("a choice that leaves no image is refused", "[dataset]") {
  const DataFolder folder;
  DataSpec spec;
  spec.digits = {0, 8};
  CheckRefused(spec, folder.path(), {"mnist train", "[0, 8]"});

  WriteSplit(folder.path() / "mnist", "train", "");
  spec.digits = {};
  CheckRefused(spec, folder.path(), {"mnist train", "no images"});
}

TEST_CASE("a spec that makes no sense is refused", "[dataset]") {
  const DataFolder folder;
  DataSpec spec;
  spec.dataset = "../mnist";
  CheckRefused(spec, folder.path(), {"\"../mnist\"", "fashion"});
  spec = {};
  spec.split = "valid";
  CheckRefused(spec, folder.path(), {"\"valid\"", "test", "validation"});
  spec = {};
  spec.digits = {10};
  CheckRefused(spec, folder.path(), {"10"});
  spec = {};
  spec.limit = -1;
  CheckRefused(spec, folder.path(), {"-1"});
}

TEST_CASE("fit and validation part the training images", "[dataset]") {
  const DataFolder folder;
  std::string labels(kValidationImages + 3, '\1');
  labels[2] = '\2';  // the last of fit
  labels[3] = '\3';  // the first of validation
  WriteSplit(folder.path() / "mnist", "train", labels);
  DataSpec spec;
  spec.split = "fit";
  const Dataset fit = LoadDataset(spec, folder.path());
  CHECK(fit.name == "mnist fit");
  CHECK(LabelsOf(fit, {0, 1, 2}) == std::string("\1\1\2"));
  spec.split = "validation";
  const Dataset validation = LoadDataset(spec, folder.path());
  CHECK(validation.count() == kValidationImages);
  CHECK(validation.pixels.size() == static_cast<size_t>(kValidationImages * kImagePixels));
  CHECK(validation.labels.front() == 3);
  CHECK(validation.pixels.front() == 3);
  spec.digits = {3};
  CHECK(LoadDataset(spec, folder.path()).count() == 1);

  WriteSplit(folder.path() / "mnist", "train", labels.substr(3));
  CheckRefused(spec, folder.path(), {"\"validation\"", "more than 10000", "there are 10000"});
  CHECK(HeldOutSplit("train") == "test");
  CHECK(HeldOutSplit("fit") == "validation");
  CHECK(HeldOutSplit("test").empty());
}

TEST_CASE("missing files name the command that fetches them", "[dataset]") {
  const DataFolder folder;
  DataSpec spec;
  fs::remove(folder.path() / "mnist/train-labels-idx1-ubyte");
  CheckRefused(
      spec, folder.path(),
      {(folder.path() / "mnist").string(), "train-labels-idx1-ubyte", "tools/fetch_data.sh mnist"});
  spec.dataset = "fashion";
  CheckRefused(spec, folder.path() / "nowhere", {"nowhere", "tools/fetch_data.sh fashion"});
}

TEST_CASE("a pair is never made of files from two folders", "[dataset]") {
  const DataFolder folder;
  fs::rename(folder.path() / "mnist/train-labels-idx1-ubyte",
             folder.path() / "train-labels-idx1-ubyte");
  CheckRefused({}, folder.path(), {"run tools/fetch_data.sh"});
}

TEST_CASE("the data folder is the option, then the environment, then data", "[dataset]") {
  const char* variable = ::getenv("NUMERAL_DATA");
  const std::optional<std::string> before =
      variable ? std::optional<std::string>(variable) : std::nullopt;

  ::unsetenv("NUMERAL_DATA");
  CHECK(DataDir("") == "data");
  CHECK(DataDir("x") == "x");
  ::setenv("NUMERAL_DATA", "/somewhere", 1);
  CHECK(DataDir("") == "/somewhere");
  CHECK(DataDir("x") == "x");
  ::setenv("NUMERAL_DATA", "", 1);
  CHECK(DataDir("") == "data");

  if (before) {
    ::setenv("NUMERAL_DATA", before->c_str(), 1);
  } else {
    ::unsetenv("NUMERAL_DATA");
  }
}

}  // namespace
}  // namespace numeral
