#include "render/text.h"

#include <string>

#include "tests/catch.h"
#include "tests/render/find_text.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

constexpr uint8_t kGrey = 150;

TEST_CASE("texts are libgd's, along or upwards, in the grey asked for", "[text]") {
  const bool upwards = GENERATE(false, true);
  GreyImage sheet = BlankSheet(90, 90);
  CHECK(TextWidth("4 > 9") == 40);
  CHECK(TextHeight() == 16);
  (upwards ? DrawTextUpwards : DrawText)("4 > 9", 20, 30, kGrey, sheet);
  CHECK(FindText(sheet, "4 > 9", kGrey, upwards) == std::vector<TextPlace>{{20, 30}});
  CHECK(FindText(sheet, "4 > 9", kInk, upwards).empty());
  for (const uint8_t pixel : sheet.pixels) REQUIRE((pixel == kSheet || pixel == kGrey));
}

TEST_CASE("what falls outside the picture is left out", "[text]") {
  const bool upwards = GENERATE(false, true);
  const auto draw = upwards ? DrawTextUpwards : DrawText;
  constexpr int kSide = 20, kRoom = 60;
  for (const int left : {-60, -25, -3, 0, 9, 19, 20, 40}) {
    for (const int top : {-60, -25, -3, 0, 9, 19, 20, 40}) {
      GreyImage small = BlankSheet(kSide, kSide);
      GreyImage large = BlankSheet(kSide + 2 * kRoom, kSide + 2 * kRoom);
      draw("#8&W", left, top, kGrey, small);
      draw("#8&W", kRoom + left, kRoom + top, kGrey, large);
      bool same = true;
      for (int i = 0; i < kSide * kSide; ++i) {
        const int x = i % kSide, y = i / kSide;
        same = same && small.At(x, y) == large.At(kRoom + x, kRoom + y);
      }
      INFO(left << ", " << top);
      CHECK(same);
    }
  }
}

TEST_CASE("characters that the font lacks stay blank", "[text]") {
  GreyImage odd = BlankSheet(60, 20);
  GreyImage blank = BlankSheet(60, 20);
  const std::string unknown("a\0b", 3);
  DrawText(unknown, 2, 2, kGrey, odd);
  DrawText("a", 2, 2, kGrey, blank);
  DrawText("b", 2 + TextWidth("a "), 2, kGrey, blank);
  CHECK(odd.pixels == blank.pixels);
  CHECK(TextWidth(unknown) == TextWidth("a b"));
}

TEST_CASE("a sheet is blank and has a size", "[text]") {
  const GreyImage sheet = BlankSheet(3, 2);
  CHECK(sheet.width == 3);
  CHECK(sheet.pixels == std::vector<uint8_t>(6, kSheet));
  MessageOf(ErrorKind::kFailure, [] { BlankSheet(0, 5); });
  MessageOf(ErrorKind::kFailure, [] { BlankSheet(5, -1); });
}

}  // namespace
}  // namespace numeral
