// Every class of bad input the IDX reader refuses, plain and gzip, and the good files it reads.
#include <sys/stat.h>

#include <string>

#include "data/dataset.h"
#include "tests/catch.h"
#include "tests/data/idx_files.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

const std::string kLabels("\3\1\4\1\5", 5);

struct Pair {
  TempFolder folder;
  fs::path images = folder.path() / "images";
  fs::path labels = folder.path() / "labels";

  Pair() {
    WriteBytes(images, IdxImages(5));
    WriteBytes(labels, IdxLabels(kLabels));
  }

  // Reads the pair, expects bad input, checks that the message has all of `parts`.
  void CheckRefused(std::initializer_list<std::string> parts) const {
    CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { ReadIdxPair(images, labels); }), parts);
  }
};

std::string Packed(bool gzip, const std::string& bytes) { return gzip ? Gzip(bytes) : bytes; }

TEST_CASE("a good pair is read, plain or gzip", "[idx]") {
  const bool gzip = GENERATE(false, true);
  Pair pair;
  WriteBytes(pair.images, Packed(gzip, IdxImages(5)));
  WriteBytes(pair.labels, Packed(gzip, IdxLabels(kLabels)));
  const Dataset data = ReadIdxPair(pair.images, pair.labels);
  REQUIRE(data.count() == 5);
  CHECK(std::string(data.labels.begin(), data.labels.end()) == kLabels);
  REQUIRE(data.pixels.size() == 5u * kImagePixels);
  for (size_t i = 0; i < data.pixels.size(); ++i) REQUIRE(data.pixels[i] == i / kImagePixels);
}

