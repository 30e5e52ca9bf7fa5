// generate as a program: latents that are saved, walked between and given; data sets; signals.
#include <thread>

#include "data/npy.h"
#include "inference/interpolation.h"
#include "inference/latent_file.h"
#include "tests/data/npy_file.h"
#include "tests/tools/generate_folder.h"

namespace numeral {
namespace {

Dataset Split(const fs::path& folder, const std::string& prefix) {
  return ReadIdxPair(folder / (prefix + "-images-idx3-ubyte"),
                     folder / (prefix + "-labels-idx1-ubyte"));
}

// The set of `folder` is `drawn`, its end the test set.
void CheckSet(const fs::path& folder, const DrawnDigits& drawn, int64_t train) {
  const Dataset first = Split(folder, "train"), rest = Split(folder, "t10k");
  CHECK(first.count() == train);
  std::vector<uint8_t> pixels = first.pixels, labels = first.labels;
  pixels.insert(pixels.end(), rest.pixels.begin(), rest.pixels.end());
  labels.insert(labels.end(), rest.labels.begin(), rest.labels.end());
  CHECK((pixels == drawn.pixels));
  CHECK(std::vector<int32_t>(labels.begin(), labels.end()) == drawn.digits);
}

const std::set<std::string> kSetFiles{"set/train-images-idx3-ubyte", "set/train-labels-idx1-ubyte",
                                      "set/t10k-images-idx3-ubyte", "set/t10k-labels-idx1-ubyte"};

}  // namespace

TEST_CASE("latents that were saved draw the same images", "[generate]") {
  const GenerateFolder folder;
  folder.Run({"--generator", "g.bin", "--digits", "3,1", "--count", "2", "--format", "npy", "--out",
              "a.npy", "--save-latents", "z/all.npy", "--latent-scale", "1.3"});
  const DrawnDigits drawn = folder.Source("g.bin", 1.3)->Draw(RowsOf({3, 1}, 2));
  const FloatArray saved = ReadNpyFloats(folder.path() / "z/all.npy");
  CHECK(saved.shape == std::vector<int64_t>{4, kLatentSize});
  CHECK(saved.values == drawn.latents);
  const std::string first = folder.Bytes("a.npy");
  CHECK((NpyBytes(first, "(4, 28, 28)") == drawn.pixels));
  folder.Run({"--generator", "g.bin", "--latents", "z/all.npy", "--digits", "3,3,1,1", "--format",
              "npy", "--out", "b.npy", "--seed", "7"});
  CHECK((folder.Bytes("b.npy") == first));
  CHECK((folder.Bytes("b_digits.npy") == folder.Bytes("a_digits.npy")));
  // All of them as one digit.
  folder.Run({"--generator", "g.bin", "--latents", "z/all.npy", "--digits", "8"});
  CHECK((folder.Bytes("generated.png") ==
         GridPng(folder.Source("g.bin")->Render(drawn.latents, RowsOf({8}, 4)), 2, 2)));

  folder.Run(
      {"--generator", "u.bin", "--count", "1", "--save-latents", "one.txt", "--out", "u.png"});
  CHECK(ReadLatents(folder.path() / "one.txt", kLatentSize) ==
        folder.Source("u.bin")->Draw(AnyDigits(1)).latents);
  folder.Run({"--generator", "u.bin", "--latents", "one.txt", "--out", "again.png"});
  CHECK((folder.Bytes("again.png") == folder.Bytes("u.png")));
  // More than are in memory at a time.
  folder.Run(
      {"--generator", "u.bin", "--count", "2745", "--format", "npy", "--save-latents", "many.npy"});
  CHECK((ReadNpyFloats(folder.path() / "many.npy").values ==
         folder.Source("u.bin")->Draw(AnyDigits(2745)).latents));
}

TEST_CASE("walks go from one latent to another, a row for each digit", "[generate]") {
  const GenerateFolder folder;
  const auto walk = [&](const std::vector<std::string>& args, const std::string& name) {
    folder.Run(args);
    return folder.Bytes(name);
  };
  const auto latents = [](DigitSource& source, size_t count) {
    return source.Draw(source.NeedsDigits() ? RowsOf({0}, count) : AnyDigits(count)).latents;
  };
  const auto row = [](const std::vector<float>& all, size_t i) {
    return std::span(all).subspan(i * kLatentSize, kLatentSize);
  };
  const auto source = folder.Source("g.bin");
  const std::vector<float> all = latents(*source, 2601);
  std::vector<float> path = Interpolate(row(all, 0), row(all, 1), 5), rows;
  for (int i = 0; i < 10; ++i) rows.insert(rows.end(), path.begin(), path.end());
  const auto pixels = source->Render(rows, RowsOf(EveryDigit(10), 5));
  CHECK((walk({"--generator", "g.bin", "--interpolate", "0:1", "--steps", "5"}, "generated.png") ==
         GridPng(pixels, 10, 5)));

  path = Interpolate(row(all, 2600), row(all, 3), 10);
  CHECK((walk({"--generator", "g.bin", "--interpolate", "2600:3", "--digits", "4", "--format",
               "npy", "--save-latents", "walk.npy"},
              "generated.npy")
             .substr(128) == [&] {
    const auto drawn = source->Render(path, RowsOf({4}, 10));
    return std::string(drawn.begin(), drawn.end());
  }()));
  CHECK(ReadNpyFloats(folder.path() / "walk.npy").values == path);

  // Ends in files; of several latents the first.
  WriteBytes(folder.path() / "a.txt", LatentText(row(all, 7)));
  WriteBytes(folder.path() / "b.npy",
             FloatNpy(std::span(all).subspan(9 * kLatentSize),
                      {static_cast<int64_t>(all.size()) / kLatentSize - 9, kLatentSize}));
  path = Interpolate(row(all, 7), row(all, 9), 3);
  CHECK((walk({"--generator", "u.bin", "--interpolate", "a.txt:b.npy", "--steps", "3", "--out",
               "u.png"},
              "u.png") == GridPng(folder.Source("u.bin")->Render(path, AnyDigits(3)), 1, 3)));
  const auto ten = folder.Ten();
  const std::vector<float> of_ten = latents(*ten, 3);
  path = Interpolate(row(of_ten, 2), row(of_ten, 2), 2);
  CHECK((walk({"--generators", "ten/{digit}.bin", "--interpolate", "2:2", "--steps", "2",
               "--digits", "6,5", "--out", "ten.png"},
              "ten.png") ==
         GridPng(ten->Render(
                     [&] {
                       std::vector<float> twice = path;
                       twice.insert(twice.end(), path.begin(), path.end());
                       return twice;
                     }(),
                     RowsOf({6, 5}, 2)),
                 2, 2)));
}

TEST_CASE("data sets of a conditional generator train and are judged", "[generate]") {
  const GenerateFolder folder;
  folder.Run({"--generator", "g.bin", "--format", "idx", "--count", "2510", "--test-count", "150",
              "--out", "set"});
  CHECK(folder.NewFiles() == kSetFiles);
  CheckSet(folder.path() / "set", folder.Source("g.bin")->Draw(AnyDigits(2660)), 2510);
  WriteBytes(folder.path() / "gan.json", GanJson(true).dump());
  const ToolResult trained = RunTool(
      "trainer",
      {"gan.json", "--data-dir", "set", "--epochs", "1", "--set", "/data/limit=66", "--quiet"},
      folder.path());
  INFO(trained.err);
  CHECK(trained.status == 0);
  CHECK(fs::exists(folder.path() / "runs/gan/g.bin"));
}

TEST_CASE("data sets of judged images hold what the judge reads", "[generate]") {
  const GenerateFolder folder;
  const std::vector<std::string> judged{
      "--generator", "u.bin", "--classifier", "c.bin", "--min-confidence", "0.6",
      "--format",    "idx",   "--out",        "set",   "--count",          "60"};
  folder.Run(judged);
  CHECK(folder.NewFiles() == kSetFiles);
  CheckSet(folder.path() / "set", folder.Judged(folder.Source("u.bin"), 0.6)->Draw(AnyDigits(70)),
           60);
  const ToolResult result =
      RunTool("evaluate",
              {"--classifier", "c.bin", "--data-dir", "set", "--json", "figures.json", "--quiet"},
              folder.path());
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(folder.Bytes("figures.json"));
  CHECK(json["s0"]["samples"] == 10);
  CHECK(json["s0"]["errors"] == 0);

  folder.Remove("set");
  folder.Remove("figures.json");
  std::vector<std::string> in_turn = judged;
  in_turn.push_back("--all-digits");
  folder.Run(in_turn);
  CheckSet(folder.path() / "set", folder.Judged(folder.Source("u.bin"), 0.6)->Draw(EveryDigit(70)),
           60);
  // A second set never goes on top of it, nor beside it.
  const std::string before = folder.Bytes("set/train-images-idx3-ubyte");
  folder.last = RunTool("generate", in_turn, folder.path());
  CHECK(folder.last.status == 2);
  CheckMentions(folder.last.err, {"set/train-images-idx3-ubyte", "there already"});
  CHECK(folder.NewFiles() == kSetFiles);
  CHECK((folder.Bytes("set/train-images-idx3-ubyte") == before));
}

TEST_CASE("the confidence is held by every image", "[generate]") {
  const GenerateFolder folder;
  for (const char* generator : {"g.bin", "u.bin"}) {
    folder.Run({"--generator", generator, "--classifier", "c.bin", "--min-confidence", "0.75",
                "--digits", "6,2", "--count", "40", "--format", "npy"});
    const auto pixels = NpyBytes(folder.Bytes("generated.npy"), "(80, 28, 28)");
    for (size_t i = 0; i < 80; ++i) {
      const LinearReading reading = ReadLinearly(&pixels[i * kImagePixels]);
      CHECK(reading.digit == (i < 40 ? 6 : 2));
      CHECK(reading.probability > 0.7499);
    }
    CHECK(
        (pixels == folder.Judged(folder.Source(generator), 0.75)->Draw(RowsOf({6, 2}, 40)).pixels));
  }
}

TEST_CASE("the only digit of a generator is believed", "[generate]") {
  const GenerateFolder folder;
  folder.Run(
      {"--generator", "u.bin", "--digit", "4", "--format", "idx", "--count", "9", "--out", "set"});
  CheckSet(folder.path() / "set", folder.Source("u.bin", 1, 4)->Draw(AnyDigits(10)), 9);
  folder.Run({"--generator", "u.bin", "--digit", "4", "--fake-dir", "fakes", "--per-digit", "2"});
  CHECK(fs::exists(folder.path() / "fakes/4/001.png"));
  CHECK_FALSE(fs::exists(folder.path() / "fakes/3"));
}

TEST_CASE("an interrupt leaves nothing of a data set", "[generate]") {
  const GenerateFolder folder;
  const Tool tool("generate",
                  {"--generator", "g.bin", "--format", "idx", "--count", "4000000", "--out", "set"},
                  folder.path());
  // Until images are there.
  const auto begun = [&] {
    std::error_code none;
    for (fs::directory_iterator it(folder.path() / "set", none), end; it != end; ++it) {
      if (it->file_size(none) > 100'000 && !none) return true;
    }
    return false;
  };
  for (int i = 0; i < 3000 && !begun(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(begun());
  tool.Signal(SIGINT);
  const ToolResult result = tool.Wait();
  CHECK(result.status == 130);
  CheckMentions(result.err, {"generate: interrupted"});
  CHECK(folder.NewFiles().empty());
}

}  // namespace numeral
