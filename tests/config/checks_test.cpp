#include "tests/config/config_json.h"

namespace numeral {
namespace {

const std::string kGenerator = "/networks/generator/inputs";
const std::string kDiscriminator = "/networks/discriminator/inputs";

// The input `digit` read by a layer that joins it to the flattened image.
Changes ConditionalDiscriminator() {
  return {
      {kDiscriminator + "/digit", {{"kind", "digit"}}},
      {"/networks/discriminator/layers/0/inputs", {"image"}},
      {"/networks/discriminator/layers/3", {{"type", "concat"}, {"inputs", {"flatten", "digit"}}}}};
}

TEST_CASE("several discriminator steps need fresh fakes and an order") {
  const Json two = 2;
  CheckMentions(Refusal({{"/training/discriminator_steps", two}}),
                {"x.json: /training/discriminator_steps: needs an order other than"});
  CheckMentions(Refusal({{"/training/discriminator_steps", two},
                         {"/training/order", "discriminator_first"},
                         {"/training/fakes", "reused"}}),
                {"/training/discriminator_steps: needs fakes to be \"fresh\""});
  CheckMentions(Refusal({{"/training/discriminator_steps", two},
                         {"/training/order", "generator_first"},
                         {"/training/fakes", "fresh"}}),
                {"/training/discriminator_steps: needs the order \"discriminator_first\""});
  CHECK(Parsed({{"/training/discriminator_steps", two}, {"/training/order", "discriminator_first"}})
            .training.discriminator_steps == 2);
}

TEST_CASE("another number of generator fakes needs fresh ones and an order") {
  CheckMentions(Refusal({{"/training/generator_batch_size", 32}}),
                {"/training/generator_batch_size: needs an order"});
  CheckMentions(
      Refusal({{"/training/generator_batch_size", 32}, {"/training/order", "generator_first"}}),
      {"/training/generator_batch_size: needs fakes to be \"fresh\""});
  CHECK(Parsed({{"/training/generator_batch_size", 32},
                {"/training/order", "generator_first"},
                {"/training/fakes", "fresh"}})
            .training.generator_batch_size == 32);
}

TEST_CASE("simultaneous updates share their fakes; other orders have their own default") {
  CheckMentions(Refusal({{"/training/fakes", "fresh"}}), {"/training/fakes: must be \"reused\""});
  CHECK(Parsed({}).training.reuse_fakes);
  CHECK(Parsed({{"/training/order", "generator_first"}}).training.reuse_fakes);
  CHECK_FALSE(Parsed({{"/training/order", "discriminator_first"}}).training.reuse_fakes);
}

TEST_CASE("generators take noise and no image") {
  CheckMentions(Refusal({{kGenerator + "/z", {{"kind", "digit"}}}}),
                {"x.json: " + kGenerator + ": a generator needs an input of kind \"latent\""});
  CheckMentions(Refusal({{kGenerator + "/digit", {{"kind", "image"}}}}),
                {kGenerator + ": a generator takes no image"});
  CheckMentions(Refusal({{kGenerator + "/second", {{"kind", "digit"}}},
                         {"/networks/generator/layers/0/inputs", {"z", "digit", "second"}}}),
                {kGenerator + ": a generator takes one digit"});
}

TEST_CASE("discriminators take one image, perhaps its digit, no noise") {
  CHECK_NOTHROW(Parsed(ConditionalDiscriminator()));
  CheckMentions(Refusal({{kDiscriminator + "/image", {{"kind", "digit"}}}}),
                {kDiscriminator + ": a discriminator needs exactly one input of kind \"image\""});
  Changes noisy = ConditionalDiscriminator();
  noisy[0].second = {{"kind", "latent"}, {"size", 3}};
  CheckMentions(Refusal(noisy), {kDiscriminator + ": a discriminator takes no latent"});
  Changes unmatched = ConditionalDiscriminator();
  unmatched.push_back({kGenerator + "/digit", {{"kind", "latent"}, {"size", 3}}});
  CheckMentions(Refusal(unmatched), {kDiscriminator + ": a digit here needs one in the generator"});
}

TEST_CASE("losses on digits need digits") {
  const Json latent = {{"kind", "latent"}, {"size", 2}};
  for (const char* loss : {"digit_or_zeros", "softmax"}) {
    CHECK_NOTHROW(Parsed({{"/training/loss/type", loss}}));
    CheckMentions(Refusal({{"/training/loss/type", loss}, {kGenerator + "/digit", latent}}),
                  {"/training/loss/type: ", loss, "needs to know each fake's digit"});
    CheckMentions(Refusal({{"/training/loss/type", loss},
                           {kGenerator + "/digit", latent},
                           {"/data/digits", {1, 2}}}),
                  {"/training/loss/type: "});
    CHECK_NOTHROW(Parsed({{"/training/loss/type", loss},
                          {kGenerator + "/digit", latent},
                          {"/data/digits", Json::array({4})}}));
  }
}

TEST_CASE("hinge has no targets to smooth") {
  CheckMentions(Refusal({{"/training/loss", {{"type", "hinge"}, {"label_smoothing", 0.1}}}}),
                {"/training/loss/label_smoothing: must be 0"});
}

}  // namespace
}  // namespace numeral
