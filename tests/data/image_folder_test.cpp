// Every class of folder that is refused, and the order in which a good one is read.
#include "data/image_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/catch.h"
#include "tests/data/png_files.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

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
  WriteBytes(digits.dir / "7" / "3.png", kPngSignature + PngHeader(32, 32, 8, 2));
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

TEST_CASE("a picture that is no regular file is refused without waiting", "[image_folder]") {
  TempFolder folder;
  const fs::path file = folder.path() / "3" / "a.png";
  fs::create_directories(file);
  const auto refused = [&](const std::string& reason) {
    CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { LoadImageFolder(folder.path()); }),
                  {file.string(), reason});
    fs::remove(file);
  };
  refused("not a regular file");
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  refused("not a regular file");
  fs::create_symlink("a.png", file);
  refused("symbolic links");
  fs::create_symlink("missing.png", file);
  refused("No such file");
}

}  // namespace
}  // namespace numeral
