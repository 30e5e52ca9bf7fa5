// Numbers of hand-made digits: blocks of ink whose columns are known.
#include "render/number.h"

#include <set>

#include "data/dataset.h"
#include "tests/catch.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

// Ink in the columns [left, right), brighter than in the digit before; the ground is faint noise.
struct Block {
  int left, right;
};

constexpr int kMargin = 4;

uint8_t InkOf(size_t digit) { return static_cast<uint8_t>(100 + digit % 100); }

std::vector<uint8_t> Digits(const std::vector<Block>& blocks) {
  std::vector<uint8_t> images;
  for (size_t i = 0; i < blocks.size(); ++i) {
    for (int y = 0; y < kImageSide; ++y) {
      for (int x = 0; x < kImageSide; ++x) {
        const bool ink = x >= blocks[i].left && x < blocks[i].right && y >= 5 && y < 20;
        images.push_back(ink ? InkOf(i) : static_cast<uint8_t>((x * 5 + y * 3) % 64));
      }
    }
  }
  return images;
}

// Where each digit's ink begins in a strip of scale 1, found by its grey in row 10 of the images.
std::vector<int> Lefts(const GreyImage& strip, size_t count) {
  std::vector<int> lefts;
  for (size_t i = 0; i < count; ++i) {
    int x = 0;
    while (x < strip.width && strip.At(x, kMargin + 10) != InkOf(i)) ++x;
    REQUIRE(x < strip.width);
    lefts.push_back(x);
  }
  return lefts;
}

// The gaps of a number of `count` digits, all of one width.
std::vector<int> Gaps(size_t count, const NumberLayout& layout) {
  const GreyImage strip = DrawNumber(Digits(std::vector<Block>(count, {11, 18})), layout);
  const std::vector<int> lefts = Lefts(strip, count);
  CHECK(lefts.front() == kMargin);
  CHECK(strip.width == lefts.back() + 7 + kMargin);
  std::vector<int> gaps;
  for (size_t i = 1; i < count; ++i) gaps.push_back(lefts[i] - lefts[i - 1] - 7);
  return gaps;
}

}  // namespace

TEST_CASE("ink is what is no noise", "[number]") {
  const auto columns = [](std::vector<uint8_t> image) {
    const InkColumns ink = FindInk(image);
    return std::pair(ink.left, ink.right);
  };
  std::vector<uint8_t> image(kImagePixels, 63);
  CHECK(columns(image) == std::pair(0, 28));
  image[5 * 28 + 9] = 64;
  CHECK(columns(image) == std::pair(9, 10));
  image[27 * 28 + 4] = 255;
  CHECK(columns(image) == std::pair(4, 10));
  image[27] = 64;
  CHECK(columns(image) == std::pair(4, 28));
  image[3 * 28] = 200;
  CHECK(columns(image) == std::pair(0, 28));
  CHECK(columns(std::vector<uint8_t>(kImagePixels, 0)) == std::pair(0, 28));
  MessageOf(ErrorKind::kFailure, [] { FindInk(std::vector<uint8_t>(100)); });
}

TEST_CASE("digits stand side by side, cut to their ink", "[number]") {
  const std::vector<Block> blocks{{0, 28}, {13, 14}, {20, 28}, {0, 3}};
  const std::vector<uint8_t> images = Digits(blocks);
  for (const int scale : {1, 3}) {
    const GreyImage strip =
        DrawNumber(images, {.min_spacing = 2, .max_spacing = 2, .scale = scale});
    REQUIRE(strip.width == (2 * kMargin + 28 + 1 + 8 + 3 + 3 * 2) * scale);
    REQUIRE(strip.height == (28 + 2 * kMargin) * scale);
    REQUIRE(strip.pixels.size() == static_cast<size_t>(strip.width * strip.height));
    std::vector<uint8_t> expected(strip.pixels.size(), 0);
    int left = kMargin;
    for (size_t i = 0; i < blocks.size(); ++i) {
      for (int y = 0; y < kImageSide * scale; ++y) {
        for (int x = blocks[i].left * scale; x < blocks[i].right * scale; ++x) {
          const size_t at = static_cast<size_t>((kMargin * scale + y) * strip.width +
                                                (left - blocks[i].left) * scale + x);
          expected[at] =
              images[i * kImagePixels + static_cast<size_t>(y / scale * kImageSide + x / scale)];
        }
      }
      left += blocks[i].right - blocks[i].left + 2;
    }
    CHECK((strip.pixels == expected));
  }
  const GreyImage blank =
      DrawNumber(std::vector<uint8_t>(2 * kImagePixels, 9), {.min_spacing = 0, .max_spacing = 0});
  CHECK(blank.width == 2 * 28 + 2 * kMargin);
  CHECK(blank.At(kMargin, kMargin) == 9);
  CHECK(blank.At(kMargin + 55, kMargin + 27) == 9);
  CHECK(blank.At(kMargin - 1, kMargin) == 0);
}

