// What generate refuses: one line, a status, and no file.
#include "tests/tools/generate_folder.h"

namespace numeral {
namespace {

const std::vector<std::string> kConditional{"--generator", "g.bin"};

std::vector<std::string> With(std::vector<std::string> args, const std::string& option,
                              const std::string& value) {
  args.push_back(option);
  args.push_back(value);
  return args;
}

}  // namespace

TEST_CASE("generate refuses what draws no digits", "[generate]") {
  GenerateFolder folder;
  folder.Give("text.bin", "no weights at all");
  folder.Give("cut.bin", folder.Bytes("g.bin").substr(0, 1000));
  folder.Refuse({}, {"runs/", "--generator"});
  folder.Refuse({"--generator", "absent.bin"}, {"absent.bin"});
  folder.Refuse({"--generator", "c.bin"}, {"c.bin", "no generator"});
  folder.Refuse({"--generator", "text.bin"}, {"text.bin"});
  folder.Refuse({"--generator", "cut.bin"}, {"cut.bin"});
  folder.Refuse({"--generator", "."}, {"folder"});
  folder.Refuse({"--generator", "g.bin", "--generator-config", "absent.json"}, {"absent.json"});
  folder.Refuse({"--generators", "ten/3.bin"}, {"{digit}"});
  folder.Refuse({"--generators", "g{digit}.bin"}, {"g0.bin"});
  folder.Refuse({"--generators", "ten/{digit}.bin", "--digit", "3"}, {"--digit", "--generators"});
  folder.Refuse({"--generator", "g.bin", "--digit", "3"}, {"g.bin", "3"});
  folder.Refuse({"--generator", "g.bin", "--classifier", "u.bin"}, {"u.bin", "no classifier"});
  folder.Refuse({"--generator", "g.bin", "--classifier", "absent.bin"}, {"absent.bin"});
  folder.Refuse({"--generator", "g.bin", "--device", "tpu"}, {"tpu", "auto"});
  fs::copy(folder.path() / "ten", folder.path() / "mixed");
  for (int digit = 0; digit < kDigits; ++digit) {
    const std::string name = "mixed/" + std::to_string(digit) + ".bin";
    folder.Give(name, folder.Bytes(name));
  }
  WriteVividGenerator(folder.path() / "mixed/8.bin", false, 1, 9);
  folder.Refuse({"--generators", "mixed/{digit}.bin"}, {"mixed/0.bin", "mixed/8.bin", "9"});
  // An unconditional generator cannot be asked.
  folder.Refuse({"--generator", "u.bin", "--digits", "3"}, {"u.bin", "--classifier"});
  folder.Refuse({"--generator", "u.bin", "--number", "3"}, {"u.bin", "--classifier"});
  folder.Refuse({"--generator", "u.bin", "--digit", "4", "--number", "43"}, {"u.bin", "4"});
  folder.Refuse({"--generator", "u.bin", "--format", "idx"}, {"idx", "--classifier", "--digit"});
  folder.Refuse({"--generator", "u.bin", "--fake-dir", "fakes"}, {"--fake-dir", "--digits"});
}

TEST_CASE("generate refuses latents that make no image", "[generate]") {
  GenerateFolder folder;
  folder.Give("short.txt", "1\n2\n3\n");
  folder.Give("nan.txt", "1\n2\n3\n4\nnan\n6\n");
  folder.Give("word.txt", "1\n2\nthree\n4\n5\n6\n");
  folder.Give("empty.txt", "");
  folder.Give("broken.npy", "\x93NUMPY");
  folder.Give("good.txt", "1\n2\n3\n4\n5\n6\n");
  const auto refuse = [&](const std::string& file, std::initializer_list<std::string> mentions) {
    folder.Refuse({"--generator", "g.bin", "--digits", "3", "--latents", file}, mentions);
    folder.Refuse({"--generator", "g.bin", "--interpolate", "0:" + file}, mentions);
    folder.Refuse({"--generator", "g.bin", "--interpolate", file + ":0"}, mentions);
  };
  refuse("short.txt", {"short.txt", "3 numbers", "takes 6"});
  refuse("nan.txt", {"nan.txt", "number 5"});
  refuse("word.txt", {"word.txt", "line 3", "three"});
  refuse("empty.txt", {"empty.txt", "0 numbers"});
  refuse("broken.npy", {"broken.npy"});
  refuse("absent.txt", {"absent.txt"});
  folder.Refuse({"--generator", "g.bin", "--latents", "g.bin"}, {"g.bin", ".npy"});
  folder.Refuse({"--generator", "g.bin", "--latents", "good.txt"}, {"g.bin", "--digits"});
  folder.Refuse({"--generator", "g.bin", "--latents", "good.txt", "--digits", "3,4"},
                {"good.txt", "1 latents", "2 digits"});
  folder.Refuse({"--generator", "g.bin", "--latents", "good.txt", "--digits", "3", "--count", "2"},
                {"good.txt", "1 latents", "2 images"});
  folder.Refuse({"--generator", "g.bin", "--save-latents", "z.txt"}, {"z.txt", "100"});
  folder.Refuse({"--generator", "g.bin", "--save-latents", "z.bin"}, {"z.bin", ".npy"});
  for (const char* walk : {"0", "0:", ":1", "a:b", "0:1:2", "-1:0", "0:100001", "1.5:2",
                           "99999999999999999999:0", ":"}) {
    folder.Refuse(With(kConditional, "--interpolate", walk), {"--interpolate", walk});
  }
}

TEST_CASE("generate refuses numbers and grids that are none", "[generate]") {
  const GenerateFolder folder;
  for (const char* number : {"12a", "-5", "1.5", " 12", "1 2", "१", "0x10", "--quiet x"}) {
    folder.Refuse({"--generator", "g.bin", std::string("--number=") + number}, {"--number"});
  }
  folder.Refuse(With(kConditional, "--number", std::string(10'000, '7')), {"10000", "1000"});
  folder.Refuse({"--generator", "g.bin", "--number", std::string(1000, '7'), "--scale", "100"},
                {"1000 digits", "--scale"});
  folder.Refuse({"--generator", "g.bin", "--number", "12", "--min-spacing", "6"},
                {"--min-spacing 6", "--max-spacing 5"});
  folder.Refuse({"--generator", "g.bin", "--number", "12", "--format", "idx"}, {"png or npy"});
  folder.Refuse({"--generator", "g.bin", "--interpolate", "0:1", "--format", "idx"},
                {"png or npy"});
  for (const char* grid : {"0x5", "5x0", "5", "x", "5x", "x5", "5x5x5", "5X5", "-5x5", "5x5 ",
                           "axb", "9999999999999x1"}) {
    folder.Refuse({"--generator", "g.bin", std::string("--grid=") + grid}, {"--grid", "10x12"});
  }
  folder.Refuse(With(kConditional, "--grid", "99999999x99999999"), {"5,000,000"});
  folder.Refuse(With(kConditional, "--grid", "2x4999999"), {"5,000,000"});
  folder.Refuse(With(kConditional, "--grid", "2x400"), {"2 rows", "400 columns", "16384"});
  folder.Refuse({"--generator", "g.bin", "--grid", "20x20", "--scale", "40"}, {"20 rows", "16384"});
  folder.Refuse(With(kConditional, "--count", "100000"), {"16384"});
  for (const char* digits : {"10", "3,", ",3", "3,,4", "3 4", "3,x", "3;4", "-1"}) {
    folder.Refuse({"--generator", "g.bin", std::string("--digits=") + digits}, {"--digits"});
  }
  folder.Refuse({"--generator", "g.bin", "--digits", "3,3", "--fake-dir", "fakes"},
                {"3,3", "once"});
}

TEST_CASE("generate refuses options that make no sense together", "[generate]") {
  const GenerateFolder folder;
  const auto refused = [&](std::vector<std::string> args, const std::string& mention = "") {
    args.insert(args.begin(), {"--generator", "g.bin"});
    const ToolResult result = RunTool("generate", args, folder.path());
    INFO(args[2] << " " << result.err);
    CHECK(result.status == 2);
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CheckMentions(result.err, {"generate: ", mention});
    CHECK(folder.NewFiles().empty());
  };
  refused({"--min-confidence", "0.5"}, "--classifier");
  refused({"--classifier", "c.bin", "--min-confidence", "1.5"}, "--min-confidence");
  refused({"--classifier", "c.bin", "--min-confidence", "nan"}, "--min-confidence");
  refused({"--latent-scale", "nan"}, "--latent-scale");
  refused({"--latent-scale", "0"}, "--latent-scale");
  refused({"--latent-scale", "inf"}, "--latent-scale");
  refused({"--generators", "ten/{digit}.bin"}, "--generators");
  refused({"--number", "3", "--digits", "4"}, "--number");
  refused({"--number", "3", "--random-number", "4"}, "--number");
  refused({"--number", "3", "--grid", "2x2"}, "--number");
  refused({"--number", "3", "--count", "2"}, "--number");
  refused({"--number", "3", "--interpolate", "0:1"}, "--number");
  refused({"--number", "3", "--fake-dir", "f"}, "--number");
  refused({"--random-number", "0"}, "--random-number");
  refused({"--random-number", "1001"}, "--random-number");
  refused({"--leading-zero"}, "--random-number");
  refused({"--steps", "5"}, "--interpolate");
  refused({"--interpolate", "0:1", "--steps", "1"}, "--steps");
  refused({"--interpolate", "0:1", "--fake-dir", "f"}, "--interpolate");
  refused({"--per-digit", "5"}, "--fake-dir");
  refused({"--fake-dir", "f", "--per-digit", "0"}, "--per-digit");
  refused({"--digits", "1", "--all-digits"}, "--digits");
  refused({"--count", "3", "--grid", "2x2"}, "--count");
  refused({"--count", "0"}, "--count");
  refused({"--count", "-1"}, "--count");
  refused({"--count", "5000001"}, "--count");
  refused({"--count", "many"}, "--count");
  refused({"--digit", "10"}, "--digit");
  refused({"--digit", "-1"}, "--digit");
  refused({"--scale", "0"}, "--scale");
  refused({"--format", "bmp"}, "--format");
  refused({"--latents", "z.txt", "--latent-scale", "2"}, "--latents");
  refused({"--latents", "z.txt", "--classifier", "c.bin"}, "--latents");
  refused({"--fake-folder", "f"}, "--fake-folder");
  refused({"--grid", "2x4", "--digits", "3,1,4"}, "2 rows");
  refused({"--format", "npy", "--out", "a/x.npy", "--save-latents", "a/./x.npy"}, "replace");
  refused({"--format", "npy", "--out", "x.npy", "--save-latents", "x_digits.npy"}, "replace");
  refused({"--serve", "--out", "x.png"}, "--serve");
  refused({"--fake-dir", "f", "--out", "x.png"}, "--out");
  refused({"--format", "idx", "--grid", "2x2"}, "--count");
  for (const char* option : {"--number", "--grid", "--digits", "--interpolate", "--fake-dir",
                             "--latents", "--out", "--save-latents", "--classifier"}) {
    refused({option, ""}, option);  // an empty variable of a script, say
  }
  const ToolResult help = RunTool("generate", {"--help"}, folder.path());
  CHECK(help.status == 0);
  CheckMentions(help.out, {"--interpolate", "Examples", "Exit status"});
}

TEST_CASE("generate leaves no half of a file", "[generate]") {
  GenerateFolder folder;
  folder.Refuse(With(kConditional, "--out", "c.bin/x.png"), {"c.bin"});
  folder.Refuse(With(kConditional, "--save-latents", "c.bin/x.npy"), {"c.bin"});
  folder.Refuse({"--generator", "g.bin", "--fake-dir", "c.bin"}, {"c.bin"});
  folder.Refuse({"--generator", "g.bin", "--fake-dir", "c.bin/f"}, {"c.bin"});
  folder.Refuse({"--generator", "g.bin", "--format", "idx", "--count", "9", "--out", "c.bin"},
                {"c.bin"});
  for (const char* format : {"png", "npy"}) {
    folder.Refuse({"--generator", "g.bin", "--count", "9", "--out", "ten", "--format", format},
                  {"ten", "directory"}, 1);
  }
  // A folder of someone else's fakes, and data sets of all kinds of places.
  folder.Give("fakes/7/mine.png", "");
  folder.Refuse({"--generator", "g.bin", "--fake-dir", "fakes"}, {"fakes/7", "not empty"});
  folder.Give("set/mnist/t10k-labels-idx1-ubyte.gz", "");
  folder.Refuse({"--generator", "g.bin", "--format", "idx", "--count", "9", "--out", "set"},
                {"set/mnist/t10k-labels-idx1-ubyte.gz"});
  // A full disk.
  constexpr rlim_t kFull = 1000;
  folder.Refuse(kConditional, {"generated.png", "File too large"}, 1, kFull);
  folder.Refuse({"--generator", "g.bin", "--number", "12345"}, {"number.png", "too large"}, 1,
                kFull);
  folder.Refuse({"--generator", "g.bin", "--format", "npy"}, {"generated.npy", "too large"}, 1,
                kFull);
  folder.Refuse({"--generator", "g.bin", "--format", "idx", "--count", "2600"},
                {"generated/train-images", "too large"}, 1, kFull);
  folder.Refuse({"--generator", "g.bin", "--fake-dir", "new"}, {"new/0/000.png", "too large"}, 1,
                kFull);
  // 24 bytes a latent: they do not fit, 40 images of one grey do.
  WriteConstantGenerator(folder.path() / "u.bin", false);
  folder.Refuse(
      {"--generator", "u.bin", "--count", "400", "--scale", "1", "--save-latents", "z.npy"},
      {"z.npy", "too large"}, 1, 4000);
}

}  // namespace numeral
