// evaluate as a program: figures that a few lines of code give too, exit statuses, one-line errors.
#include <gd.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "inference/classifier.h"
#include "inference/generator.h"
#include "render/png.h"
#include "tests/tools/evaluate_folder.h"
#include "tests/train/run_files.h"

namespace numeral {
namespace {

// Below "real_training_images" too.
void CheckFinite(const Json& json, const std::string& place = "") {
  for (const auto& [key, value] : json.items()) {
    INFO(place + "/" + key);
    if (value.is_structured()) {
      CheckFinite(value, place + "/" + key);
    } else if (value.is_null()) {
      CHECK((key == "cas" || key == "s1"));
    } else if (value.is_number()) {
      CHECK(std::isfinite(value.get<double>()));
    }
  }
}

void CheckPicture(const fs::path& path) {
  std::string bytes = ReadFile(path);
  const std::unique_ptr<gdImage, decltype(&gdImageDestroy)> image(
      gdImageCreateFromPngPtr(static_cast<int>(bytes.size()), bytes.data()), gdImageDestroy);
  REQUIRE(image != nullptr);
  CHECK(gdImageSX(image.get()) > 100);
}

int64_t Count(const Json& matrix, bool diagonal_only) {
  int64_t count = 0;
  for (size_t i = 0; i < kDigits; ++i) {
    for (size_t j = 0; j < kDigits; ++j) {
      if (i == j || !diagonal_only) count += matrix[i][j].get<int64_t>();
    }
  }
  return count;
}

Readings ReadIn(const fs::path& classifier, const std::vector<uint8_t>& pixels) {
  const auto engine = MakeCpuEngine();
  return Classifier(LoadWeights(classifier), *engine).Read(pixels);
}

}  // namespace

TEST_CASE("without a run there is S0 alone, and evaluate says so", "[evaluate]") {
  const EvaluateFolder folder;
  const Json json = folder.Figures({});
  CheckMentions(folder.last.err, {"runs/", "S0"});
  CheckMentions(folder.last.out, {"S0", "c.bin", "mnist test", "of 110 wrong"});
  const Dataset test = SyntheticImages(220, 110);
  const Readings read = ReadIn(folder.path() / "c.bin", test.pixels);
  CHECK(json["s0"]["samples"] == 110);
  CHECK(json["s0"]["errors"] == std::lround(110 * ErrorShare(read, test.labels)));
  CHECK(Count(json["s0"]["confusion"], false) == 110);
  CHECK(110 - Count(json["s0"]["confusion"], true) == json["s0"]["errors"]);
  for (const char* key : {"s1", "fid_c", "generator"}) CHECK_FALSE(json.contains(key));
  CHECK_FALSE(fs::exists(folder.path() / "evaluation"));

  CHECK(folder.Figures({"--s0-samples", "37"})["s0"]["samples"] == 37);
  CHECK(folder.Figures({"--s0-samples", "5000"}) == json);
  CHECK(folder.Figures({"--digit", "4"})["s0"]["samples"] == 11);
}

TEST_CASE("the newest run's generator is taken, and named", "[evaluate]") {
  const EvaluateFolder folder;
  const auto now = fs::file_time_type::clock::now();
  for (const auto& [run, age] : {std::pair("a", 2), std::pair("b", 1), std::pair("c", 3)}) {
    fs::create_directories(folder.path() / "runs" / run);
    WriteGenerator(folder.path() / "runs" / run / "g.bin", true, 1);
    fs::last_write_time(folder.path() / "runs" / run / "g.bin", now - std::chrono::hours(age));
  }
  const Json json = folder.Figures({"--samples", "20"});
  CheckMentions(folder.last.err, {"newest", "runs/b/g.bin"});
  CHECK(json["generator"] == "runs/b/g.bin");
  CHECK(fs::exists(folder.path() / "runs/b/evaluation/evaluation.json"));
  CHECK_FALSE(fs::exists(folder.path() / "runs/a/evaluation"));
}

TEST_CASE("S1 is the error on the digits that were asked for", "[evaluate]") {
  const EvaluateFolder folder;
  const Json json = folder.Figures({"--generator", "g.bin", "--samples", "257"});
  const auto engine = MakeCpuEngine();
  Generator generator(LoadWeights(folder.path() / "g.bin"), *engine);
  const auto inputs = generator.DrawInputs(1, 257, 1, EveryDigit(257));
  const Readings read = ReadIn(folder.path() / "c.bin", generator.Draw(inputs));
  int64_t wrong = 0;
  for (int i = 0; i < 257; ++i) wrong += read.digits[static_cast<size_t>(i)] != i % 10;
  CHECK(json["s1"]["samples"] == 257);
  CHECK(json["s1"]["errors"] == wrong);
  CHECK(json["s1"]["error_rate"] == Approx(static_cast<double>(wrong) / 257).epsilon(1e-12));
  CHECK(json["s1"]["labels_from"] == "condition");
  CHECK(257 - Count(json["s1"]["confusion"], true) == wrong);
  CheckFinite(json);
  for (const char* key : {"fid_c", "rfid", "precision", "recall", "density", "coverage", "kl"}) {
    CHECK(json.contains(key));
    CHECK(json["real_training_images"].contains(key));
  }
  CHECK(json["fid_c"] > json["real_training_images"]["fid_c"]);

  const fs::path out = folder.path() / "evaluation";
  CHECK(Json::parse(ReadFile(out / "evaluation.json")) == json);
  for (const char* name : {"confusion.png", "mistakes.png"}) CheckPicture(out / name);

  // The same again, wherever it is written; other seeds and latents give others.
  folder.Figures({"--generator", "g.bin", "--samples", "257", "--out", "else/where", "--quiet"});
  CHECK(folder.last.err.empty());
  for (const char* name : {"evaluation.json", "confusion.png", "mistakes.png"}) {
    CHECK(SameBytes(folder.path() / "else/where" / name, out / name));
  }
  CHECK(folder.Figures({"--generator", "g.bin", "--samples", "257", "--seed", "2"})["fid_c"] !=
        json["fid_c"]);
  CHECK(folder.Figures({"--generator", "g.bin", "--samples", "257", "--latent-scale",
                        "1.7"})["fid_c"] != json["fid_c"]);

  const Json threes = folder.Figures({"--generator", "g.bin", "--samples", "30", "--digit", "3"});
  CHECK(threes["s0"]["samples"] == 11);
  CHECK(threes["s1"]["samples"] == 30);
  int64_t asked = 0;
  for (const Json& count : threes["s1"]["confusion"][3]) asked += count.get<int64_t>();
  CHECK(asked == 30);
}

TEST_CASE("without anyone who knows the digits there is no S1", "[evaluate]") {
  const EvaluateFolder folder;
  const Json json = folder.Figures({"--generator", "u.bin", "--samples", "40"});
  CHECK(json["s1"].is_null());
  CHECK_FALSE(json.contains("disagreement"));
  CHECK(json.contains("fid_c"));
  CheckMentions(folder.last.out, {"not known", "u.bin", "--labeler"});

  const Json fours = folder.Figures({"--generator", "u.bin", "--samples", "40", "--digit", "4"});
  CHECK(fours["s1"]["labels_from"] == "digit");
  CHECK(fours["s1"]["samples"] == 40);
  CHECK(fours["s1"]["errors"] == 40 - fours["histogram"][4].get<int>());

  const Json labeled =
      folder.Figures({"--generator", "u.bin", "--samples", "40", "--labeler", "j.bin"});
  CHECK(labeled["s1"].is_null());
  CHECK(labeled["disagreement"]["labels_from"] == "labeler");
  CHECK(labeled["disagreement"]["labeler"] == "j.bin");
  CheckMentions(folder.last.out, {"disagreement with j.bin"});
  const auto engine = MakeCpuEngine();
  Generator generator(LoadWeights(folder.path() / "u.bin"), *engine);
  const auto pixels = generator.Draw(generator.DrawInputs(1, 40, 1, {}));
  const auto c = ReadIn(folder.path() / "c.bin", pixels).digits;
  const auto j = ReadIn(folder.path() / "j.bin", pixels).digits;
  int wrong = 0;
  for (size_t i = 0; i < 40; ++i) wrong += c[i] != j[i];
  CHECK(labeled["disagreement"]["errors"] == wrong);

  folder.Refuse({"--generator", "u.bin", "--samples", "40", "--labeler", "./data/../c.bin"},
                {"--labeler", "judges already"});
  folder.Refuse({"--generator", "u.bin", "--judge", "j.bin", "--labeler", "j.bin"},
                {"--labeler", "judges already"});
  folder.Refuse({"--generator", "u.bin", "--labeler", "absent.bin"}, {"absent.bin"});
  folder.Refuse({"--generator", "g.bin", "--labeler", "j.bin"}, {"--labeler", "g.bin", "known"});
}

TEST_CASE("sets of one size are compared, whatever is drawn", "[evaluate]") {
  const EvaluateFolder folder;  // with 11 test images of each digit
  const Json threes = folder.Figures({"--generator", "g.bin", "--digit", "3", "--samples", "30"});
  CHECK(threes["s1"]["samples"] == 30);
  CHECK(threes["compared_images"] == 11);
  const Json all = folder.Figures({"--generator", "g.bin", "--samples", "300", "--full"});
  CHECK(all["s1"]["samples"] == 300);
  CHECK(all["compared_images"] == 110);
  CHECK(all["cas"].is_null());
  CheckMentions(folder.last.err, {"no CAS", "128 images"});
}

TEST_CASE("the folders of --fake-dir say which digit an image is", "[evaluate]") {
  const EvaluateFolder folder;
  const Dataset test = SyntheticImages(220, 110);
  const Readings read = ReadIn(folder.path() / "c.bin", test.pixels);
  int64_t confusion[kDigits][kDigits] = {}, wrong = 0;
  for (size_t i = 0; i < 110; ++i) {
    // What the classifier reads, but for every third image, which lies in another folder.
    const int given = read.digits[i], wanted = i % 3 == 0 ? (given + 4) % 10 : given;
    ++confusion[wanted][given];
    wrong += given != wanted;
    const fs::path dir = folder.path() / "fakes" / std::to_string(wanted);
    fs::create_directories(dir);
    const auto begin = test.pixels.begin() + static_cast<int64_t>(i) * kImagePixels;
    WritePng(dir / (std::to_string(i) + ".png"), {28, 28, {begin, begin + kImagePixels}});
  }
  const Json json = folder.Figures({"--fake-dir", "fakes"});
  CHECK(json["s1"]["labels_from"] == "folders");
  CHECK(json["s1"]["samples"] == 110);
  CHECK(json["s1"]["errors"] == wrong);
  CHECK(wrong == 37);
  CHECK(json["s1"]["confusion"] == Json(confusion));
  // The very images that they are compared with.
  CHECK(std::abs(json["fid_c"].get<double>()) < 1e-3);
  CHECK(json["precision"] == 1);
  CHECK(json["recall"] == 1);
  CHECK(json["coverage"] == 1);
  CheckPicture(folder.path() / "fakes_evaluation/confusion.png");
  CheckPicture(folder.path() / "fakes_evaluation/mistakes.png");

  fs::remove(folder.path() / "fakes_evaluation/evaluation.json");
  CHECK(folder.Figures({"--fake-dir", "fakes/"})["s1"] == json["s1"]);
  CHECK(fs::exists(folder.path() / "fakes_evaluation/evaluation.json"));
  fs::remove_all(folder.path() / "fakes_evaluation");
  const ToolResult inside =
      RunTool("evaluate", {"--classifier", "../c.bin", "--data-dir", "../data", "--fake-dir", "."},
              folder.path() / "fakes");
  INFO(inside.err);
  CHECK(inside.status == 0);
  CHECK(fs::exists(folder.path() / "fakes_evaluation/evaluation.json"));
}

TEST_CASE("the judge's features are compared", "[evaluate]") {
  const EvaluateFolder folder;
  const std::vector<std::string> args{"--generator", "g.bin", "--samples", "60"};
  const Json alone = folder.Figures(args);
  std::vector<std::string> judged = args;
  judged.insert(judged.end(), {"--judge", "j.bin"});
  const Json json = folder.Figures(judged);
  CHECK(json["s1"]["errors"] == alone["s1"]["errors"]);
  CHECK(json["fid_c"] != alone["fid_c"]);
  CHECK(json["s0"]["by_judge"]["samples"] == 110);
  CHECK(json["s1"]["by_judge"]["samples"] == 60);
  CHECK_FALSE(alone["s1"].contains("by_judge"));
}

}  // namespace numeral
