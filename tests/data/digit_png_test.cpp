// Every class of PNG that is refused, and the good ones that are read exactly.
#include <fcntl.h>
#include <gd.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "data/image_folder.h"
#include "render/png.h"
#include "tests/catch.h"
#include "tests/data/png_files.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

// Unfiltered rows, so that the pixels are the noise itself.
std::vector<uint8_t> Pixels(const std::string& rows) {
  std::vector<uint8_t> pixels;
  for (int y = 0; y < kImageSide; ++y) {
    const auto row = rows.begin() + y * kPngRowBytes;
    pixels.insert(pixels.end(), row + 1, row + kPngRowBytes);
  }
  return pixels;
}

std::vector<uint8_t> ReadByLibgd(std::string png) {
  const std::unique_ptr<gdImage, decltype(&gdImageDestroy)> image(
      gdImageCreateFromPngPtr(static_cast<int>(png.size()), png.data()), gdImageDestroy);
  REQUIRE(image != nullptr);
  std::vector<uint8_t> pixels;
  for (int i = 0; i < kImagePixels; ++i) {
    const int colour = gdImageGetTrueColorPixel(image.get(), i % kImageSide, i / kImageSide);
    pixels.push_back(static_cast<uint8_t>(colour & 255));
  }
  return pixels;
}

struct OneFile {
  TempFolder folder;
  fs::path path = folder.path() / "3" / "a.png";

