// Every class of PNG and of folder that is refused, and the good ones that are read exactly.
#include "data/image_folder.h"

#include <fcntl.h>
#include <gd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdio>
#include <memory>
#include <string>

#include "render/png.h"
#include "tests/catch.h"
#include "tests/data/idx_files.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

constexpr int kRowBytes = kImageSide + 1;
const std::string kSignature("\x89PNG\r\n\x1a\n");
const std::string kEnd("\0\0\0\0IEND\xae\x42\x60\x82", 12);

std::string Chunk(const std::string& type, const std::string& data) {
  const std::string covered = type + data;
  const uLong crc =
      crc32(0, reinterpret_cast<const Bytef*>(covered.data()), static_cast<uInt>(covered.size()));
  return BigEndian({static_cast<uint32_t>(data.size())}) + covered +
         BigEndian({static_cast<uint32_t>(crc)});
}

std::string Zip(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  packed.resize(size);
  return packed;
}

// Deterministic, and every byte value occurs.
std::string Noise(size_t size, uint32_t seed) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) {
    seed = seed * 1664525u + 1013904223u;
    byte = static_cast<char>(seed >> 24);
  }
  return bytes;
}

// 28 rows, each of a filter byte and 28 bytes of noise, of which the bits of `mask` are kept.
// Filter -1 takes all five in turn.
std::string Rows(int filter, int mask = 255) {
  std::string rows = Noise(kImageSide * kRowBytes, 7);
  for (char& byte : rows) byte = static_cast<char>(byte & mask);
  for (int y = 0; y < kImageSide; ++y) {
    rows[static_cast<size_t>(y * kRowBytes)] = static_cast<char>(filter < 0 ? y % 5 : filter);
  }
  return rows;
}

std::string Header(uint32_t width, uint32_t height, int bits, int colour, int interlace = 0) {
  const char rest[] = {static_cast<char>(bits), static_cast<char>(colour), 0, 0,
                       static_cast<char>(interlace)};
  return Chunk("IHDR", BigEndian({width, height}) + std::string(rest, 5));
}

const std::string kGoodHeader = Header(28, 28, 8, 0);

std::string Png(const std::string& rows, const std::string& extra = "") {
  return kSignature + kGoodHeader + extra + Chunk("IDAT", Zip(rows)) + kEnd;
}

