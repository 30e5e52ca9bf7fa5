// generate as a program: what it draws is what the library draws, wherever it goes.

#include "data/image_folder.h"
#include "inference/latent_file.h"
#include "tests/tools/generate_folder.h"
#include "util/random.h"

namespace numeral {
namespace {

std::vector<uint8_t> Image(const std::vector<uint8_t>& pixels, size_t i) {
  const auto at = pixels.begin() + static_cast<int64_t>(i * kImagePixels);
  return {at, at + kImagePixels};
}

}  // namespace

TEST_CASE("pictures have the rows and columns that were asked for", "[generate]") {
  const GenerateFolder folder;
  const auto check = [&](const std::vector<std::string>& options,
                         const std::vector<int32_t>& digits, int rows, int columns) {
    INFO((options.empty() ? std::string("no options") : options[0]));
    std::vector<std::string> args{"--generator", "g.bin"};
    args.insert(args.end(), options.begin(), options.end());
    folder.Run(args);
    const auto drawn = folder.Source("g.bin")->Draw(digits);
    const bool same = folder.Bytes("generated.png") == GridPng(drawn.pixels, rows, columns);
    CHECK(same);
    CHECK(folder.NewFiles() == std::set<std::string>{"generated.png"});
    folder.Remove("generated.png");
  };
  const std::vector<int32_t> all = EveryDigit(10);
  check({}, RowsOf(all, 10), 10, 10);
  check({"--grid", "3x4"}, RowsOf({0, 1, 2}, 4), 3, 4);
  check({"--grid", "12x2", "--digits", "7,2"}, RowsOf({7, 2, 7, 2, 7, 2, 7, 2, 7, 2, 7, 2}, 2), 12,
        2);
  check({"--digits", "3,1,4"}, {3, 1, 4}, 1, 3);
  check({"--digits", "3,1", "--count", "4"}, RowsOf({3, 1}, 4), 2, 4);
  check({"--all-digits"}, RowsOf(all, 10), 10, 10);
  check({"--all-digits", "--count", "1"}, all, 1, 10);
  check({"--count", "7"}, AnyDigits(7), 3, 3);
  check({"--count", "12"}, AnyDigits(12), 3, 4);
}

TEST_CASE("a name that ends in .npy gets an array", "[generate]") {
  const GenerateFolder folder;
  folder.Run({"--generator", "g.bin", "--count", "3", "--out", "x.npy"});
  CHECK((NpyBytes(folder.Bytes("x.npy"), "(3, 28, 28)") ==
         folder.Source("g.bin")->Draw(AnyDigits(3)).pixels));
  folder.Run({"--generator", "g.bin", "--count", "3", "--out", "y.npy", "--format", "png"});
  CHECK(folder.Bytes("y.npy").substr(1, 3) == "PNG");
}

TEST_CASE("a latent predictor is asked for the digits of an unconditional generator",
          "[generate]") {
  const GenerateFolder folder;
  folder.Run({"--generator", "u.bin", "--latent-predictor", "l.bin", "--digits", "5,2", "--count",
              "3", "--seed", "4"});
  const auto source = folder.Predicted();
  source->Restart(4);
  const std::vector<int32_t> digits = RowsOf({5, 2}, 3);
  CHECK((folder.Bytes("generated.png") == GridPng(source->Draw(digits).pixels, 2, 3)));
  folder.Remove("generated.png");
  folder.Refuse({"--generator", "g.bin", "--latent-predictor", "l.bin"}, {"l.bin", "no latent"});
  folder.Refuse({"--generator", "u.bin", "--latent-predictor", "c.bin"}, {"c.bin"});
}

TEST_CASE("seed, scale and place are as asked", "[generate]") {
  const GenerateFolder folder;
  folder.Run({"--generator", "g.bin", "--grid", "2x2", "--seed", "9", "--latent-scale", "1.5",
              "--scale", "1", "--out", "a/b/c.png"});
  const auto source = folder.Source("g.bin", 1.5);
  source->Restart(9);
  const std::string bytes = folder.Bytes("a/b/c.png");
  CHECK((bytes == GridPng(source->Draw(RowsOf({0, 1}, 2)).pixels, 2, 2, 1)));
  folder.Run({"--generator", "g.bin", "--grid", "2x2", "--latent-scale", "1.5", "--scale", "1",
              "--out", "a/b/c.png"});
  CHECK((folder.Bytes("a/b/c.png") != bytes));
  // The newest run's generator where none is named, which is said.
  fs::create_directories(folder.path() / "runs/some");
  fs::copy(folder.path() / "g.bin", folder.path() / "runs/some/g.bin");
  folder.last = RunTool("generate", {"--grid", "1x1"}, folder.path());
  CHECK(folder.last.status == 0);
  CheckMentions(folder.last.err, {"newest", "runs/some/g.bin"});
  CHECK((folder.Bytes("generated.png") ==
         GridPng(folder.Source("g.bin")->Draw(std::vector{0}).pixels, 1, 1)));
}

TEST_CASE("the same call gives the same bytes, and more begin with the same images", "[generate]") {
  const GenerateFolder folder;
  const std::vector<std::vector<std::string>> kinds{
      {"--generator", "g.bin"},
      {"--generator", "u.bin"},
      {"--generator", "u.bin", "--classifier", "c.bin", "--min-confidence", "0.6"},
      {"--generator", "g.bin", "--classifier", "c.bin"},
      {"--generators", "ten/{digit}.bin"}};
  for (const std::vector<std::string>& kind : kinds) {
    const auto draw = [&](const std::string& count, const std::string& out) {
      std::vector<std::string> args = kind;
      args.insert(args.end(), {"--count", count, "--format", "npy", "--out", out});
      folder.Run(args);
      return NpyBytes(folder.Bytes(out), "(" + count + ", 28, 28)");
    };
    INFO(kind[1] << " " << kind.size());
    const std::vector<uint8_t> few = draw("30", "few.npy"), many = draw("2700", "many.npy");
    CHECK((draw("30", "again.npy") == few));
    CHECK(std::equal(few.begin(), few.end(), many.begin()));
    CHECK(many.size() == 2700 * kImagePixels);
    CHECK(Image(many, 0) != Image(many, 2699));
    const bool digits_known = kind[1] != "u.bin" || kind.size() > 2;
    CHECK(fs::exists(folder.path() / "few_digits.npy") == digits_known);
    for (const char* name : {"few", "many", "again"}) {
      folder.Remove(std::string(name) + "_digits.npy");
    }
  }
}

TEST_CASE("an array of images comes with its digits", "[generate]") {
  const GenerateFolder folder;
  folder.Run({"--generator", "g.bin", "--digits", "5,2", "--count", "3", "--format", "npy"});
  CHECK((NpyBytes(folder.Bytes("generated.npy"), "(6, 28, 28)") ==
         folder.Source("g.bin")->Draw(RowsOf({5, 2}, 3)).pixels));
  CHECK(NpyBytes(folder.Bytes("generated_digits.npy"), "(6,)") ==
        std::vector<uint8_t>{5, 5, 5, 2, 2, 2});
  CHECK(folder.NewFiles() == std::set<std::string>{"generated.npy", "generated_digits.npy"});
  folder.Run({"--generator", "u.bin", "--digit", "4", "--count", "2", "--format", "npy", "--out",
              "four.npy"});
  CHECK(NpyBytes(folder.Bytes("four_digits.npy"), "(2,)") == std::vector<uint8_t>{4, 4});
  CHECK((NpyBytes(folder.Bytes("four.npy"), "(2, 28, 28)") ==
         folder.Source("u.bin")->Draw(AnyDigits(2)).pixels));
}

TEST_CASE("whole numbers are one strip", "[generate]") {
  const GenerateFolder folder;
  const std::vector<int32_t> digits{2, 0, 2, 6, 1, 1, 2, 2};
  const auto pixels = folder.Source("g.bin")->Draw(digits).pixels;
  const auto check = [&](const std::vector<std::string>& options, const NumberLayout& layout) {
    std::vector<std::string> args{"--generator", "g.bin", "--number", "20261122"};
    args.insert(args.end(), options.begin(), options.end());
    folder.Run(args);
    CHECK((folder.Bytes("number.png") == EncodePng(DrawNumber(pixels, layout))));
  };
  check({}, {.scale = 2});
  check({"--scale", "3", "--min-spacing", "2", "--max-spacing", "9"},
        {.min_spacing = 2, .max_spacing = 9, .scale = 3});
  check({"--thousands"}, {.thousands_spacing = 10, .scale = 2});
  check({"--thousands", "--thousands-spacing", "17"}, {.thousands_spacing = 17, .scale = 2});

  folder.Run({"--generators", "ten/{digit}.bin", "--number", "907", "--seed", "3", "--format",
              "npy", "--scale", "1"});
  const auto ten = folder.Ten();
  ten->Restart(3);
  const GreyImage strip = DrawNumber(ten->Draw(std::vector{9, 0, 7}).pixels, {.seed = 3});
  CHECK(
      (NpyBytes(folder.Bytes("number.npy"), fmt::format("(36, {})", strip.width)) == strip.pixels));
  // The format decides, whatever the file is called.
  const std::string array = folder.Bytes("number.npy");
  folder.Run({"--generators", "ten/{digit}.bin", "--number", "907", "--seed", "3", "--format",
              "npy", "--scale", "1", "--out", "strip.png"});
  CHECK((folder.Bytes("strip.png") == array));
  // Judged digits, of a generator that cannot be asked.
  folder.Run({"--generator", "u.bin", "--classifier", "c.bin", "--min-confidence", "0.6",
              "--number", "31415"});
  const auto judged = folder.Judged(folder.Source("u.bin"), 0.6);
  CHECK((folder.Bytes("number.png") ==
         EncodePng(DrawNumber(judged->Draw(std::vector{3, 1, 4, 1, 5}).pixels, {.scale = 2}))));
}

TEST_CASE("random numbers are said, and may be drawn again by hand", "[generate]") {
  const GenerateFolder folder;
  const auto random = [&](const std::string& length, int seed, std::vector<std::string> more = {}) {
    std::vector<std::string> args{"--generator", "g.bin",  "--random-number",
                                  length,        "--seed", std::to_string(seed)};
    args.insert(args.end(), more.begin(), more.end());
    folder.last = RunTool("generate", args, folder.path());
    REQUIRE(folder.last.status == 0);
    const std::string said = "the number is ";
    REQUIRE(folder.last.err.starts_with(said));
    return folder.last.err.substr(said.size(), folder.last.err.size() - said.size() - 1);
  };
  const std::string number = random("12", 7);
  CHECK(number.size() == 12);
  CHECK(number.find_first_not_of("0123456789") == std::string::npos);
  const std::string picture = folder.Bytes("number.png");
  folder.Run({"--generator", "g.bin", "--number", number, "--seed", "7"});
  CHECK((folder.Bytes("number.png") == picture));
  CHECK(random("12", 7) == number);
  CHECK(random("12", 8) != number);
  for (int seed = 1; seed <= 12; ++seed) CHECK(random("3", seed)[0] != '0');
  // A seed whose first digit is zero where it may be.
  int seed = 1;
  const auto first = [](int of) {
    return DrawBits(static_cast<uint64_t>(of), StreamId("number/digits"), 0, 0);
  };
  while (ChoiceFromBits(first(seed), 10) != 0) ++seed;
  CHECK(random("1", seed) == "0");
  CHECK(random("3", seed)[0] == '1');
  CHECK(random("3", seed, {"--leading-zero"})[0] == '0');
  while (ChoiceFromBits(first(seed), 9) != 8) ++seed;
  CHECK(random("2", seed)[0] == '9');
}

TEST_CASE("a folder of fakes can be drawn again one by one", "[generate]") {
  const GenerateFolder folder;
  folder.Run({"--generator", "g.bin", "--fake-dir", "fakes", "--per-digit", "3", "--seed", "5"});
  const auto source = folder.Source("g.bin");
  source->Restart(5);
  const DrawnDigits drawn = source->Draw(EveryDigit(30));
  const Dataset fakes = LoadImageFolder(folder.path() / "fakes");
  REQUIRE(fakes.count() == 30);
  CHECK(folder.NewFiles().size() == 60);
  for (size_t i = 0; i < 30; ++i) {
    // By digit on disk, in turn in the stream.
    const size_t at = i % 3 * 10 + i / 3;
    CHECK(fakes.labels[i] == drawn.digits[at]);
    CHECK(Image(fakes.pixels, i) == Image(drawn.pixels, at));
    const fs::path text = folder.path() / fmt::format("fakes/{}/{:03}.txt", i / 3, i % 3);
    const std::span latents(drawn.latents);
    CHECK(ReadFile(text) == LatentText(latents.subspan(at * kLatentSize, kLatentSize)));
  }
  folder.Run({"--generator", "g.bin", "--latents", "fakes/7/002.txt", "--digits", "7", "--format",
              "npy", "--out", "seven.npy"});
  CHECK(NpyBytes(folder.Bytes("seven.npy"), "(1, 28, 28)") == Image(fakes.pixels, 23));
  folder.Run({"--generator", "g.bin", "--latents", "fakes/7/002.txt", "--digits", "7"});
  CHECK((folder.Bytes("generated.png") == GridPng(Image(fakes.pixels, 23), 1, 1)));
}

}  // namespace numeral