TEST_CASE("gzip files of several members and of several buffers are read", "[idx]") {
  Pair pair;
  const std::string bytes = IdxImages(5);
  WriteBytes(pair.images, Gzip(bytes.substr(0, 1000)) + Gzip("") + Gzip(bytes.substr(1000)));
  CHECK(ReadIdxPair(pair.images, pair.labels).pixels.back() == 4);

  // Random labels hardly shrink, so the packed file is longer than any read buffer.
  std::string many(500'000, '\0');
  uint32_t state = 1;
  for (char& label : many) {
    state = state * 1664525u + 1013904223u;
    label = static_cast<char>((state >> 16) % kDigits);
  }
  WriteBytes(pair.labels, Gzip(IdxLabels(many)));
  REQUIRE(fs::file_size(pair.labels) > 150'000);
  // The reader gets past the labels, and refuses the images for their count.
  pair.CheckRefused({"5 images", "500000 labels"});
}

TEST_CASE("an IDX file cut off anywhere is refused", "[idx]") {
  const bool gzip = GENERATE(false, true);
  Pair pair;
  const std::string images = Packed(gzip, IdxImages(5));
  const std::string labels = Packed(gzip, IdxLabels(kLabels));
  for (size_t keep = 0; keep < images.size(); keep += keep < 40 ? 1 : 97) {
    WriteBytes(pair.images, images.substr(0, keep));
    pair.CheckRefused({pair.images.string(), "byte"});
  }
  WriteBytes(pair.images, images.substr(0, images.size() - 1));
  pair.CheckRefused({pair.images.string(), fmt::format("byte {}", images.size() - 1)});

  WriteBytes(pair.images, images);
  for (size_t keep = 0; keep < labels.size(); ++keep) {
    WriteBytes(pair.labels, labels.substr(0, keep));
    pair.CheckRefused({pair.labels.string(), "byte"});
  }
}

TEST_CASE("a file with bytes after its end is refused", "[idx]") {
  const bool gzip = GENERATE(false, true);
  Pair pair;
  WriteBytes(pair.images, Packed(gzip, IdxImages(5) + "x"));
  pair.CheckRefused({pair.images.string(), "byte 3936"});
  WriteBytes(pair.images, IdxImages(5));
  WriteBytes(pair.labels, Packed(gzip, IdxLabels(kLabels) + '\0'));
  pair.CheckRefused({pair.labels.string(), "byte 13"});
}

TEST_CASE("bytes after the gzip data are refused", "[idx]") {
  Pair pair;
  const std::string packed = Gzip(IdxImages(5));
  for (const std::string& tail : {std::string("x"), std::string(1000, '\0'), std::string("\x1f")}) {
    WriteBytes(pair.images, packed + tail);
    pair.CheckRefused({pair.images.string(), "gzip", "byte"});
  }
}

TEST_CASE("corrupt gzip data is refused", "[idx]") {
  Pair pair;
  const std::string good = Gzip(IdxLabels(kLabels));
  // From the compression method on: bytes 4 to 9 of the header (time, flags, system) carry no data.
  for (size_t i = 10; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    WriteBytes(pair.labels, bad);
    pair.CheckRefused({pair.labels.string(), "byte"});
  }
}

TEST_CASE("the wrong magic number is refused", "[idx]") {
  const bool gzip = GENERATE(false, true);
  Pair pair;
  WriteBytes(pair.images, Packed(gzip, IdxLabels(kLabels) + std::string(8, '\0')));
  pair.CheckRefused({pair.images.string(), "0x00000801", "byte 0", "0x00000803"});
  WriteBytes(pair.images, IdxImages(5));
  WriteBytes(pair.labels, Packed(gzip, "this is no IDX file"));
  pair.CheckRefused({pair.labels.string(), "magic", "byte 0", "0x00000801"});
}

TEST_CASE("images of another size are refused", "[idx]") {
  const bool gzip = GENERATE(false, true);
  Pair pair;
  // As many bytes as five 28x28 images.
  WriteBytes(pair.images,
             Packed(gzip, BigEndian({0x803, 5, 14, 56}) + std::string(5 * kImagePixels, 'x')));
  pair.CheckRefused({pair.images.string(), "14x56", "byte 8"});
  WriteBytes(pair.images, Packed(gzip, BigEndian({0x803, 5, 0x10000, 0x10000})));
  pair.CheckRefused({pair.images.string(), "65536x65536"});
}

TEST_CASE("a header that claims more than there is is refused before memory is taken", "[idx]") {
  const bool gzip = GENERATE(false, true);
  Pair pair;
  const std::string images = IdxImages(5).substr(16);
  for (uint32_t count : {6u, 9'999'999u, 10'000'001u, 0x7fffffffu, 0xffffffffu}) {
    WriteBytes(pair.images, Packed(gzip, BigEndian({0x803, count, 28, 28}) + images));
    pair.CheckRefused({pair.images.string()});
    WriteBytes(pair.labels, Packed(gzip, BigEndian({0x801, count}) + kLabels));
    pair.CheckRefused({pair.labels.string(), "byte"});
    WriteBytes(pair.labels, IdxLabels(kLabels));
  }
}

TEST_CASE("images and labels of different counts are refused", "[idx]") {
  const bool gzip = GENERATE(false, true);
  Pair pair;
  WriteBytes(pair.images, Packed(gzip, IdxImages(4)));
  pair.CheckRefused({pair.images.string(), "4 images", pair.labels.string(), "5 labels"});
}

TEST_CASE("a label above 9 is refused with its place", "[idx]") {
  const bool gzip = GENERATE(false, true);
  Pair pair;
  WriteBytes(pair.labels, Packed(gzip, IdxLabels(std::string("\0\1\2\n\4", 5))));
  pair.CheckRefused({pair.labels.string(), "label 10", "byte 11"});
  WriteBytes(pair.labels, Packed(gzip, IdxLabels(std::string("\377\1\2\3\4", 5))));
  pair.CheckRefused({"label 255", "byte 8"});
}

TEST_CASE("what is no regular file is refused without waiting", "[idx]") {
  Pair pair;
  pair.images = pair.folder.path();
  pair.CheckRefused({"not a regular file"});
  pair.images = "/dev/zero";
  pair.CheckRefused({"not a regular file"});
  pair.images = pair.folder.path() / "pipe";
  REQUIRE(::mkfifo(pair.images.c_str(), 0600) == 0);
  pair.CheckRefused({"not a regular file"});
  pair.images = pair.folder.path() / "missing";
  pair.CheckRefused({"missing"});
}

}  // namespace
}  // namespace numeral