  void Write(const std::string& bytes) const {
    fs::remove(path);  // file systems take their time to write over a file
    WriteBytes(path, bytes);
  }
  std::vector<uint8_t> Read(const std::string& bytes) const {
    Write(bytes);
    return ReadDigitPng(path);
  }
  std::string Refusal(const std::string& bytes) const {
    Write(bytes);
    const std::string message = MessageOf(ErrorKind::kBadInput, [&] { ReadDigitPng(path); });
    CheckMentions(message, {path.string()});
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
};

TEST_CASE("a picture that was written is read back byte for byte", "[digit_png]") {
  GreyImage image{kImageSide, kImageSide, {}};
  for (int i = 0; i < kImagePixels; ++i) image.pixels.push_back(static_cast<uint8_t>(i * 37));
  if (GENERATE(false, true)) image.pixels.assign(kImagePixels, 0);
  OneFile file;
  fs::create_directory(file.path.parent_path());
  WritePng(file.path, image);
  CHECK(ReadDigitPng(file.path) == image.pixels);
}

TEST_CASE("grey PNG of every filter is read as libgd reads it", "[digit_png]") {
  OneFile file;
  CHECK(file.Read(Png(PngRows(0))) == Pixels(PngRows(0)));
  for (const int filter : {0, 1, 2, 3, 4, -1}) {
    const std::string png = Png(PngRows(filter));
    const std::vector<uint8_t> pixels = file.Read(png);
    CHECK(pixels == ReadByLibgd(png));
    CHECK((filter == 0) == (pixels == Pixels(PngRows(0))));
    const std::string smooth = Png(PngRows(filter, 3));  // where predictions tie
    CHECK(file.Read(smooth) == ReadByLibgd(smooth));
  }
}

TEST_CASE("notes in a PNG and the cuts of its data change nothing", "[digit_png]") {
  OneFile file;
  const std::vector<uint8_t> pixels = Pixels(PngRows(0));
  CHECK(file.Read(Png(PngRows(0), PngChunk("gAMA", BigEndian({45455})) + PngChunk("tEXt", "a\0b") +
                                      PngChunk("bKGD", std::string(2, '\0')))) == pixels);
  const std::string packed = ZlibPacked(PngRows(0));
  CHECK(file.Read(kPngSignature + kGoodPngHeader + PngChunk("IDAT", packed.substr(0, 1)) +
                  PngChunk("IDAT", "") + PngChunk("IDAT", packed.substr(1)) + kPngEnd) == pixels);
}

TEST_CASE("a PNG of another kind is refused by what it is", "[digit_png]") {
  OneFile file;
  const auto [header, name] = GENERATE(table<std::string, std::string>({
      {PngHeader(32, 32, 8, 2), "is a 32x32 8-bit RGB PNG"},
      {PngHeader(28, 28, 8, 2), "is a 28x28 8-bit RGB PNG"},
      {PngHeader(28, 27, 8, 0), "is a 28x27 8-bit grey PNG"},
      {PngHeader(27, 28, 8, 0), "is a 27x28 8-bit grey PNG"},
      {PngHeader(28, 28, 1, 0), "is a 28x28 1-bit grey PNG"},
      {PngHeader(28, 28, 2, 0), "is a 28x28 2-bit grey PNG"},
      {PngHeader(28, 28, 4, 0), "is a 28x28 4-bit grey PNG"},
      {PngHeader(28, 28, 16, 0), "is a 28x28 16-bit grey PNG"},
      {PngHeader(28, 28, 4, 3), "is a 28x28 4-bit palette PNG"},
      {PngHeader(28, 28, 8, 3), "is a 28x28 8-bit palette PNG"},
      {PngHeader(28, 28, 8, 4), "is a 28x28 8-bit grey and alpha PNG"},
      {PngHeader(28, 28, 8, 6), "is a 28x28 8-bit RGBA PNG"},
      {PngHeader(28, 28, 8, 5), "is a 28x28 8-bit colour type 5 PNG"},
      {PngHeader(28, 28, 8, 0, 1), "is a 28x28 8-bit grey PNG with interlacing"},
      {PngHeader(0, 28, 8, 0), "is a 0x28 8-bit grey PNG"},
      {PngHeader(0xffffffff, 0x7fffffff, 8, 0), "is a 4294967295x2147483647 8-bit grey PNG"},
  }));
  CheckMentions(
      file.Refusal(kPngSignature + header + PngChunk("IDAT", ZlibPacked(PngRows(0))) + kPngEnd),
      {name + "; 8-bit grey of 28x28 is wanted"});
}

TEST_CASE("transparency and unknown methods are refused", "[digit_png]") {
  OneFile file;
  CheckMentions(file.Refusal(Png(PngRows(0), PngChunk("tRNS", std::string(2, '\0')))),
                {"28x28 8-bit grey PNG with transparency"});
  const std::string size = BigEndian({28, 28});
  for (const std::string& methods : {std::string("\1\0\0", 3), std::string("\0\1\0", 3)}) {
    CheckMentions(
        file.Refusal(kPngSignature + PngChunk("IHDR", size + std::string("\10\0", 2) + methods)),
        {"unknown compression or filter method"});
  }
}

TEST_CASE("a palette must be all greys in order", "[digit_png]") {
  OneFile file;
  std::string ramp;
  for (int i = 0; i < 256; ++i) ramp.append(3, static_cast<char>(i));
  const auto png = [&](const std::string& palette, int colour = 3) {
    return kPngSignature + PngHeader(28, 28, 8, colour) + palette +
           PngChunk("IDAT", ZlibPacked(PngRows(0))) + kPngEnd;
  };
  CHECK(file.Read(png(PngChunk("PLTE", ramp))) == Pixels(PngRows(0)));
  CHECK(file.Read(png(PngChunk("PLTE", "abc"), 0)) == Pixels(PngRows(0)));  // has no meaning there
  CheckMentions(file.Refusal(png(PngChunk("PLTE", ramp), 2)), {"8-bit RGB PNG"});
  std::string coloured = ramp;
  coloured[767] = '\xfe';
  for (const std::string& palette : {std::string(), PngChunk("PLTE", ramp.substr(0, 765)),
                                     PngChunk("PLTE", coloured), PngChunk("PLTE", ramp + "abc")}) {
    CheckMentions(file.Refusal(png(palette)), {"is a 28x28 8-bit palette PNG; 8-bit grey"});
  }
}

TEST_CASE("a PNG cut off anywhere or changed anywhere is refused", "[digit_png]") {
  OneFile file;
  const std::string good = Png(PngRows(-1));
  for (size_t i = 0; i < good.size(); ++i) {
    CheckMentions(file.Refusal(good.substr(0, i)),
                  {i < kPngSignature.size() ? "is not a PNG" : "is cut off or corrupt: the chunk"});
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x20);  // in a chunk's type: says that it may be skipped
    file.Refusal(bad);
  }
  CheckMentions(file.Refusal(good + "x"),
                {"goes on after its end", fmt::format("byte {}", good.size())});
}

