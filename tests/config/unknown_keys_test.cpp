#include "config/nearest.h"
#include "tests/config/config_json.h"

namespace numeral {
namespace {

TEST_CASE("edit distance") {
  CHECK(EditDistance("", "") == 0);
  CHECK(EditDistance("", "abc") == 3);
  CHECK(EditDistance("abc", "") == 3);
  CHECK(EditDistance("abc", "abc") == 0);
  CHECK(EditDistance("kitten", "sitting") == 3);
  CHECK(EditDistance("flaw", "lawn") == 2);
  CHECK(EditDistance("ab", "ba") == 1);
  CHECK(EditDistance("epohcs", "epochs") == 1);
  CHECK(EditDistance("ca", "abc") == 3);  // no letter is edited twice
}

TEST_CASE("suggestions") {
  CHECK(Suggest("epoch", {"batch_size", "epochs"}) == "; did you mean \"epochs\"?");
  CHECK(Suggest("colour", {"epochs", "seed"}) == "; known here: \"epochs\", \"seed\"");
  CHECK(Suggest("x", {"a", "b"}) == "; known here: \"a\", \"b\"");
  CHECK(Suggest("x", {}) == "");
  CHECK(Suggest(std::string(1000000, 'e'), {"epochs"}) == "; known here: \"epochs\"");
}

TEST_CASE("unknown keys are refused in every object, with the nearest one") {
  const struct {
    std::string pointer, nearest;
  } cases[] = {
      {"/precison", "precision"},
      {"/data/dataste", "dataset"},
      {"/networks/generater", "generator"},
      {"/networks/generator/layer", "layers"},
      {"/networks/generator/inputs/z/sise", "size"},
      {"/networks/generator/inputs/digit/knd", "kind"},
      {"/networks/generator/layers/1/unit", "units"},
      {"/networks/discriminator/layers/0/paddding", "padding"},
      {"/networks/discriminator/layers/1/slop", "slope"},
      {"/networks/discriminator/layers/2/nmae", "name"},
      {"/training/epoch", "epochs"},
      {"/training/loss/label_smooting", "label_smoothing"},
      {"/training/optimizers/discriminatro", "discriminator"},
      {"/training/optimizers/generator/learningrate", "learning_rate"},
      {"/output/sampel_every", "sample_every"},
  };
  for (const auto& [pointer, nearest] : cases) {
    CHECK(Refusal({{pointer, 1}}) ==
          "x.json: " + pointer + ": unknown key; did you mean \"" + nearest + "\"?");
  }
}

TEST_CASE("unknown keys of initialisations and schedules") {
  CheckMentions(
      Refusal({{"/networks/generator/layers/1/weight_init", {{"type", "normal"}, {"stdd", 1}}}}),
      {"/networks/generator/layers/1/weight_init/stdd: unknown key", "\"std\""});
  CheckMentions(
      Refusal({{"/training/optimizers/generator/schedule", {{"type", "linear"}, {"ned", 1}}}}),
      {"/training/optimizers/generator/schedule/ned: unknown key", "\"end\""});
}

TEST_CASE("keys of another kind are unknown") {
  CheckMentions(LayerRefusal(R"({"type": "relu", "slope": 0.2})"),
                {"net.json: /layers/0/slope: unknown key; known here: \"type\""});
  CheckMentions(LayerRefusal(R"({"type": "conv", "filters": 1, "kernel": 1, "output_padding": 1})"),
                {"/layers/0/output_padding: unknown key"});
  CheckMentions(Refusal({{"/networks/generator/inputs/digit/size", 10}}),
                {"/networks/generator/inputs/digit/size: unknown key"});
  CheckMentions(Refusal({{"/training/optimizers/generator/schedule",
                          {{"type", "constant"}, {"start", 0.5}}}}),
                {"/training/optimizers/generator/schedule/start: unknown key"});
  CheckMentions(
      LayerRefusal(R"({"type": "dense", "units": 1, "bias_init": {"type": "zeros", "std": 1}})"),
      {"/layers/0/bias_init/std: unknown key"});
}

TEST_CASE("keys are printed on one line and not at any length") {
  Json json = SmallConfig();
  json["line\nbreak\x01"] = 1;
  const std::string message =
      MessageOf(ErrorKind::kBadInput, [&] { ParseConfig(json, "x.json", "x"); });
  CheckMentions(message, {"/line\\nbreak\\u0001: unknown key"});
  json = SmallConfig();
  json[std::string(100000, 'k')] = 1;
  CHECK(MessageOf(ErrorKind::kBadInput, [&] { ParseConfig(json, "x.json", "x"); }).size() < 1000);
}

}  // namespace
}  // namespace numeral
