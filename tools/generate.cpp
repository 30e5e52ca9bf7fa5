// generate --generator g.bin: digits, whole numbers and data sets from a trained generator.
#include "tools/generation.h"
#include "tools/tool_main.h"
#include "util/error.h"

namespace {

using namespace numeral;

constexpr const char* kFooter = R"(Examples:
  generate                                         10x10 digits of the newest run, generated.png
  generate --generator g.bin --number 20261122     a whole number, number.png
  generate --random-number 12 --thousands --seed 7
  generate --digits 3,1,4 --count 8                a row of eight for each
  generate --all-digits --count 20 --latent-scale 1.3
  generate --interpolate 0:1 --steps 12            from the first latent to the second, all digits
  generate --fake-dir fakes --per-digit 100        fakes/3/007.png, its latent in fakes/3/007.txt
  generate --latents fakes/3/007.txt --digits 3    the same 3, to the bit
  generate --format idx --count 60000 --out set    a data set: trainer CONFIG --data-dir set
  generate --generator gan_mlp/g.bin --classifier c.bin --number 42
  generate --generator gan_mlp/g.bin --latent-predictor l.bin --all-digits
  generate --generators 'runs/digit_{digit}/g.bin' --number 2026
  generate --serve                                 a page to play with, on this machine only

A conditional generator is asked for a digit. An unconditional one draws until a --classifier has
read the digit, with a probability of --min-confidence or more, or has a --latent-predictor find the
latent. A conditional one is held to the classifier too where one is given. The images of a seed are
always the same; without a classifier they also begin with the same ones however many are drawn.
A data set has a test set of --test-count more images, and digits in turn.
Exit status: 0 done, 2 bad input, 1 failure, 130 interrupted (nothing is written then, except by
--fake-dir).)";

void DeclareWhat(CLI::App& app, GenerationOptions& o) {
  const std::string kGroup = "What is drawn";
  app.add_option("--grid", o.grid, "rows and columns: 10x10; a row for each digit")->group(kGroup);
  app.add_option("--digits", o.digits, "these digits: 3,1,4")->group(kGroup);
  app.add_flag("--all-digits", o.all_digits, "0 to 9")->group(kGroup);
  app.add_option("--count", o.count, "images; of each digit that was named")
      ->group(kGroup)
      ->check(CLI::Range(int64_t{1}, kMostImages));
  app.add_option("--number", o.number, "a whole number as one picture")->group(kGroup);
  auto* random = app.add_option("--random-number", o.random_number, "one of so many digits")
                     ->group(kGroup)
                     ->check(CLI::Range(1, kMostNumberDigits));
  app.add_flag("--leading-zero", o.leading_zero, "it may begin with 0")
      ->group(kGroup)
      ->needs(random);
  auto* path = app.add_option("--interpolate", o.interpolate,
                              "A:B, on the sphere between two latents: their numbers, or files")
                   ->group(kGroup);
  app.add_option("--steps", o.steps, "images of the way, both ends included")
      ->group(kGroup)
      ->capture_default_str()
      ->check(CLI::Range(2, 1000))
      ->needs(path);
  auto* folder = app.add_option("--fake-dir", o.fake_dir,
                                "pictures and latents sorted by digit, for evaluate --fake-dir")
                     ->group(kGroup);
  app.add_option("--per-digit", o.per_digit, "of each digit")
      ->group(kGroup)
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1}, int64_t{100000}))
      ->needs(folder);
  auto* serve =
      app.add_flag("--serve", o.serve, "a page to play with, on this machine only")->group(kGroup);
  app.add_option("--port", o.port, "of the page; 0 takes any that is free")
      ->group(kGroup)
      ->capture_default_str()
      ->check(CLI::Range(0, 65535))
      ->needs(serve);
}

// One thing at a time.
void DeclareClashes(CLI::App& app) {
  const auto clash = [&](const std::vector<std::string>& some,
                         const std::vector<std::string>& others) {
    for (const std::string& one : some) {
      for (const std::string& other : others) {
        if (one != other) app.get_option(one)->excludes(app.get_option(other));
      }
    }
  };
  const std::vector<std::string> things{"--number", "--random-number", "--interpolate",
                                        "--fake-dir", "--serve"};
  clash(things, things);
  clash(things, {"--grid", "--all-digits", "--count"});
  clash({"--number", "--random-number", "--serve", "--all-digits"}, {"--digits"});
  clash({"--grid"}, {"--count"});
  clash({"--serve"}, {"--latents", "--out", "--format", "--save-latents"});
}

void DeclareOutput(CLI::App& app, GenerationOptions& o) {
  app.add_option("--out", o.out, "file, or folder of a data set (default: generated, number)")
      ->group("Where it goes");
  app.add_option("--format", o.format,
                 "png; npy, uint8 [n][28][28]; idx, a data set (default: png)")
      ->group("Where it goes")
      ->check(CLI::IsMember({"png", "npy", "idx"}));
  app.add_option("--test-count", o.test_count, "test images of a data set (default: a sixth)")
      ->group("Where it goes")
      ->check(CLI::Range(int64_t{1}, kMostImages));
  app.add_option("--scale", o.scale, "each pixel becomes so many either way in a picture")
      ->group("Where it goes")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option("--save-latents", o.save_latents, "what made the images: .npy, or .txt for one")
      ->group("Where it goes");
  const std::string kNumbers = "How a number looks";
  app.add_option("--min-spacing", o.min_spacing, "pixels between digits, at least")
      ->group(kNumbers)
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  app.add_option("--max-spacing", o.max_spacing, "and at most; drawn at random")
      ->group(kNumbers)
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  app.add_flag("--thousands", o.thousands, "a wider gap before every third digit from the right")
      ->group(kNumbers);
  app.add_option("--thousands-spacing", o.thousands_spacing, "by so many pixels")
      ->group(kNumbers)
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Draws digits, whole numbers and data sets with a trained generator.", "generate");
  GenerationOptions options;
  app.footer(kFooter);
  DeclareSource(app, options.source);
  DeclareWhat(app, options);
  DeclareOutput(app, options);
  DeclareClashes(app);
  app.add_option("--device", options.device, "auto, cpu or cuda; a named device never falls back")
      ->capture_default_str();
  app.add_flag("--quiet", options.quiet, "no progress on standard error");
  // An empty value, of a script's variable perhaps, is a mistake and not the same as none.
  for (CLI::Option* option : app.get_options()) {
    option->check(std::function([](const std::string& value) -> std::string {
      return value.empty() ? "the value is empty" : "";
    }));
  }
  return ToolMain(app, argc, argv, [&] {
    if (Generation(options).Run()) return 0;
    Say("generate: interrupted");
    return kInterruptedExit;
  });
}
