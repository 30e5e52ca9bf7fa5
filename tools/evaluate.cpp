// evaluate --classifier c.bin: how good a generator is, and its classifier.
#include "tools/evaluation.h"
#include "tools/tool_main.h"
#include "util/error.h"

namespace {

using namespace numeral;

constexpr int64_t kMostSamples = 1000000;

constexpr const char* kFooter = R"(Examples:
  evaluate --classifier c.bin                       S0, and S1 of the newest run's generator
  evaluate --classifier c.bin --generator g.bin --judge j.bin --latent-scale 1.3 --full
  evaluate --classifier c.bin --fake-dir fakes      S1 of fakes/<digit>/*.png
  evaluate --classifier c.bin --generator dcgan.bin --labeler other.bin

S0 is the classifier's error on real test images, S1 its error on generated images whose digit is
known: asked for (conditional generators), named by --digit or by the folders of --fake-dir. A
labeler's digits give disagreement instead. The judge's features carry FID-C (and rFID, its share of
the real variance), precision, recall, density and coverage (k = 3). CAS is the accuracy, on real
images, of a classifier trained on generated ones. The column "real" has training images in place of
generated ones: what a perfect generator would get.
Pictures and evaluation.json go to <folder of the generator>/evaluation, or --out.
Exit status: 0 done, 2 bad input, 1 failure.)";

void Declare(CLI::App& app, EvaluationOptions& o) {
  app.footer(kFooter);
  app.add_option("--classifier", o.classifier, "weights of the classifier that reads the digits")
      ->required();
  app.add_option("--generator", o.generator, "weights of the generator (default: newest run's)");
  auto* fakes = app.add_option("--fake-dir", o.fake_dir,
                               "images in its place: DIR/<digit>/*.png, grey, 28x28");
  app.add_option("--judge", o.judge, "weights whose features are compared (default: --classifier)");
  app.add_option("--labeler", o.labeler, "another classifier's digits for unconditional images");
  app.add_option("--digit", o.digit, "the only digit that the generator draws")
      ->check(CLI::Range(0, 9));
  app.add_option("--samples", o.samples, "images to generate")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1}, kMostSamples));
  app.add_option("--latent-scale", o.latent_scale, "factor of the latents: 1.3 is more varied")
      ->capture_default_str()
      ->check(Within(1e-6, 100));
  app.add_option("--s0-samples", o.s0_samples, "real images for S0, drawn by seed (default: all)")
      ->check(CLI::Range(int64_t{1}, kMostSamples));
  app.add_flag("--full", o.full, "also the classification accuracy score: trains two classifiers");
  app.add_option("--seed", o.seed, "seed of latents and draws")->capture_default_str();
  app.add_option("--split", o.split, "real images to compare with: test or validation")
      ->capture_default_str()
      ->check(CLI::IsMember({"test", "validation"}));
  app.add_option("--dataset", o.dataset, "mnist or fashion")->capture_default_str();
  app.add_option("--data-dir", o.data_dir,
                 "where the IDX files are (default: $NUMERAL_DATA, data)");
  app.add_option("--classifier-config", o.classifier_config,
                 "config of classifiers whose files do not describe their network");
  app.add_option("--generator-config", o.generator_config, "the same of the generator");
  app.add_option("--out", o.out, "folder for pictures and evaluation.json");
  app.add_option("--json", o.json, "write the figures to this file too");
  app.add_option("--device", o.device, "auto, cpu or cuda; a named device never falls back")
      ->capture_default_str();
  app.add_flag("--quiet", o.quiet, "no progress on standard error");
  // What only a generator's images can have.
  for (const char* name : {"--generator", "--generator-config", "--labeler", "--digit", "--samples",
                           "--latent-scale"}) {
    fakes->excludes(app.get_option(name));
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Judges the digits of a generator by a classifier.", "evaluate");
  EvaluationOptions options;
  Declare(app, options);
  return ToolMain(app, argc, argv, [&] {
    Evaluation(options).Run();
    return 0;
  });
}
