#include "render/gif.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/render/gif_file.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

// Noise that changes in one corner from frame to frame.
GreyImage Frame(int width, int height, int number) {
  GreyImage image{width, height, {}};
  uint32_t state = 7;
  for (int i = 0; i < width * height; ++i) {
    state = state * 1664525 + 1013904223;
    const bool corner = i % width < width / 2 && i / width < height / 3;
    image.pixels.push_back(static_cast<uint8_t>((state >> 24) + (corner ? 50u * number : 0u)));
  }
  return image;
}

uint8_t NearestLevel(uint8_t grey) {
  const double step = 255.0 / (kGifGreys - 1);
  return static_cast<uint8_t>(std::lround(grey / step) * 255 / (kGifGreys - 1));
}

void CheckShows(const GifFile::Frame& frame, const GreyImage& image) {
  bool same = frame.shown.pixels.size() == image.pixels.size();
  for (size_t i = 0; same && i < image.pixels.size(); ++i) {
    same = frame.shown.pixels[i] == NearestLevel(image.pixels[i]);
  }
  CHECK(same);
}

}  // namespace

TEST_CASE("an animation shows its frames in order, for their times, forever", "[gif]") {
  const auto [width, height] = GENERATE(std::pair(61, 47), std::pair(1, 1), std::pair(300, 300));
  std::vector<GifFrame> frames;
  for (int i = 0; i < 4; ++i) frames.push_back({Frame(width, height, i), 10 * i + 20});
  frames.push_back({frames.back().image, 300});  // twice the same picture
  const std::string bytes = EncodeGif(frames);
  const GifFile file = GifReader(bytes).Read();
  CHECK(file.width == width);
  CHECK(file.height == height);
  CHECK(file.repeats == 0);
  REQUIRE(file.frames.size() == frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    CHECK(file.frames[i].hundredths == frames[i].hundredths);
    CheckShows(file.frames[i], frames[i].image);
  }
  CHECK(EncodeGif(frames) == bytes);
}

TEST_CASE("one frame is an animation", "[gif]") {
  const std::vector<GifFrame> frames{{Frame(30, 20, 0), 50}};
  const GifFile file = GifReader(EncodeGif(frames)).Read();
  REQUIRE(file.frames.size() == 1);
  CheckShows(file.frames[0], frames[0].image);
}

TEST_CASE("what does not change costs next to nothing", "[gif]") {
  std::vector<GifFrame> frames{{Frame(200, 200, 0), 10}};
  const size_t alone = EncodeGif(frames).size();
  for (int i = 0; i < 20; ++i) {
    frames.push_back(frames.back());
    frames.back().image.At(50 + i, 100) ^= 0x80;
  }
  CHECK(EncodeGif(frames).size() < alone + alone / 4);
}

TEST_CASE("frames of two sizes are a mistake of the program", "[gif]") {
  const std::vector<GifFrame> frames{{Frame(30, 20, 0), 50}, {Frame(20, 30, 0), 50}};
  MessageOf(ErrorKind::kFailure, [&] { EncodeGif(frames); });
  MessageOf(ErrorKind::kFailure, [] { EncodeGif({}); });
}

}  // namespace numeral
