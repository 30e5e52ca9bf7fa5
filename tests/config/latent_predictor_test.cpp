// Configs of latent predictors, of either kind, and what sets them apart from the others.
#include "tests/config/config_json.h"

namespace numeral {
namespace {

Json MeanConfig() {
  return ParseJsonText(R"({
    "networks": {
      "latent_predictor": {
        "inputs": {"digit": {"kind": "digit"}},
        "layers": [{"type": "dense", "units": 6}]
      }
    }
  })",
                       "predictor");
}

Json FlowConfig() {
  Json json = MeanConfig();
  json["networks"]["latent_predictor"] = ParseJsonText(R"({
    "inputs": {"noise": {"kind": "latent", "size": 6}, "time": {"kind": "time"},
               "digit": {"kind": "digit"}},
    "layers": [{"type": "concat", "inputs": ["noise", "time", "digit"]},
               {"type": "dense", "units": 6}]
  })",
                                                       "flow");
  return json;
}

Config ParsedWith(Json json, const Changes& changes) {
  for (const auto& [pointer, value] : changes) json[Json::json_pointer(pointer)] = value;
  return ParseConfig(json, "l.json", "l");
}

std::string RefusalOf(const Json& json, const Changes& changes) {
  return MessageOf(ErrorKind::kBadInput, [&] { ParsedWith(json, changes); });
}

TEST_CASE("a latent predictor's config has its own defaults") {
  for (const Json& json : {MeanConfig(), FlowConfig()}) {
    const Config config = ParsedWith(json, {});
    CHECK(config.kind() == RunKind::kLatentPredictor);
    CHECK(config.TrainsLatentPredictor());
    CHECK_FALSE(config.TrainsClassifier());
    CHECK(config.latent_predictor.name == "latent_predictor");
    REQUIRE(config.Networks().size() == 1);
    CHECK(config.Networks()[0] == &config.latent_predictor);
    CHECK(config.training.loss.kind == LossKind::kMeanSquared);
    CHECK(config.pairs == PairsSpec{});
    CHECK(config.pairs.per_digit == 2000);
    CHECK(config.pairs.min_confidence == 0.9);
    CHECK(config.pairs.max_draws == 1000000);
  }
  CHECK(ParsedWith(FlowConfig(), {}).latent_predictor.inputs[1] ==
        InputSpec{"time", InputSpec::Kind::kTime, Shape::Flat(1)});
  CHECK(Parsed({}).kind() == RunKind::kGan);
}

TEST_CASE("a latent predictor's config comes back from its resolved form") {
  const Config config = ParsedWith(
      FlowConfig(), {{"/pairs/generator", "g.bin"},
                     {"/pairs/classifier", "c.bin"},
                     {"/pairs/per_digit", 7},
                     {"/pairs/min_confidence", 0},
                     {"/pairs/max_draws", 1e9},
                     {"/training/ema", 0.5},
                     {"/training/loss/type", "mean_squared"},
                     {"/training/optimizers/latent_predictor", {{"learning_rate", 0.25}}}});
  CHECK(config.pairs == PairsSpec{"g.bin", "c.bin", 7, 0, 1000000000});
  CHECK(config.training.latent_predictor.learning_rate == 0.25);
  const Json resolved = ToJson(config);
  CHECK(ParseConfig(resolved, "again", "x") == config);
  for (const char* key : {"data", "evaluation"}) CHECK_FALSE(resolved.contains(key));
  for (const KeyDoc& key : AllKeys()) {
    if (key.object == "/pairs") CHECK(resolved["pairs"].contains(key.key));
  }
  CHECK_FALSE(resolved["training"].contains("order"));
  CHECK_FALSE(ToJson(Parsed({})).contains("pairs"));
}

