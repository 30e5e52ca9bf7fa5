#include "render/grid.h"

#include "data/dataset.h"
#include "tests/catch.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

// Image i is grey 10 * (i + 1) but for its first pixel, 250, and its last, 251.
std::vector<uint8_t> Images(int count) {
  std::vector<uint8_t> images;
  for (int i = 0; i < count; ++i) {
    images.insert(images.end(), kImagePixels, static_cast<uint8_t>(10 * (i + 1)));
    images[images.size() - kImagePixels] = 250;
    images.back() = 251;
  }
  return images;
}

TEST_CASE("images stand row by row between margins", "[grid]") {
  const GreyImage grid = DrawGrid(Images(5), {.rows = 2, .columns = 3});
  REQUIRE(grid.width == 3 * 56 + 4 * 2);
  REQUIRE(grid.height == 2 * 56 + 3 * 2);
  REQUIRE(grid.pixels.size() == static_cast<size_t>(grid.width * grid.height));
  const uint8_t margin = grid.At(0, 0);
  for (int x = 0; x < grid.width; ++x) CHECK(grid.At(x, grid.height - 1) == margin);
  for (int y = 0; y < grid.height; ++y) CHECK(grid.At(2 + 56 + 1, y) == margin);

  for (int i = 0; i < 5; ++i) {
    const int left = 2 + i % 3 * 58, top = 2 + i / 3 * 58;
    CHECK(grid.At(left, top) == 250);
    CHECK(grid.At(left + 1, top + 1) == 250);
    CHECK(grid.At(left + 2, top) == 10 * (i + 1));
    CHECK(grid.At(left + 55, top) == 10 * (i + 1));
    CHECK(grid.At(left + 55, top + 55) == 251);
    CHECK(grid.At(left + 56, top) == margin);
  }
  CHECK(grid.At(2 + 2 * 58, 2 + 58) == margin);  // the cell without an image
}

TEST_CASE("scale and margin are as asked", "[grid]") {
  const GreyImage one = DrawGrid(Images(1), {.scale = 1, .margin_px = 0});
  CHECK(one.width == 28);
  CHECK(one.pixels == Images(1));
  const GreyImage wide = DrawGrid(Images(2), {.columns = 2, .scale = 3, .margin_px = 5});
  CHECK(wide.width == 2 * 84 + 3 * 5);
  CHECK(wide.height == 84 + 2 * 5);
}

TEST_CASE("row labels take room on the left", "[grid]") {
  const GridLayout plain{.rows = 2, .columns = 1};
  GridLayout labelled = plain;
  labelled.row_labels = {"0", "1"};
  const GreyImage without = DrawGrid(Images(2), plain);
  const GreyImage with = DrawGrid(Images(2), labelled);
  const int room = with.width - without.width;
  REQUIRE(room > 0);
  CHECK(with.height == without.height);

  int inked[2] = {0, 0};
  for (int y = 0; y < with.height; ++y) {
    for (int x = 0; x < room; ++x) inked[y / 59] += with.At(x, y) != with.At(0, 0);
    for (int x = 0; x < without.width; ++x) CHECK(with.At(room + x, y) == without.At(x, y));
  }
  CHECK(inked[0] > 10);
  CHECK(inked[1] > 10);
  CHECK(inked[0] != inked[1]);
}

TEST_CASE("labels taller than their rows and odd characters stay inside", "[grid]") {
  GridLayout tiny{.rows = 1, .columns = 1, .scale = 1, .margin_px = 0, .row_labels = {"\xff\n~W"}};
  CHECK(DrawGrid(Images(1), tiny).height == 28);
}

TEST_CASE("grids that do not work are refused", "[grid]") {
  CheckMentions(MessageOf(ErrorKind::kBadInput, [] { DrawGrid({}, {.rows = 1000, .columns = 2}); }),
                {"1000 rows", "58002"});
  const GridLayout wrong = GENERATE(values<GridLayout>({{.rows = 0},
                                                        {.columns = -1},
                                                        {.scale = 0},
                                                        {.scale = 1 << 30},
                                                        {.margin_px = -1},
                                                        {.margin_px = 1 << 30},
                                                        {.rows = 2, .row_labels = {"a"}}}));
  MessageOf(ErrorKind::kFailure, [&] { DrawGrid({}, wrong); });
  MessageOf(ErrorKind::kFailure, [] { DrawGrid(Images(2), {}); });
  MessageOf(ErrorKind::kFailure, [] { DrawGrid(std::vector<uint8_t>(100), {}); });
}

}  // namespace
}  // namespace numeral
