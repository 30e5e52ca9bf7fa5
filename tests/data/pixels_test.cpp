#include "data/pixels.h"

#include <limits>
#include <utility>

#include "data/dataset.h"
#include "tests/catch.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

// Two images, zero but for the first pixels of the first one.
std::vector<float> Outputs(std::vector<float> first) {
  first.resize(2 * kImagePixels);
  return first;
}

TEST_CASE("outputs become the nearest pixel values", "[image]") {
  const std::vector<uint8_t> pixels = ToPixels(
      Outputs({-1.0f, 1.0f, 0.0f, -1.5f, 7.0f, -1 + 0.4f / 127.5f, -1 + 0.6f / 127.5f}), -1, 1);
  REQUIRE(pixels.size() == 2 * kImagePixels);
  CHECK(std::vector<int>(pixels.begin(), pixels.begin() + 8) ==
        std::vector<int>{0, 255, 128, 0, 255, 0, 1, 128});
}

TEST_CASE("every pixel value survives the way through a range", "[image]") {
  const auto [low, high] = GENERATE(std::pair{-1.0, 1.0}, std::pair{0.0, 1.0});
  std::vector<float> values(kImagePixels);
  for (int i = 0; i < 256; ++i) {
    values[static_cast<size_t>(i)] = static_cast<float>(low + (high - low) * i / 255);
  }
  const std::vector<uint8_t> pixels = ToPixels(values, low, high);
  for (int i = 0; i < 256; ++i) CHECK(pixels[static_cast<size_t>(i)] == i);
}

TEST_CASE("an output that is not finite names its image and pixel", "[image]") {
  std::vector<float> values = Outputs({});
  values[kImagePixels + 30] =
      GENERATE(std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity());
  CheckMentions(MessageOf(ErrorKind::kFailure, [&] { ToPixels(values, -1, 1); }),
                {"image 1", "row 1", "column 2"});
}

TEST_CASE("what is no whole number of images is a mistake of the caller", "[image]") {
  MessageOf(ErrorKind::kFailure, [] { ToPixels(std::vector<float>(100), -1, 1); });
  MessageOf(ErrorKind::kFailure, [] { ToPixels(Outputs({}), 1, 1); });
}

}  // namespace
}  // namespace numeral