TEST_CASE("what a latent predictor takes is decided by its inputs") {
  const std::string inputs = "/networks/latent_predictor/inputs";
  const Json latent = {{"kind", "latent"}, {"size", 6}}, digit = {{"kind", "digit"}};
  const Json time = {{"kind", "time"}}, image = {{"kind", "image"}};
  for (const Json& wrong :
       {Json{{"noise", latent}}, Json{{"noise", latent}, {"time", time}},
        Json{{"noise", latent}, {"digit", digit}}, Json{{"time", time}, {"digit", digit}},
        Json{{"digit", digit}, {"second", digit}}, Json{{"digit", digit}, {"image", image}},
        Json{{"noise", latent}, {"more", latent}, {"time", time}, {"digit", digit}}}) {
    Json json = MeanConfig();
    json[Json::json_pointer(inputs)] = wrong;
    Json names = Json::array();
    for (const auto& item : wrong.items()) names.push_back(item.key());
    if (names.size() > 1) {
      json["networks"]["latent_predictor"]["layers"][0] = {{"type", "concat"}, {"inputs", names}};
    }
    INFO(json);
    CheckMentions(RefusalOf(json, {}), {inputs, "\"digit\"", "\"latent\"", "\"time\""});
  }
  CheckMentions(RefusalOf(FlowConfig(), {{inputs + "/time/size", 2}}), {inputs + "/time", "size"});
}

TEST_CASE("what a latent predictor has no use for is refused") {
  const Json object = Json::object(), network = SmallConfig()["networks"]["generator"];
  const Json mean = MeanConfig();
  for (const char* other : {"generator", "discriminator"}) {
    CheckMentions(RefusalOf(mean, {{std::string("/networks/") + other, network}}),
                  {std::string("/networks/") + other, "a latent predictor is trained alone"});
  }
  CheckMentions(RefusalOf(mean, {{"/networks/classifier", network}}), {"trained alone"});
  CheckMentions(RefusalOf(mean, {{"/data", object}}), {"/data", "/pairs"});
  CheckMentions(RefusalOf(mean, {{"/evaluation", object}}), {"/evaluation", "generators"});
  for (const char* key : {"order", "fakes"}) {
    CheckMentions(RefusalOf(mean, {{std::string("/training/") + key, "fresh"}}),
                  {std::string("/training/") + key, "a latent predictor"});
  }
  for (const char* network_name : {"generator", "discriminator", "classifier"}) {
    const std::string pointer = std::string("/training/optimizers/") + network_name;
    CheckMentions(RefusalOf(mean, {{pointer, object}}), {pointer, "a latent predictor"});
  }
  CheckMentions(RefusalOf(mean, {{"/training/loss/label_smoothing", 0}}), {"label_smoothing"});
  CheckMentions(RefusalOf(mean, {{"/training/loss/combine", "mean"}}), {"combine"});
  CheckMentions(RefusalOf(mean, {{"/training/loss/type", "cross_entropy"}}),
                {"/training/loss/type", "mean_squared"});
  CheckMentions(RefusalOf(mean, {{"/output/grid", Json::array({2, 2})}}),
                {"/output/grid", "latent predictor"});
  for (const auto& [key, value] : Changes{{"per_digit", 0},
                                          {"min_confidence", 1},
                                          {"min_confidence", -0.1},
                                          {"max_draws", 0},
                                          {"generator", 3}}) {
    CheckMentions(RefusalOf(mean, {{"/pairs/" + key, value}}), {"/pairs/" + key});
  }
}

TEST_CASE("what is a latent predictor's is refused elsewhere") {
  const Json object = Json::object();
  CheckMentions(Refusal({{"/pairs", object}}), {"/pairs", "latent predictor"});
  CheckMentions(Refusal({{"/training/optimizers/latent_predictor", object}}),
                {"/training/optimizers/latent_predictor", "a generator and a discriminator"});
  CheckMentions(Refusal({{"/training/loss/type", "mean_squared"}}),
                {"/training/loss/type", "latent predictor"});
  Json timed = SmallConfig();
  timed["networks"]["generator"]["inputs"]["time"] = {{"kind", "time"}};
  timed["networks"]["generator"]["layers"][0]["inputs"].push_back("time");
  CheckMentions(RefusalOf(timed, {}), {"/networks/generator/inputs", "time"});
  timed = SmallConfig();
  timed["networks"]["discriminator"]["inputs"]["time"] = {{"kind", "time"}};
  Json& layers = timed["networks"]["discriminator"]["layers"];
  layers[0]["inputs"] = {"image"};
  layers.insert(layers.end() - 1, Json{{"type", "concat"}, {"inputs", {"flatten", "time"}}});
  CheckMentions(RefusalOf(timed, {}), {"/networks/discriminator/inputs", "time"});
}

}  // namespace
}  // namespace numeral
