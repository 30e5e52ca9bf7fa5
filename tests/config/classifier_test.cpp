// Configs of classifiers, and what sets them apart from those of GANs.
#include "tests/config/config_json.h"

namespace numeral {
namespace {

Json ClassifierConfig() {
  return ParseJsonText(R"({
    "networks": {
      "classifier": {
        "inputs": {"image": {"kind": "image"}},
        "layers": [{"type": "flatten"}, {"type": "dense", "units": 10}]
      }
    }
  })",
                       "classifier");
}

Config ParsedClassifier(const Changes& changes) {
  Json json = ClassifierConfig();
  for (const auto& [pointer, value] : changes) json[Json::json_pointer(pointer)] = value;
  return ParseConfig(json, "c.json", "c");
}

std::string ClassifierRefusal(const Changes& changes) {
  return MessageOf(ErrorKind::kBadInput, [&] { ParsedClassifier(changes); });
}

TEST_CASE("a classifier's config has its own defaults") {
  const Config config = ParsedClassifier({});
  CHECK(config.TrainsClassifier());
  CHECK(config.classifier.name == "classifier");
  CHECK(config.generator.layers.empty());
  CHECK(config.training.loss.kind == LossKind::kCrossEntropy);
  CHECK_FALSE(Parsed({}).TrainsClassifier());
  const Json adam = {{"learning_rate", 0.5}};
  CHECK(ParsedClassifier({{"/training/optimizers/classifier", adam}})
            .training.classifier.learning_rate == 0.5);
}

TEST_CASE("a classifier's config comes back from its resolved form") {
  const Config config = ParsedClassifier({{"/training/loss/label_smoothing", 0.1},
                                          {"/training/ema", 0.9},
                                          {"/data/max_shift", 3},
                                          {"/data/split", "fit"}});
  CHECK(config.data.max_shift == 3);
  const Json resolved = ToJson(config);
  CHECK(ParseConfig(resolved, "again", "x") == config);
  CHECK_FALSE(resolved["training"].contains("order"));
  CHECK_FALSE(resolved.contains("evaluation"));
}

TEST_CASE("what a classifier has no use for is refused") {
  const Json network = SmallConfig()["networks"]["generator"];
  CheckMentions(ClassifierRefusal({{"/networks/generator", network}}),
                {"/networks/generator", "alone"});
  for (const char* key : {"order", "fakes"}) {
    CheckMentions(ClassifierRefusal({{std::string("/training/") + key, "fresh"}}),
                  {std::string("/training/") + key, "a classifier"});
  }
  const Json object = Json::object();
  CheckMentions(ClassifierRefusal({{"/training/optimizers/generator", object}}),
                {"/training/optimizers/generator", "a classifier"});
  CheckMentions(ClassifierRefusal({{"/training/loss/combine", "mean"}}),
                {"/training/loss/combine", "a classifier"});
  CheckMentions(ClassifierRefusal({{"/training/loss/type", "bce"}}),
                {"/training/loss/type", "cross_entropy"});
  CheckMentions(ClassifierRefusal({{"/output/grid", Json::array({2, 2})}}), {"/output/grid"});
  CheckMentions(ClassifierRefusal({{"/evaluation", object}}), {"/evaluation", "generators"});
  const Json latent = {{"kind", "latent"}, {"size", 4}};
  CheckMentions(ClassifierRefusal({{"/networks/classifier/inputs", {{"z", latent}}}}),
                {"/networks/classifier/inputs", "image"});
}

TEST_CASE("what a GAN has no use for is refused") {
  const Json object = Json::object();
  CheckMentions(Refusal({{"/training/optimizers/classifier", object}}),
                {"/training/optimizers/classifier", "a generator and a discriminator"});
  CheckMentions(Refusal({{"/training/loss/type", "cross_entropy"}}),
                {"/training/loss/type", "classifier"});
  Json lonely = SmallConfig();
  lonely["networks"].erase("discriminator");
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { ParseConfig(lonely, "x.json", "x"); }),
                {"/networks: \"discriminator\" is missing"});
}

TEST_CASE("an evaluation names its classifier") {
  CHECK(Parsed({}).evaluation.classifier.empty());
  const Config config = Parsed({{"/evaluation/classifier", "c.bin"},
                                {"/evaluation/best", "recall"},
                                {"/evaluation/patience", 3}});
  CHECK(config.evaluation.best == EvaluationSpec::Metric::kRecall);
  CHECK(ParseConfig(ToJson(config), "again", "x") == config);
  CheckMentions(Refusal({{"/evaluation/judge", "j.bin"}}), {"/evaluation/judge", "\"classifier\""});
  CheckMentions(Refusal({{"/evaluation/patience", 2}}), {"/evaluation/patience"});
  CheckMentions(Refusal({{"/evaluation/best", "fid"}}), {"/evaluation/best", "fid_c"});
}

}  // namespace
}  // namespace numeral
