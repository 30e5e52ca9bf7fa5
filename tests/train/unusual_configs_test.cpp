// Legal configs off the beaten track: they run, fused and unfused alike, and read nothing
// unwritten.
#include <cmath>

#include "config/parse.h"
#include "tests/catch.h"
#include "tests/train/synthetic_data.h"
#include "tests/util/expect_error.h"
#include "train/session.h"

namespace numeral {
namespace {

struct Case {
  const char* what;
  const char* generator;
  const char* discriminator;
  const char* training;
};

constexpr const char* kG = R"({"inputs": {"z": {"kind": "latent", "size": 5}}, "layers": [
  {"type": "dense", "units": 784}, {"type": "tanh"}, {"type": "reshape", "shape": [28, 28, 1]}]})";
constexpr const char* kD = R"({"inputs": {"image": {"kind": "image"}}, "layers": [
  {"type": "flatten"}, {"type": "dense", "units": 1}]})";

const Case kCases[] = {
    {"an output that is flattened and reshaped",
     R"({"inputs": {"z": {"kind": "latent", "size": 5}}, "layers": [
       {"type": "dense", "units": 784}, {"type": "flatten"},
       {"type": "reshape", "shape": [28, 28, 1]}]})",
     kD, R"({"batch_size": 8})"},
    {"a convolution's output flattened and reshaped",
     R"({"inputs": {"z": {"kind": "latent", "size": 4}}, "layers": [
       {"type": "reshape", "shape": [2, 2, 1]}, {"type": "upsample", "factor": 7},
       {"type": "conv", "filters": 4, "kernel": 3, "padding": "same"}, {"type": "flatten"},
       {"type": "reshape", "shape": [28, 28, 1]}]})",
     kD, R"({"batch_size": 8})"},
    {"a latent reshaped at once, in another order",
     R"({"inputs": {"z": {"kind": "latent", "size": 98}}, "layers": [
       {"type": "reshape", "shape": [7, 7, 2]}, {"type": "upsample", "factor": 4},
       {"type": "conv", "filters": 1, "kernel": 1}]})",
     kD, R"({"batch_size": 8, "order": "discriminator_first"})"},
    {"inputs and layers called as the plan's own tensors",
     R"({"inputs": {"images": {"kind": "latent", "size": 3}, "digits": {"kind": "latent", "size": 2}},
       "layers": [
       {"name": "logits", "type": "concat", "inputs": ["images", "digits"]},
       {"name": "grad", "type": "dense", "units": 784},
       {"name": "params", "type": "reshape", "shape": [28, 28, 1]}]})",
     R"({"inputs": {"image": {"kind": "image"}}, "layers": [
       {"name": "logits", "type": "conv", "filters": 1, "kernel": 3},
       {"name": "real", "type": "global_max_pool"}]})",
     R"({"batch_size": 8, "order": "discriminator_first"})"},
    {"a conditional discriminator with a short last batch",
     R"({"inputs": {"z": {"kind": "latent", "size": 5}, "digit": {"kind": "digit"}}, "layers": [
       {"name": "joined", "type": "concat", "inputs": ["z", "digit"]},
       {"type": "dense", "units": 784}, {"type": "reshape", "shape": [28, 28, 1]}]})",
     R"({"inputs": {"image": {"kind": "image"}, "digit": {"kind": "digit"}}, "layers": [
       {"name": "pooled", "type": "max_pool", "kernel": 4, "inputs": ["image"]},
       {"name": "flat", "type": "flatten"},
       {"name": "joined", "type": "concat", "inputs": ["flat", "digit"]},
       {"type": "dense", "units": 6}, {"type": "batch_norm"}, {"type": "relu"},
       {"name": "score", "type": "dense", "units": 1}]})",
     R"({"batch_size": 8, "order": "discriminator_first", "discriminator_steps": 2,
         "generator_batch_size": 5})"},
    {"batches of one image", kG, kD, R"({"batch_size": 1, "order": "generator_first"})"},
    {"more batch than data", kG, kD, R"({"batch_size": 500})"},
    {"one input used twice",
     R"({"inputs": {"z": {"kind": "latent", "size": 5}}, "layers": [
       {"name": "a", "type": "dense", "units": 784},
       {"name": "b", "type": "multiply", "inputs": ["a", "a"]},
       {"name": "c", "type": "add", "inputs": ["a", "b", "a"]},
       {"type": "reshape", "shape": [28, 28, 1]}]})",
     kD, R"({"batch_size": 8})"},
};