TEST_CASE("what is no PNG is refused", "[digit_png]") {
  OneFile file;
  for (const std::string& bytes :
       {std::string(), std::string("\x89PNG"), std::string("GIF89a is something else"),
        Gzip(Png(PngRows(0))), std::string(5000, '\0')}) {
    CheckMentions(file.Refusal(bytes), {"is not a PNG; 8-bit grey of 28x28"});
  }
  const std::string data = PngChunk("IDAT", ZlibPacked(PngRows(0)));
  CheckMentions(file.Refusal(kPngSignature + data + kPngEnd), {"no PNG header"});
  CheckMentions(file.Refusal(kPngSignature + PngChunk("IHDR", "short") + data + kPngEnd),
                {"no PNG header"});
  const std::string other = PngChunk("tEXt", kGoodPngHeader.substr(8, 13));
  CheckMentions(file.Refusal(kPngSignature + other + data + kPngEnd), {"no PNG header"});
  CheckMentions(file.Refusal(Png(PngRows(0), kGoodPngHeader)), {"unknown chunk at byte 33"});
  CheckMentions(file.Refusal(Png(PngRows(0), PngChunk("NEWS", ""))), {"unknown chunk at byte 33"});
}

TEST_CASE("sizes that a chunk or a file claims take no memory", "[digit_png]") {
  OneFile file;
  for (const uint32_t length : {1000u, 0x7fffffffu, 0xffffffffu}) {
    CheckMentions(
        file.Refusal(kPngSignature + kGoodPngHeader + BigEndian({length}) + "IDATxxxxxxxx"),
        {"the chunk at byte 33", fmt::format("needs {} bytes", length + uint64_t{12})});
  }
  file.Read(Png(PngRows(0)));
  fs::resize_file(file.path, uint64_t{1} << 40);  // a hole, not data
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { ReadDigitPng(file.path); }),
                {"1099511627776 bytes, more than any PNG of a digit"});
}

TEST_CASE("pixels that do not unpack to the picture are refused", "[digit_png]") {
  OneFile file;
  const std::string packed = ZlibPacked(PngRows(0));
  std::string wrong_sum = packed;
  wrong_sum.back() = static_cast<char>(wrong_sum.back() ^ 1);
  for (const std::string& data :
       {std::string(), ZlibPacked(""), ZlibPacked(PngRows(0).substr(1)),
        ZlibPacked(PngRows(0) + "x"), packed + "x", packed.substr(0, packed.size() - 1), wrong_sum,
        std::string("no zlib data"), ZlibPacked(std::string(10'000'000, '\0'))}) {
    CheckMentions(file.Refusal(kPngSignature + kGoodPngHeader + PngChunk("IDAT", data) + kPngEnd),
                  {"do not unpack to 28 rows of 29 bytes"});
  }
  file.Refusal(kPngSignature + kGoodPngHeader + kPngEnd);
  CheckMentions(file.Refusal(Png(PngRows(5))), {"unknown filter 5"});
  CheckMentions(file.Refusal(Png(PngRows(255))), {"unknown filter 255"});
}

// Sends what the process writes to stderr to a file for as long as it lives.
class StderrTo {
 public:
  explicit StderrTo(const fs::path& file) : saved_(::dup(2)) {
    std::fflush(stderr);
    const int fd = ::creat(file.c_str(), 0600);
    ::dup2(fd, 2);
    ::close(fd);
  }
  ~StderrTo() {
    std::fflush(stderr);
    ::dup2(saved_, 2);
    ::close(saved_);
  }
  StderrTo(const StderrTo&) = delete;
  StderrTo& operator=(const StderrTo&) = delete;

 private:
  int saved_;
};

TEST_CASE("nothing but the error is said about a doubtful PNG", "[digit_png]") {
  OneFile file;
  const fs::path said = file.folder.path() / "said";
  {
    const StderrTo here(said);
    // libpng would warn of the first, and of the second that there is too much data.
    CHECK(file.Read(Png(PngRows(0), PngChunk("sRGB", "\t"))) == Pixels(PngRows(0)));
    file.Refusal(Png(PngRows(0) + std::string(50, 'x')));
    file.Refusal(Png(PngRows(0).substr(0, 100)));
  }
  CHECK(ReadFile(said).empty());
}

}  // namespace
}  // namespace numeral