TEST_CASE("gaps are drawn from the whole range", "[number]") {
  const std::vector<int> gaps = Gaps(100, {.min_spacing = 3, .max_spacing = 7, .seed = 5});
  CHECK(std::set<int>(gaps.begin(), gaps.end()) == std::set<int>{3, 4, 5, 6, 7});
  for (int gap = 3; gap <= 7; ++gap) {
    CHECK(std::count(gaps.begin(), gaps.end(), gap) > 8);  // 20 are to be expected
  }
  CHECK(Gaps(100, {.min_spacing = 3, .max_spacing = 7, .seed = 5}) == gaps);
  CHECK(Gaps(100, {.min_spacing = 3, .max_spacing = 7, .seed = 6}) != gaps);
  CHECK(Gaps(3, {.min_spacing = 0, .max_spacing = 0}) == std::vector<int>{0, 0});
  CHECK(Gaps(1, {}).empty());
}

TEST_CASE("thousands are counted from the right", "[number]") {
  const NumberLayout layout{.min_spacing = 1, .max_spacing = 1, .thousands_spacing = 9};
  CHECK(Gaps(2, layout) == std::vector<int>{1});
  CHECK(Gaps(3, layout) == std::vector<int>{1, 1});
  CHECK(Gaps(4, layout) == std::vector<int>{10, 1, 1});
  CHECK(Gaps(5, layout) == std::vector<int>{1, 10, 1, 1});
  CHECK(Gaps(6, layout) == std::vector<int>{1, 1, 10, 1, 1});
  CHECK(Gaps(7, layout) == std::vector<int>{10, 1, 1, 10, 1, 1});
  CHECK(Gaps(10, layout) == std::vector<int>{10, 1, 1, 10, 1, 1, 10, 1, 1});
  // They come on top of what is drawn.
  const NumberLayout drawn{.min_spacing = 1, .max_spacing = 5, .seed = 4};
  NumberLayout wider = drawn;
  wider.thousands_spacing = 20;
  std::vector<int> gaps = Gaps(8, drawn);
  gaps[1] += 20;
  gaps[4] += 20;
  CHECK(Gaps(8, wider) == gaps);
}

TEST_CASE("strips that do not work are refused", "[number]") {
  // 8 + 629 * 26 + 22 pixels are just right.
  std::vector<Block> blocks(630, {1, 27});
  blocks[4].left = 5;
  const NumberLayout close{.min_spacing = 0, .max_spacing = 0};
  CHECK(DrawNumber(Digits(blocks), close).width == kLongestSide);
  blocks[7].right = 28;
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { DrawNumber(Digits(blocks), close); }),
                {"630 digits", "16385", "16384", "--scale"});
  const std::vector<uint8_t> one = Digits({{0, 28}});
  MessageOf(ErrorKind::kBadInput, [&] { DrawNumber(one, {.scale = 456}); });
  // Not too wide, but too high.
  MessageOf(ErrorKind::kBadInput, [&] { DrawNumber(Digits({{3, 4}}), {.scale = 456}); });
  MessageOf(ErrorKind::kBadInput, [&] { DrawNumber(one, {.scale = 2'000'000'000}); });
  for (const NumberLayout& wrong :
       {NumberLayout{.min_spacing = -1}, NumberLayout{.min_spacing = 6},
        NumberLayout{.thousands_spacing = -1}, NumberLayout{.scale = 0}}) {
    MessageOf(ErrorKind::kFailure, [&] { DrawNumber(one, wrong); });
  }
  MessageOf(ErrorKind::kFailure, [] { DrawNumber({}, {}); });
  MessageOf(ErrorKind::kFailure, [] { DrawNumber(std::vector<uint8_t>(783), {}); });
}

}  // namespace numeral
