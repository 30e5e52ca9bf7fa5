#include "render/confusion.h"

#include <cstdlib>
#include <limits>
#include <set>
#include <string>

#include "tests/catch.h"
#include "tests/render/find_text.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

constexpr int kFirstCell = 50;
constexpr int kPitch = 56;
constexpr int kCell = 54;
constexpr uint8_t kLabel = 224;

// A corner pixel, which no text reaches.
uint8_t CellGrey(const GreyImage& picture, int wanted, int given) {
  return picture.At(kFirstCell + given * kPitch, kFirstCell + wanted * kPitch);
}

// The cell on its own.
GreyImage Cell(const GreyImage& picture, int wanted, int given) {
  GreyImage cell{kCell, kCell, {}};
  for (int i = 0; i < kCell * kCell; ++i) {
    cell.pixels.push_back(picture.At(kFirstCell + given * kPitch + i % kCell,
                                     kFirstCell + wanted * kPitch + i / kCell));
  }
  return cell;
}

// The one grey in the cell that is not its own.
uint8_t TextGrey(const GreyImage& cell) {
  std::set<uint8_t> greys(cell.pixels.begin(), cell.pixels.end());
  greys.erase(cell.At(0, 0));
  REQUIRE(greys.size() == 1);
  return *greys.begin();
}

// Wanted 3: every count is another power; wanted 8: all right; wanted 5: no images.
ConfusionCounts Counts() {
  ConfusionCounts counts{};
  counts[3] = {1, 10, 100, 8000, 2, 20, 200, 0, 3, 30};
  counts[8][8] = 9;
  counts[0] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0};
  return counts;
}

TEST_CASE("cells are the brighter the larger their share of the row", "[confusion]") {
  const GreyImage picture = DrawConfusion(Counts());
  REQUIRE(picture.width == 620);
  REQUIRE(picture.height == 620);
  REQUIRE(picture.pixels.size() == 620u * 620u);
  int last = -1;
  for (const int given : {7, 0, 4, 8, 1, 5, 9, 2, 6, 3}) {
    const int grey = CellGrey(picture, 3, given);
    INFO("3 taken for " << given);
    CHECK(grey > last);
    last = grey;
  }
  CHECK(CellGrey(picture, 3, 7) == 0);
  CHECK(CellGrey(picture, 8, 8) == 255);
  CHECK(CellGrey(picture, 0, 0) == CellGrey(picture, 0, 1));
  // The share counts, not the number: half of two is more than 200 of 8366.
  CHECK(CellGrey(picture, 0, 0) > CellGrey(picture, 3, 6));
}

TEST_CASE("an error in a thousand is seen", "[confusion]") {
  ConfusionCounts counts{};
  counts[4][4] = 999;
  counts[4][9] = 1;
  counts[6][6] = 1'000'000'000;
  counts[6][0] = 1;
  const GreyImage picture = DrawConfusion(counts);
  CHECK(CellGrey(picture, 4, 9) >= 40);
  CHECK(CellGrey(picture, 6, 0) >= 20);
  CHECK(CellGrey(picture, 4, 4) >= 254);
}

TEST_CASE("rows are wanted digits and columns given ones", "[confusion]") {
  ConfusionCounts counts{};
  counts[2][7] = 5;
  const GreyImage picture = DrawConfusion(counts);
  for (int wanted = 0; wanted < kDigits; ++wanted) {
    for (int given = 0; given < kDigits; ++given) {
      CHECK(CellGrey(picture, wanted, given) == (wanted == 2 && given == 7 ? 255 : 0));
    }
  }
}

TEST_CASE("the count stands in the middle of each cell, in contrast to it", "[confusion]") {
  const ConfusionCounts counts = Counts();
  const GreyImage picture = DrawConfusion(counts);
  for (int wanted = 0; wanted < kDigits; ++wanted) {
    for (int given = 0; given < kDigits; ++given) {
      const auto count = counts[static_cast<size_t>(wanted)][static_cast<size_t>(given)];
      const GreyImage cell = Cell(picture, wanted, given);
      const uint8_t grey = TextGrey(cell);
      CHECK(std::abs(grey - cell.At(0, 0)) >= 100);
      if (count == 0) CHECK(grey < 128);  // so that errors stand out among many zeros
      const std::string text = std::to_string(count);
      const int width = 8 * static_cast<int>(text.size());
      CHECK(FindText(cell, text, grey) ==
            std::vector<TextPlace>{{(kCell - width) / 2, (kCell - 16) / 2}});
    }
  }
}

TEST_CASE("long counts are cut to fit their cell", "[confusion]") {
  const auto [count, text] = GENERATE(table<int64_t, std::string>({
      {999'999, "999999"},
      {1'000'000, "1000k"},
      {99'999'999, "99999k"},
      {100'000'000, "100M"},
      {123'456'789'012, "123G"},
      {std::numeric_limits<int64_t>::max(), "9223P"},
  }));
  ConfusionCounts counts{};
  counts[1].fill(count);  // their sum is beyond an int64_t
  counts[2].fill(1);
  const GreyImage picture = DrawConfusion(counts);
  CHECK(CellGrey(picture, 1, 9) == CellGrey(picture, 2, 9));  // a tenth of the row, both
  const GreyImage cell = Cell(picture, 1, 9);
  CHECK(FindText(cell, text, TextGrey(cell)).size() == 1);
  for (int y = 0; y < kCell; ++y) {
    for (const int x : {0, 1, kCell - 2, kCell - 1}) CHECK(cell.At(x, y) == cell.At(0, 0));
  }
}

TEST_CASE("axes bear titles and digits", "[confusion]") {
  const GreyImage picture = DrawConfusion(Counts());
  CHECK(FindText(picture, "given", kLabel) == std::vector<TextPlace>{{309, 10}});
  CHECK(FindText(picture, "wanted", kLabel, true) == std::vector<TextPlace>{{10, 305}});
  CHECK(FindText(picture, "wanted", kLabel).empty());
  for (int digit = 0; digit < kDigits; ++digit) {
    const int middle = kFirstCell + digit * kPitch + kCell / 2;
    CHECK(FindText(picture, std::to_string(digit), kLabel) ==
          std::vector<TextPlace>{{middle - 4, 28}, {36, middle - 8}});
  }
}

TEST_CASE("cells stand apart, and rows without images are black", "[confusion]") {
  const GreyImage picture = DrawConfusion(Counts());
  const uint8_t sheet = picture.At(0, 0);
  for (int i = 0; i < kDigits; ++i) {
    CHECK(CellGrey(picture, 5, i) == 0);
    const int end = kFirstCell + i * kPitch + kCell;
    for (int along = kFirstCell; along < picture.width; ++along) {
      CHECK(picture.At(along, end) == sheet);
      CHECK(picture.At(end + 1, along) == sheet);
    }
  }
  CHECK(DrawConfusion({}).pixels != picture.pixels);
}

TEST_CASE("the same counts give the same picture", "[confusion]") {
  CHECK(DrawConfusion(Counts()).pixels == DrawConfusion(Counts()).pixels);
}

TEST_CASE("counts below zero are a mistake of the caller", "[confusion]") {
  ConfusionCounts counts = Counts();
  counts[9][9] = -1;
  MessageOf(ErrorKind::kFailure, [&] { DrawConfusion(counts); });
}

}  // namespace
}  // namespace numeral