// Unfiltered rows, so that the pixels are the noise itself.
std::vector<uint8_t> Pixels(const std::string& rows) {
  std::vector<uint8_t> pixels;
  for (int y = 0; y < kImageSide; ++y) {
    const auto row = rows.begin() + y * kRowBytes;
    pixels.insert(pixels.end(), row + 1, row + kRowBytes);
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

TEST_CASE("a picture that was written is read back byte for byte", "[image_folder]") {
  GreyImage image{kImageSide, kImageSide, {}};
  for (int i = 0; i < kImagePixels; ++i) image.pixels.push_back(static_cast<uint8_t>(i * 37));
  if (GENERATE(false, true)) image.pixels.assign(kImagePixels, 0);
  OneFile file;
  fs::create_directory(file.path.parent_path());
  WritePng(file.path, image);
  CHECK(ReadDigitPng(file.path) == image.pixels);
}

TEST_CASE("grey PNG of every filter is read as libgd reads it", "[image_folder]") {
  OneFile file;
  CHECK(file.Read(Png(Rows(0))) == Pixels(Rows(0)));
  for (const int filter : {0, 1, 2, 3, 4, -1}) {
    const std::string png = Png(Rows(filter));
    const std::vector<uint8_t> pixels = file.Read(png);
    CHECK(pixels == ReadByLibgd(png));
    CHECK((filter == 0) == (pixels == Pixels(Rows(0))));
    const std::string smooth = Png(Rows(filter, 3));  // where predictions tie
    CHECK(file.Read(smooth) == ReadByLibgd(smooth));
  }
}

TEST_CASE("notes in a PNG and the cuts of its data change nothing", "[image_folder]") {
  OneFile file;
  const std::vector<uint8_t> pixels = Pixels(Rows(0));
  CHECK(file.Read(Png(Rows(0), Chunk("gAMA", BigEndian({45455})) + Chunk("tEXt", "a\0b") +
                                   Chunk("bKGD", std::string(2, '\0')))) == pixels);
  const std::string packed = Zip(Rows(0));
  CHECK(file.Read(kSignature + kGoodHeader + Chunk("IDAT", packed.substr(0, 1)) +
                  Chunk("IDAT", "") + Chunk("IDAT", packed.substr(1)) + kEnd) == pixels);
}

TEST_CASE("a PNG of another kind is refused by what it is", "[image_folder]") {
  OneFile file;
  const auto [header, name] = GENERATE(table<std::string, std::string>({
      {Header(32, 32, 8, 2), "is a 32x32 8-bit RGB PNG"},
      {Header(28, 28, 8, 2), "is a 28x28 8-bit RGB PNG"},
      {Header(28, 27, 8, 0), "is a 28x27 8-bit grey PNG"},
      {Header(27, 28, 8, 0), "is a 27x28 8-bit grey PNG"},
      {Header(28, 28, 1, 0), "is a 28x28 1-bit grey PNG"},
      {Header(28, 28, 2, 0), "is a 28x28 2-bit grey PNG"},
      {Header(28, 28, 4, 0), "is a 28x28 4-bit grey PNG"},
      {Header(28, 28, 16, 0), "is a 28x28 16-bit grey PNG"},
      {Header(28, 28, 4, 3), "is a 28x28 4-bit palette PNG"},
      {Header(28, 28, 8, 3), "is a 28x28 8-bit palette PNG"},
      {Header(28, 28, 8, 4), "is a 28x28 8-bit grey and alpha PNG"},
      {Header(28, 28, 8, 6), "is a 28x28 8-bit RGBA PNG"},
      {Header(28, 28, 8, 5), "is a 28x28 8-bit colour type 5 PNG"},
      {Header(28, 28, 8, 0, 1), "is a 28x28 8-bit grey PNG with interlacing"},
      {Header(0, 28, 8, 0), "is a 0x28 8-bit grey PNG"},
      {Header(0xffffffff, 0x7fffffff, 8, 0), "is a 4294967295x2147483647 8-bit grey PNG"},
  }));
  CheckMentions(file.Refusal(kSignature + header + Chunk("IDAT", Zip(Rows(0))) + kEnd),
                {name + "; 8-bit grey of 28x28 is wanted"});
}

TEST_CASE("transparency and unknown methods are refused", "[image_folder]") {
  OneFile file;
  CheckMentions(file.Refusal(Png(Rows(0), Chunk("tRNS", std::string(2, '\0')))),
                {"28x28 8-bit grey PNG with transparency"});
  const std::string size = BigEndian({28, 28});
  for (const std::string& methods : {std::string("\1\0\0", 3), std::string("\0\1\0", 3)}) {
    CheckMentions(
        file.Refusal(kSignature + Chunk("IHDR", size + std::string("\10\0", 2) + methods)),
        {"unknown compression or filter method"});
  }
}

TEST_CASE("a palette must be all greys in order", "[image_folder]") {
  OneFile file;
  std::string ramp;
  for (int i = 0; i < 256; ++i) ramp.append(3, static_cast<char>(i));
  const auto png = [&](const std::string& palette, int colour = 3) {
    return kSignature + Header(28, 28, 8, colour) + palette + Chunk("IDAT", Zip(Rows(0))) + kEnd;
  };
  CHECK(file.Read(png(Chunk("PLTE", ramp))) == Pixels(Rows(0)));
  CHECK(file.Read(png(Chunk("PLTE", "abc"), 0)) == Pixels(Rows(0)));  // has no meaning there
  CheckMentions(file.Refusal(png(Chunk("PLTE", ramp), 2)), {"8-bit RGB PNG"});
  std::string coloured = ramp;
  coloured[767] = '\xfe';
  for (const std::string& palette : {std::string(), Chunk("PLTE", ramp.substr(0, 765)),
                                     Chunk("PLTE", coloured), Chunk("PLTE", ramp + "abc")}) {
    CheckMentions(file.Refusal(png(palette)), {"is a 28x28 8-bit palette PNG; 8-bit grey"});
  }
}

TEST_CASE("a PNG cut off anywhere or changed anywhere is refused", "[image_folder]") {
  OneFile file;
  const std::string good = Png(Rows(-1));
  for (size_t i = 0; i < good.size(); ++i) {
    CheckMentions(file.Refusal(good.substr(0, i)),
                  {i < kSignature.size() ? "is not a PNG" : "is cut off or corrupt: the chunk"});
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x20);  // in a chunk's type: says that it may be skipped
    file.Refusal(bad);
  }
  CheckMentions(file.Refusal(good + "x"),
                {"goes on after its end", fmt::format("byte {}", good.size())});
}

TEST_CASE("what is no PNG is refused", "[image_folder]") {
  OneFile file;
  for (const std::string& bytes :
       {std::string(), std::string("\x89PNG"), std::string("GIF89a is something else"),
        Gzip(Png(Rows(0))), std::string(5000, '\0')}) {
    CheckMentions(file.Refusal(bytes), {"is not a PNG; 8-bit grey of 28x28"});
  }
  const std::string data = Chunk("IDAT", Zip(Rows(0)));
  CheckMentions(file.Refusal(kSignature + data + kEnd), {"no PNG header"});
  CheckMentions(file.Refusal(kSignature + Chunk("IHDR", "short") + data + kEnd), {"no PNG header"});
  const std::string other = Chunk("tEXt", kGoodHeader.substr(8, 13));
  CheckMentions(file.Refusal(kSignature + other + data + kEnd), {"no PNG header"});
  CheckMentions(file.Refusal(Png(Rows(0), kGoodHeader)), {"unknown chunk at byte 33"});
  CheckMentions(file.Refusal(Png(Rows(0), Chunk("NEWS", ""))), {"unknown chunk at byte 33"});
}

TEST_CASE("sizes that a chunk or a file claims take no memory", "[image_folder]") {
  OneFile file;
  for (const uint32_t length : {1000u, 0x7fffffffu, 0xffffffffu}) {
    CheckMentions(file.Refusal(kSignature + kGoodHeader + BigEndian({length}) + "IDATxxxxxxxx"),
                  {"the chunk at byte 33", fmt::format("needs {} bytes", length + uint64_t{12})});
  }
  file.Read(Png(Rows(0)));
  fs::resize_file(file.path, uint64_t{1} << 40);  // a hole, not data
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { ReadDigitPng(file.path); }),
                {"1099511627776 bytes, more than any PNG of a digit"});
}

