// What the parts of a config demand of each other.
#include <algorithm>

#include "config/sections.h"

namespace numeral::config_detail {
namespace {

using Order = TrainingSpec::Order;

int Count(const NetworkSpec& network, InputSpec::Kind kind) {
  return static_cast<int>(std::count_if(network.inputs.begin(), network.inputs.end(),
                                        [&](const auto& input) { return input.kind == kind; }));
}

void CheckGenerator(const NetworkSpec& network, const Location& at) {
  if (Count(network, InputSpec::Kind::kLatent) == 0) {
    BadValue(at, "a generator needs an input of kind \"latent\"");
  }
  if (Count(network, InputSpec::Kind::kImage) > 0) {
    BadValue(at, "a generator takes no image");
  }
  if (Count(network, InputSpec::Kind::kDigit) > 1) {
    BadValue(at, "a generator takes one digit at the most");
  }
  if (Count(network, InputSpec::Kind::kTime) > 0) BadValue(at, "a generator takes no time");
}

void CheckDiscriminator(const NetworkSpec& network, const NetworkSpec& generator,
                        const Location& at) {
  if (Count(network, InputSpec::Kind::kImage) != 1) {
    BadValue(at, "a discriminator needs exactly one input of kind \"image\"");
  }
  if (Count(network, InputSpec::Kind::kLatent) > 0) {
    BadValue(at, "a discriminator takes no latent");
  }
  if (Count(network, InputSpec::Kind::kTime) > 0) BadValue(at, "a discriminator takes no time");
  if (Count(network, InputSpec::Kind::kDigit) > 1) {
    BadValue(at, "a discriminator takes one digit at the most");
  }
  if (Count(network, InputSpec::Kind::kDigit) > Count(generator, InputSpec::Kind::kDigit)) {
    BadValue(at, "a digit here needs one in the generator, else fakes have none");
  }
}

// Both gradients of a simultaneous step come from one batch of fakes in one pass; another number of
// fakes or of updates takes a pass of its own.
void CheckOrder(const TrainingSpec& training, const Location& at) {
  const bool simultaneous = training.order == Order::kSimultaneous;
  if (simultaneous && !training.reuse_fakes) {
    BadValue(at / "fakes", "must be \"reused\" when the order is \"simultaneous\"");
  }
  const auto check = [&](std::string_view key) {
    if (simultaneous) {
      BadValue(at / key, "needs an order other than \"simultaneous\"");
    }
    if (training.reuse_fakes) BadValue(at / key, "needs fakes to be \"fresh\"");
  };
  if (training.discriminator_steps > 1) check("discriminator_steps");
  if (training.discriminator_steps > 1 && training.order != Order::kDiscriminatorFirst) {
    BadValue(at / "discriminator_steps", "needs the order \"discriminator_first\"");
  }
  if (training.generator_batch_size != 0) check("generator_batch_size");
}

void CheckClassifier(const Config& config, const Location& inputs, const Location& loss) {
  const bool image_alone = config.classifier.inputs.size() == 1 &&
                           Count(config.classifier, InputSpec::Kind::kImage) == 1;
  if (!image_alone) BadValue(inputs, "a classifier takes one input, of kind \"image\"");
  if (config.training.loss.kind != LossKind::kCrossEntropy) {
    BadValue(loss, "a classifier learns by \"cross_entropy\"");
  }
}

void CheckLatentPredictor(const Config& config, const Location& inputs, const Location& loss) {
  const auto count = [&](InputSpec::Kind kind) { return Count(config.latent_predictor, kind); };
  const int noise = count(InputSpec::Kind::kLatent), times = count(InputSpec::Kind::kTime);
  const bool known = count(InputSpec::Kind::kDigit) == 1 && count(InputSpec::Kind::kImage) == 0 &&
                     noise == times && noise <= 1;
  if (!known) {
    BadValue(inputs,
             "a latent predictor takes an input of kind \"digit\", alone or beside one \"latent\" "
             "and one \"time\"");
  }
  if (config.training.loss.kind != LossKind::kMeanSquared) {
    BadValue(loss, "a latent predictor learns by \"mean_squared\"");
  }
}

// Whether each fake has a digit that it should show.
bool KnowsDigits(const Config& config) {
  return Count(config.generator, InputSpec::Kind::kDigit) > 0 || config.data.digits.size() == 1;
}

void CheckLoss(const Config& config, const Location& at) {
  const LossSpec& loss = config.training.loss;
  if (loss.kind == LossKind::kCrossEntropy) {
    BadValue(at / "type", "\"cross_entropy\" is a classifier's");
  }
  if (loss.kind == LossKind::kMeanSquared) {
    BadValue(at / "type", "\"mean_squared\" is a latent predictor's");
  }
  const bool needs_digit = loss.kind == LossKind::kDigitOrZeros || loss.kind == LossKind::kSoftmax;
  if (needs_digit && !KnowsDigits(config)) {
    BadValue(at / "type",
             "{} needs to know each fake's digit: give the generator an input of kind \"digit\" or "
             "/data/digits exactly one class",
             ChoiceName(kLoss, "type", loss.kind));
  }
  if (loss.kind == LossKind::kHinge && loss.label_smoothing != 0) {
    BadValue(at / "label_smoothing", "must be 0 for hinge, which has no targets to smooth");
  }
}

void CheckEvaluation(const Config& config, const Location& at) {
  const EvaluationSpec& evaluation = config.evaluation;
  if (evaluation.best == EvaluationSpec::Metric::kS1 && !KnowsDigits(config)) {
    BadValue(at / "best", "\"s1\" needs a generator that is asked for digits");
  }
}

}  // namespace

void CheckConfig(const Config& config, const std::string& source) {
  const Location networks{source, std::string(kNetworks)};
  const Location training{source, std::string(kTraining)};
  const Location loss = training / "loss" / "type";
  if (config.TrainsClassifier()) {
    return CheckClassifier(config, networks / "classifier" / "inputs", loss);
  }
  if (config.TrainsLatentPredictor()) {
    return CheckLatentPredictor(config, networks / "latent_predictor" / "inputs", loss);
  }
  CheckGenerator(config.generator, networks / "generator" / "inputs");
  CheckDiscriminator(config.discriminator, config.generator, networks / "discriminator" / "inputs");
  CheckOrder(config.training, training);
  CheckLoss(config, training / "loss");
  CheckEvaluation(config, {source, std::string(kEvaluation)});
}

}  // namespace numeral::config_detail
