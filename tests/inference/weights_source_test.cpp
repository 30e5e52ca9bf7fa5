// Where tools find networks: configs beside weights files, and the newest run.
#include "inference/weights_source.h"

#include <chrono>

#include "tests/data/idx_files.h"
#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

// An empty g.bin, written `age` hours ago.
void PutGenerator(const fs::path& run, int age) {
  WriteBytes(run / "g.bin", "");
  fs::last_write_time(run / "g.bin", fs::file_time_type::clock::now() - std::chrono::hours(age));
}

}  // namespace

TEST_CASE("a config lends its network to weights that do not describe theirs", "[inference]") {
  const TempFolder folder;
  Json gan = GanJson(true);
  gan["convention"] = "keras";
  gan["data"]["pixel_range"] = {0, 1};
  WriteBytes(folder.path() / "gan.json", gan.dump());
  WriteBytes(folder.path() / "c.json", ClassifierJson().dump());
  const std::string of_gan = (folder.path() / "gan.json").string();
  const std::string of_classifier = (folder.path() / "c.json").string();

  CHECK_FALSE(NetworkOfConfig("", "generator").has_value());
  const auto generator = NetworkOfConfig(of_gan, "generator");
  REQUIRE(generator.has_value());
  CHECK(generator->network == LoadConfig(of_gan).generator);
  CHECK(generator->convention == Convention::kKeras);
  CHECK(generator->pixel_range == std::array<double, 2>{0, 1});
  const auto classifier = NetworkOfConfig(of_classifier, "classifier");
  REQUIRE(classifier.has_value());
  CHECK(classifier->network == LoadConfig(of_classifier).classifier);
  CHECK(classifier->convention == Convention::kPyTorch);
  CHECK(classifier->pixel_range == std::array<double, 2>{-1, 1});

  const auto refusal = [](const std::string& path, const std::string& role) {
    return MessageOf(ErrorKind::kBadInput, [&] { NetworkOfConfig(path, role); });
  };
  CheckMentions(refusal(of_gan, "classifier"), {"gan.json", "/networks", "classifier"});
  CheckMentions(refusal(of_classifier, "generator"), {"c.json", "/networks", "generator"});
  CheckMentions(refusal(of_gan + "x", "generator"), {"gan.jsonx"});
}

TEST_CASE("the newest generator is the one written last", "[inference]") {
  const TempFolder folder;
  const fs::path runs = folder.path() / "runs";
  CHECK_FALSE(NewestGenerator(runs).has_value());
  fs::create_directories(runs);
  CHECK_FALSE(NewestGenerator(runs).has_value());
  fs::create_directories(runs / "z_begun");  // no weights yet
  WriteBytes(runs / "classifier/c.bin", "");
  WriteBytes(runs / "notes.txt", "");
  CHECK_FALSE(NewestGenerator(runs).has_value());

  PutGenerator(runs / "m", 5);
  CHECK(NewestGenerator(runs) == runs / "m/g.bin");
  PutGenerator(runs / "z", 9);
  PutGenerator(runs / "a", 7);
  CHECK(NewestGenerator(runs) == runs / "m/g.bin");
  // The link points at the newest, or at none; either way it is no run.
  fs::create_directory_symlink("m", runs / "latest");
  CHECK(NewestGenerator(runs) == runs / "m/g.bin");
  fs::remove(runs / "latest");
  fs::create_directory_symlink("gone", runs / "latest");
  CHECK(NewestGenerator(runs) == runs / "m/g.bin");
  PutGenerator(runs / "z", 1);
  CHECK(NewestGenerator(runs) == runs / "z/g.bin");
}

}  // namespace numeral