Config ConfigOf(const Case& c) {
  Json json{
      {"networks",
       {{"generator", Json::parse(c.generator)}, {"discriminator", Json::parse(c.discriminator)}}},
      {"training", Json::parse(c.training)},
      {"output", {{"grid", {2, 3}}, {"accuracy_every", 1}}}};
  json["training"]["epochs"] = 2;
  return ParseConfig(json, c.what, "unusual");
}

// Losses of the steps, the accuracies of a check, and the pixels of a sample.
std::vector<float> Outcome(const Config& config, bool fuse) {
  const auto engine = MakeCpuEngine({.poison = true});
  Session session(config, SyntheticData(20, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), *engine, fuse);
  session.Initialise();
  std::vector<float> outcome;
  for (int64_t step = 0; step < session.total_steps(); ++step) {
    session.Step(step);
    const std::vector<float> ring = session.Metrics();
    outcome.push_back(ring[static_cast<size_t>(step) * kMetricCount]);
    if (GeneratorStep(config, step)) {
      outcome.push_back(ring[static_cast<size_t>(step) * kMetricCount + 1]);
    }
  }
  for (const double accuracy : session.CheckAccuracy()) {
    outcome.push_back(static_cast<float>(accuracy));
  }
  GeneratorInputs inputs{6, {}, {}};
  for (const InputSpec& input : config.generator.inputs) {
    if (input.kind == InputSpec::Kind::kLatent) {
      inputs.latents.emplace_back(static_cast<size_t>(input.shape.c) * 6, 0.5f);
    }
  }
  if (session.networks()[0].FindInput(InputSpec::Kind::kDigit) >= 0) {
    inputs.digits = {0, 1, 2, 3, 4, 5};
  }
  for (const uint8_t pixel : session.Sample(inputs))
    outcome.push_back(static_cast<float>(pixel) / 255);
  return outcome;
}

}  // namespace

TEST_CASE("unusual configs run, fused and unfused alike") {
  for (const Case& c : kCases) {
    INFO(c.what);
    const Config config = ConfigOf(c);
    const std::vector<float> fused = Outcome(config, true), unfused = Outcome(config, false);
    REQUIRE(fused.size() == unfused.size());
    int wrong = 0;
    for (size_t i = 0; i < fused.size(); ++i) {
      // One grey level, or the drift of a few steps of Adam on rounded gradients.
      wrong += std::isfinite(fused[i]) && std::abs(fused[i] - unfused[i]) <= 0.005f ? 0 : 1;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("configs that cannot train are refused") {
  const auto refusal = [](const Config& config) {
    return MessageOf(ErrorKind::kBadInput, [&] { Outcome(config, true); });
  };
  Config no_weights = ConfigOf({"x",
                                R"({"inputs": {"z": {"kind": "latent", "size": 784}}, "layers": [
                                  {"type": "reshape", "shape": [28, 28, 1]}]})",
                                kD, R"({"batch_size": 8})"});
  CheckMentions(refusal(no_weights), {"/networks/generator", "trained"});
  Config tf32 = ConfigOf({"x", kG, kD, R"({"batch_size": 8})"});
  tf32.precision = Precision::kTf32;
  CheckMentions(refusal(tf32), {"/precision", "fp32", "tf32"});
  Config huge = ConfigOf({"x",
                          R"({"inputs": {"z": {"kind": "latent", "size": 4}}, "layers": [
                            {"type": "reshape", "shape": [2, 2, 1]},
                            {"type": "upsample", "factor": 64}, {"type": "upsample", "factor": 64},
                            {"type": "upsample", "factor": 64}]})",
                          kD, R"({"batch_size": 8})"});
  CheckMentions(refusal(huge), {"/layers/3", "elements"});
}

}  // namespace numeral