TEST_CASE("pixels that do not unpack to the picture are refused", "[image_folder]") {
  OneFile file;
  const std::string packed = Zip(Rows(0));
  std::string wrong_sum = packed;
  wrong_sum.back() = static_cast<char>(wrong_sum.back() ^ 1);
  for (const std::string& data :
       {std::string(), Zip(""), Zip(Rows(0).substr(1)), Zip(Rows(0) + "x"), packed + "x",
        packed.substr(0, packed.size() - 1), wrong_sum, std::string("no zlib data"),
        Zip(std::string(10'000'000, '\0'))}) {
    CheckMentions(file.Refusal(kSignature + kGoodHeader + Chunk("IDAT", data) + kEnd),
                  {"do not unpack to 28 rows of 29 bytes"});
  }
  file.Refusal(kSignature + kGoodHeader + kEnd);
  CheckMentions(file.Refusal(Png(Rows(5))), {"unknown filter 5"});
  CheckMentions(file.Refusal(Png(Rows(255))), {"unknown filter 255"});
}

TEST_CASE("a picture that is no regular file is refused without waiting", "[image_folder]") {
  OneFile file;
  fs::create_directories(file.path);
  const auto refused = [&](const std::string& reason) {
    CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { LoadImageFolder(file.folder.path()); }),
                  {file.path.string(), reason});
    fs::remove(file.path);
  };
  refused("not a regular file");
  REQUIRE(::mkfifo(file.path.c_str(), 0600) == 0);
  refused("not a regular file");
  fs::create_symlink("a.png", file.path);
  refused("symbolic links");
  fs::create_symlink("missing.png", file.path);
  refused("No such file");
}

// Digits of one grey each, whose file names do not sort as numbers.
struct Digits {
  TempFolder folder;
  fs::path dir = folder.path();

  Digits() {
    Add("7/2.png", 3);
    Add("7/10.png", 2);
    Add("0/b.png", 1);
    Add("0/B.png", 0);
    Add("9/\xc3\xa4.png", 4);
  }
  void Add(const std::string& name, int grey) const {
    std::string rows;
    for (int y = 0; y < kImageSide; ++y) {
      rows += '\0' + std::string(kImageSide, static_cast<char>(grey));
    }
    WriteBytes(dir / name, Png(rows));
  }
  void CheckRefused(std::initializer_list<std::string> parts) const {
    CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { LoadImageFolder(dir); }), parts);
  }
};

