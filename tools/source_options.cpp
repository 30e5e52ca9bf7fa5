#include "tools/source_options.h"

#include "inference/latent_file.h"
#include "inference/weights_source.h"
#include "tools/tool_main.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr std::string_view kPlaceholder = "{digit}";

// The newest run's generator where none is named.
std::string FindGenerator(const SourceOptions& o,
                          const std::function<void(const std::string&)>& note) {
  if (!o.generator.empty()) return o.generator;
  const auto newest = NewestGenerator("runs");
  if (!newest) {
    BadInput(
        "there is no run with a generator below runs/; name one with --generator g.bin, or "
        "train one with trainer configs/quickstart.json");
  }
  note(fmt::format("the newest run's generator is {}", newest->string()));
  return newest->string();
}

std::string OfDigit(std::string pattern, size_t digit) {
  const size_t at = pattern.find(kPlaceholder);
  if (at == std::string::npos) {
    BadInput("--generators {}: write {} where the digit stands, such as runs/digit_{}/g.bin",
             pattern, kPlaceholder, kPlaceholder);
  }
  return pattern.replace(at, kPlaceholder.size(), std::to_string(digit));
}

std::unique_ptr<DigitSource> OfTen(const SourceOptions& o,
                                   const std::optional<NetworkDescription>& network,
                                   Engine& engine) {
  std::array<Weights, kDigits> weights;
  for (size_t digit = 0; digit < kDigits; ++digit) {
    weights[digit] = LoadWeights(OfDigit(o.generators, digit), network);
  }
  return SourceOfTen(weights, engine, o.latent_scale);
}

}  // namespace

void DeclareSource(CLI::App& app, SourceOptions& o) {
  auto* generator =
      app.add_option("--generator", o.generator, "weights of the generator (default: newest run's)")
          ->group("Who draws");
  auto* ten = app.add_option("--generators", o.generators,
                             "ten generators of one digit each: 'runs/digit_{digit}/g.bin'")
                  ->group("Who draws")
                  ->excludes(generator);
  auto* digit = app.add_option("--digit", o.digit, "the only digit that the generator draws")
                    ->group("Who draws")
                    ->check(CLI::Range(0, kDigits - 1));
  auto* classifier =
      app.add_option("--classifier", o.classifier, "keep only what it reads as the wanted digit")
          ->group("Who draws");
  app.add_option("--min-confidence", o.min_confidence, "and what it is so sure of, 0 to 1")
      ->group("Who draws")
      ->check(Within(0, 1))
      ->needs(classifier);
  auto* scale = app.add_option("--latent-scale", o.latent_scale,
                               "factor of the latents: 1.3 is more varied, .8 more typical")
                    ->group("Who draws")
                    ->capture_default_str()
                    ->check(Within(1e-6, 100));
  auto* predictor =
      app.add_option("--latent-predictor", o.latent_predictor,
                     "l.bin that finds latents of a digit for an unconditional generator")
          ->group("Who draws")
          ->excludes(ten)
          ->excludes(digit)
          ->excludes(scale);
  app.add_option("--latents", o.latents, "draw these: .txt (one number per line) or .npy")
      ->group("Who draws")
      ->excludes(scale)
      ->excludes(predictor)
      ->excludes(classifier);
  app.add_option("--seed", o.seed, "seed of latents, random numbers and spacings")
      ->group("Who draws")
      ->capture_default_str();
  app.add_option("--generator-config", o.generator_config,
                 "config of generators whose files do not describe their network")
      ->group("Who draws");
  app.add_option("--classifier-config", o.classifier_config, "the same of the classifier")
      ->group("Who draws")
      ->needs(classifier);
}

NamedSource MakeSource(const SourceOptions& o, Engine& engine,
                       const std::function<void(const std::string&)>& note) {
  const auto network = NetworkOfConfig(o.generator_config, "generator");
  NamedSource made;
  if (!o.generators.empty()) {
    if (o.digit != kAnyDigit) BadInput("--digit is for one --generator, not for --generators");
    made = {o.generators, OfTen(o, network, engine), 0};
  } else {
    const std::string path = FindGenerator(o, note);
    made = {path,
            SourceOfGenerator(LoadWeights(path, network), engine, o.latent_scale,
                              static_cast<int32_t>(o.digit)),
            0};
  }
  if (!o.latent_predictor.empty()) {
    made.source = PredictedSource(std::move(made.source), LoadWeights(o.latent_predictor), engine);
  }
  if (!o.latents.empty()) {
    std::vector<float> latents = ReadLatents(o.latents, made.source->latent_size());
    made.latents = static_cast<int64_t>(latents.size()) / made.source->latent_size();
    made.source = SourceOfLatents(std::move(made.source), std::move(latents), o.latents);
  }
  if (!o.classifier.empty()) {
    Classifier classifier(
        LoadWeights(o.classifier, NetworkOfConfig(o.classifier_config, "classifier")), engine);
    made.source = JudgedSource(std::move(made.source), std::move(classifier), o.min_confidence);
  }
  made.source->Restart(o.seed);
  return made;
}

}  // namespace numeral
