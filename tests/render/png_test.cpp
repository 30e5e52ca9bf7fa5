#include "render/png.h"

#include <gd.h>

#include <memory>

#include "tests/catch.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"

namespace numeral {
namespace {

// Every grey in turn, in rows of an odd length.
GreyImage Ramp(int width, int height) {
  GreyImage image{width, height, {}};
  for (int i = 0; i < width * height; ++i) image.pixels.push_back(static_cast<uint8_t>(i));
  return image;
}

TEST_CASE("a PNG holds the pixels that were drawn", "[png]") {
  const GreyImage image = GENERATE(Ramp(37, 11), Ramp(1, 1));
  std::string bytes = EncodePng(image);
  CHECK(bytes.starts_with("\x89PNG\r\n\x1a\n"));
  const std::unique_ptr<gdImage, decltype(&gdImageDestroy)> back(
      gdImageCreateFromPngPtr(static_cast<int>(bytes.size()), bytes.data()), gdImageDestroy);
  REQUIRE(back != nullptr);
  REQUIRE(gdImageSX(back.get()) == image.width);
  REQUIRE(gdImageSY(back.get()) == image.height);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const int color = gdImageGetTrueColorPixel(back.get(), x, y);
      REQUIRE(color == image.At(x, y) * 0x010101);
    }
  }
}

TEST_CASE("the same picture gives the same bytes without time or program", "[png]") {
  const std::string bytes = EncodePng(Ramp(30, 30));
  CHECK(EncodePng(Ramp(30, 30)) == bytes);
  for (const char* chunk : {"tIME", "tEXt", "zTXt", "iTXt"}) {
    CHECK(bytes.find(chunk) == std::string::npos);
  }
}

TEST_CASE("a PNG is read back", "[png]") {
  const GreyImage image = GENERATE(Ramp(37, 11), Ramp(1, 1), Ramp(300, 2));
  const GreyImage back = DecodePng(EncodePng(image));
  CHECK(back.width == image.width);
  CHECK(back.height == image.height);
  CHECK(back.pixels == image.pixels);
}

TEST_CASE("bytes that are no PNG are refused in silence", "[png]") {
  const std::string png = EncodePng(Ramp(37, 11));
  for (const std::string& bytes : {std::string(), std::string("text"), png.substr(0, 40),
                                   png.substr(0, png.size() / 2), "\n" + png}) {
    MessageOf(ErrorKind::kBadInput, [&] { DecodePng(bytes); });
  }
}

TEST_CASE("a PNG is written to a file", "[png]") {
  TempFolder folder;
  const auto path = folder.path() / "a.png";
  WritePng(path, Ramp(5, 5));
  CHECK(ReadFile(path) == EncodePng(Ramp(5, 5)));
  CheckMentions(
      MessageOf(ErrorKind::kFailure, [&] { WritePng(folder.path() / "no" / "a.png", Ramp(2, 2)); }),
      {"a.png"});
}

}  // namespace
}  // namespace numeral
