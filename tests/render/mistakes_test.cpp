#include "render/mistakes.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "render/grid.h"
#include "tests/catch.h"
#include "tests/render/find_text.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

constexpr int kGap = 8;
constexpr int kSide = 56;
constexpr int kRow = 82;  // digit, caption and gap
constexpr uint8_t kInk = 224;

struct Mistakes {
  std::vector<uint8_t> images;
  std::vector<int> wanted, given;

  // Every pixel of image i differs from its neighbours and from those of image i + 1.
  explicit Mistakes(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      for (size_t pixel = 0; pixel < kImagePixels; ++pixel) {
        images.push_back(static_cast<uint8_t>((31 * i + 7 * pixel) % 200));
      }
      wanted.push_back(static_cast<int>(i % 10));
      given.push_back(static_cast<int>((i / 10 + 3 * i + 1) % 10));
    }
  }
  GreyImage Draw() const { return DrawMistakes(images, wanted, given); }
};

TEST_CASE("each digit stands in its place, twice as large", "[mistakes]") {
  const size_t count = GENERATE(1, 10, 11, 37, 100);
  const Mistakes mistakes(count);
  const GreyImage picture = mistakes.Draw();
  const int rows = (static_cast<int>(count) + 9) / 10;
  REQUIRE(picture.width == kGap + 10 * (kSide + kGap));
  REQUIRE(picture.height == kGap + rows * kRow);
  REQUIRE(picture.pixels.size() == static_cast<size_t>(picture.width * picture.height));
  for (size_t i = 0; i < count; ++i) {
    const int left = kGap + static_cast<int>(i % 10) * (kSide + kGap);
    const int top = kGap + static_cast<int>(i / 10) * kRow;
    bool same = true;
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const auto pixel = static_cast<size_t>(y / 2 * kImageSide + x / 2);
        same = same && picture.At(left + x, top + y) == mistakes.images[i * kImagePixels + pixel];
      }
    }
    INFO("image " << i);
    CHECK(same);
    CHECK(picture.At(left - 1, top) == picture.At(0, 0));
    CHECK(picture.At(left + kSide, top + kSide - 1) == picture.At(0, 0));
  }
}

TEST_CASE("below each digit stands what was wanted and what was given", "[mistakes]") {
  const Mistakes mistakes(17);
  const GreyImage picture = mistakes.Draw();
  size_t found = 0;
  for (int wanted = 0; wanted < 10; ++wanted) {
    for (int given = 0; given < 10; ++given) {
      std::vector<TextPlace> places;
      for (size_t i = 0; i < 17; ++i) {
        if (mistakes.wanted[i] != wanted || mistakes.given[i] != given) continue;
        const int column = static_cast<int>(i % 10), row = static_cast<int>(i / 10);
        places.push_back({kGap + column * (kSide + kGap) + kGap, kGap + row * kRow + kSide + 2});
      }
      CHECK(FindText(picture, fmt::format("{} > {}", wanted, given), kInk) == places);
      found += places.size();
    }
  }
  CHECK(found == 17);
}

TEST_CASE("places without a digit stay blank", "[mistakes]") {
  const GreyImage picture = Mistakes(13).Draw();
  for (int y = kGap + kRow; y < picture.height; ++y) {
    for (int x = kGap + 3 * (kSide + kGap); x < picture.width; ++x) {
      REQUIRE(picture.At(x, y) == picture.At(0, 0));
    }
  }
}

TEST_CASE("where there is no mistake the picture says so", "[mistakes]") {
  const GreyImage picture = Mistakes(0).Draw();
  CHECK(picture.width < 120);
  CHECK(picture.height < 40);
  CHECK(FindText(picture, "no mistakes", kInk) == std::vector<TextPlace>{{kGap, kGap}});
}

TEST_CASE("the same mistakes give the same picture", "[mistakes]") {
  CHECK(Mistakes(23).Draw().pixels == Mistakes(23).Draw().pixels);
  CHECK(Mistakes(23).Draw().pixels != Mistakes(24).Draw().pixels);
}

TEST_CASE("what does not fit together is a mistake of the caller", "[mistakes]") {
  const auto refused = [](const Mistakes& mistakes) {
    MessageOf(ErrorKind::kFailure, [&] { mistakes.Draw(); });
  };
  refused(Mistakes(101));
  Mistakes wrong(3);
  SECTION("too few images") { wrong.images.resize(2 * kImagePixels); }
  SECTION("half an image") { wrong.images.resize(3 * kImagePixels - 1); }
  SECTION("too few wanted") { wrong.wanted.pop_back(); }
  SECTION("too few given") { wrong.given.pop_back(); }
  SECTION("wanted beyond the digits") { wrong.wanted[1] = 10; }
  SECTION("given beyond the digits") { wrong.given[2] = 10; }
  SECTION("wanted below the digits") { wrong.wanted[0] = -1; }
  SECTION("given below the digits") { wrong.given[0] = -1; }
  refused(wrong);
}

TEST_CASE("a digit must fit into its picture", "[mistakes]") {
  const Mistakes one(1);
  GreyImage canvas{60, 57, std::vector<uint8_t>(60 * 57)};
  DrawDigit(one.images, 4, 1, 2, canvas);
  CHECK(canvas.At(59, 56) == one.images.back());
  for (const auto& [left, top, scale] : {std::array{5, 1, 2}, {4, 2, 2}, {-1, 0, 1}, {0, -1, 1}}) {
    MessageOf(ErrorKind::kFailure,
              [&, x = left, y = top, s = scale] { DrawDigit(one.images, x, y, s, canvas); });
  }
  const auto half = std::span(one.images).first(kImagePixels / 2);
  MessageOf(ErrorKind::kFailure, [&] { DrawDigit(half, 0, 0, 1, canvas); });
}

}  // namespace
}  // namespace numeral
