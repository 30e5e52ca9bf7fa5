// What is written is a data set, and nothing is there before it is whole.
#include "data/idx_writer.h"

#include "tests/catch.h"
#include "tests/data/idx_files.h"
#include "tests/train/synthetic_data.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

// Images [first, first + count) of `data`.
void WritePart(IdxWriter& writer, const Dataset& data, int64_t first, int64_t count) {
  const std::vector<int32_t> digits(data.labels.begin() + first,
                                    data.labels.begin() + first + count);
  writer.Write(std::span(data.pixels)
                   .subspan(static_cast<size_t>(first * kImagePixels),
                            static_cast<size_t>(count * kImagePixels)),
               digits);
}

int CountFiles(const fs::path& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

int CountWhole(const fs::path& folder) {
  int whole = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    whole += entry.path().extension() != ".tmp";
  }
  return whole;
}

}  // namespace

TEST_CASE("a set that is written in parts is read back", "[idx]") {
  const TempFolder folder;
  const Dataset train = SyntheticData(300, {9, 0, 3, 3, 7}), test = SyntheticData(7, {4, 5, 6});
  {
    IdxWriter training(folder.path(), "train", 300), testing(folder.path(), "test", 7);
    for (const auto& [first, count] : {std::pair(0, 1), {1, 250}, {251, 0}, {251, 49}}) {
      WritePart(training, train, first, count);
    }
    WritePart(testing, test, 0, 7);
    CHECK(CountWhole(folder.path()) == 0);
    training.Commit();
    CHECK(CountWhole(folder.path()) == 2);
    testing.Commit();
  }
  CHECK(CountFiles(folder.path()) == 4);
  const Dataset pair = ReadIdxPair(folder.path() / "train-images-idx3-ubyte",
                                   folder.path() / "train-labels-idx1-ubyte");
  CHECK(pair.labels == train.labels);
  CHECK((pair.pixels == train.pixels));
  DataSpec spec;
  CHECK((LoadDataset(spec, folder.path()).pixels == train.pixels));
  spec.split = "test";
  CHECK(LoadDataset(spec, folder.path()).labels == test.labels);
  CHECK((LoadDataset(spec, folder.path()).pixels == test.pixels));
}

TEST_CASE("a set that does not become whole leaves nothing", "[idx]") {
  const TempFolder folder;
  const Dataset data = SyntheticData(5, {1, 2});
  {
    IdxWriter writer(folder.path(), "train", 6);
    WritePart(writer, data, 0, 5);
    MessageOf(ErrorKind::kFailure, [&] { writer.Commit(); });
    CHECK(CountWhole(folder.path()) == 0);
    WritePart(writer, data, 0, 2);
    MessageOf(ErrorKind::kFailure, [&] { writer.Commit(); });  // now one too many
  }
  CHECK(CountFiles(folder.path()) == 0);
  IdxWriter writer(folder.path(), "train", 1);
  const std::vector<uint8_t> pixels(kImagePixels);
  const auto write = [&](size_t size, std::vector<int32_t> digits) {
    return MessageOf(ErrorKind::kFailure,
                     [&] { writer.Write(std::span(pixels).first(size), digits); });
  };
  for (const int32_t digit : {-1, 10, 256}) write(kImagePixels, {digit});
  write(kImagePixels - 1, {1});
  write(kImagePixels, {});
  MessageOf(ErrorKind::kFailure, [&] { IdxWriter none(folder.path(), "train", 0); });
  MessageOf(ErrorKind::kFailure, [&] { IdxWriter many(folder.path(), "train", 10'000'001); });
  CheckMentions(MessageOf(ErrorKind::kFailure,
                          [&] { IdxWriter nowhere(folder.path() / "missing", "train", 1); }),
                {"missing/train-images-idx3-ubyte"});
}

TEST_CASE("a folder where a data set would be found is refused", "[idx]") {
  for (const char* place : {".", "mnist", "fashion"}) {
    for (const char* name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                             "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
      for (const char* suffix : {"", ".gz"}) {
        const TempFolder folder;
        CheckNoDataset(folder.path());
        const fs::path file = folder.path() / place / (std::string(name) + suffix);
        WriteBytes(file, "");
        INFO(file);
        CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { CheckNoDataset(folder.path()); }),
                      {std::string(name) + suffix, "there already"});
      }
    }
  }
  const TempFolder folder;
  WriteBytes(folder.path() / "mnist/other", "");
  WriteBytes(folder.path() / "elsewhere/train-images-idx3-ubyte", "");
  CheckNoDataset(folder.path());
  CheckNoDataset(folder.path() / "missing");
}

}  // namespace numeral