TEST_CASE("a folder is read in the order of its paths", "[image_folder]") {
  Digits digits;
  WriteBytes(digits.dir / "0" / "b.txt", "latents");
  WriteBytes(digits.dir / "0" / "c.PNG", "of another suffix");
  WriteBytes(digits.dir / "0" / ".png", "without a suffix");
  WriteBytes(digits.dir / "manifest.json", "{}");
  WriteBytes(digits.dir / "5.png", "of no digit's folder");
  fs::create_directory(digits.dir / "4");
  const Dataset data = LoadImageFolder(digits.dir);
  CHECK(data.name == digits.dir.string());
  CHECK(data.labels == std::vector<uint8_t>{0, 0, 7, 7, 9});
  REQUIRE(data.pixels.size() == 5 * kImagePixels);
  for (size_t i = 0; i < data.pixels.size(); ++i) REQUIRE(data.pixels[i] == i / kImagePixels);
}

TEST_CASE("links to pictures and to folders of digits are followed", "[image_folder]") {
  Digits digits;
  fs::create_symlink("b.png", digits.dir / "0" / "c.png");
  fs::create_directory_symlink("7", digits.dir / "8");
  CHECK(LoadImageFolder(digits.dir).labels == std::vector<uint8_t>{0, 0, 0, 7, 7, 8, 8, 9});
}

TEST_CASE("a folder that names no digit is refused", "[image_folder]") {
  Digits digits;
  const std::string name = GENERATE("10", "00", "cat", "-", "a", " 1", ".git", ":");
  fs::create_directory(digits.dir / name);
  digits.CheckRefused({(digits.dir / name).string() + " is a folder that names no digit",
                       (digits.dir / "0").string(), (digits.dir / "9").string()});
}

TEST_CASE("folders within folders and loops of links are refused", "[image_folder]") {
  Digits digits;
  const std::string name = GENERATE("0/more", "0/loop", "3");
  const fs::path path = digits.dir / name;
  if (name == "0/more") fs::create_directory(path);
  if (name == "0/loop") fs::create_directory_symlink("..", path);
  if (name == "3") fs::create_directory_symlink("3", path);
  digits.CheckRefused({path.string(), name == "3" ? "symbolic links" : "within the folder"});
}

TEST_CASE("a bad picture among good ones is named", "[image_folder]") {
  Digits digits;
  WriteBytes(digits.dir / "7" / "3.png", kSignature + Header(32, 32, 8, 2));
  digits.CheckRefused({(digits.dir / "7" / "3.png").string() +
                       " is a 32x32 8-bit RGB PNG; 8-bit grey of 28x28 is wanted"});
}

TEST_CASE("a folder without pictures or that cannot be read is refused", "[image_folder]") {
  Digits digits;
  const fs::path good = digits.dir;
  digits.dir = good / "none";
  digits.CheckRefused({"cannot read " + digits.dir.string(), "No such file"});
  digits.dir = good / "0" / "b.png";
  digits.CheckRefused({"cannot read " + digits.dir.string()});
  fs::create_directories(good / "none" / "5");
  digits.dir = good / "none";
  digits.CheckRefused({digits.dir.string() + " has no pictures", "0/*.png", "9/*.png"});
  if (::geteuid() == 0) return;  // no folder is closed to root
  fs::permissions(good / "none" / "5", fs::perms::none);
  digits.CheckRefused({"cannot read " + (digits.dir / "5").string()});
  fs::permissions(good / "none" / "5", fs::perms::owner_all);
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

TEST_CASE("nothing but the error is said about a doubtful PNG", "[image_folder]") {
  OneFile file;
  const fs::path said = file.folder.path() / "said";
  {
    const StderrTo here(said);
    // libpng would warn of the first, and of the second that there is too much data.
    CHECK(file.Read(Png(Rows(0), Chunk("sRGB", "\t"))) == Pixels(Rows(0)));
    file.Refusal(Png(Rows(0) + std::string(50, 'x')));
    file.Refusal(Png(Rows(0).substr(0, 100)));
  }
  CHECK(ReadFile(said).empty());
}

}  // namespace
}  // namespace numeral
