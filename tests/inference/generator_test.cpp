// A generator alone draws what the session that trained it draws, in whatever company.
#include "inference/generator.h"

#include <cmath>
#include <cstdlib>

#include "tests/catch.h"
#include "tests/reference/engine.h"
#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "train/session.h"

namespace numeral {
namespace {

// Latents of both kinds and a digit, transposed convolutions, batch norm.
constexpr const char* kNetwork = R"({
  "inputs": {"z": {"kind": "latent", "size": 5}, "digit": {"kind": "digit"},
             "u": {"kind": "latent", "size": 3, "distribution": "uniform"},
             "v": {"kind": "latent", "size": 5}},
  "layers": [
    {"name": "joined", "type": "concat", "inputs": ["z", "digit", "u", "v"]},
    {"type": "dense", "units": 147}, {"type": "batch_norm"}, {"type": "relu"},
    {"type": "reshape", "shape": [7, 7, 3]},
    {"type": "conv_transpose", "filters": 5, "kernel": 4, "stride": 2, "padding": 1},
    {"type": "leaky_relu", "slope": 0.2},
    {"type": "conv_transpose", "filters": 1, "kernel": 4, "stride": 2, "padding": 1},
    {"type": "tanh"}]})";

NetworkDescription Describe(const std::string& json, const std::string& role = "generator") {
  return {ParseNetwork(Json::parse(json), role, Convention::kPyTorch, "test"),
          Convention::kPyTorch,
          {-1, 1}};
}

struct Made {
  NetworkDescription description = Describe(kNetwork);
  Graph graph = BuildGraph(description.network, description.convention, "test");
  NetworkValues values;
  std::unique_ptr<Engine> engine = MakeCpuEngine({.poison = true});
  std::unique_ptr<Generator> generator;

  // Weights large enough for pictures that differ.
  explicit Made(float factor = 4) : values(InitialNetworkValues(graph, 7)) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (graph.params[i].role != ParamRole::kWeight) continue;
      for (float& value : values[i]) value *= factor;
    }
    generator = std::make_unique<Generator>(description, values, *engine, "test");
  }
};

// Image i of the inputs alone.
GeneratorInputs Only(const GeneratorInputs& all, int64_t i) {
  GeneratorInputs one{1, {}, {}};
  for (const std::vector<float>& latent : all.latents) {
    const int64_t size = static_cast<int64_t>(latent.size()) / all.count;
    one.latents.emplace_back(latent.begin() + i * size, latent.begin() + (i + 1) * size);
  }
  if (!all.digits.empty()) one.digits = {all.digits[static_cast<size_t>(i)]};
  return one;
}

std::vector<uint8_t> Image(const std::vector<uint8_t>& pixels, int64_t i) {
  const auto begin = pixels.begin() + i * kImagePixels;
  return {begin, begin + kImagePixels};
}

}  // namespace

TEST_CASE("an image does not depend on those drawn with it", "[inference]") {
  Made made;
  Generator& generator = *made.generator;
  for (const int count : {1, 3, 250, 251, 503}) {
    const auto inputs = generator.DrawInputs(11, count, 1, EveryDigit(count));
    const std::vector<uint8_t> all = generator.Draw(inputs);
    REQUIRE(all.size() == static_cast<size_t>(count) * kImagePixels);
    for (const int64_t i : {0, 1, 2, 124, 248, 249, 250, 499, 500, 502}) {
      if (i >= count) continue;
      INFO("image " << i << " of " << count);
      CHECK(generator.Draw(Only(inputs, i)) == Image(all, i));
    }
  }
  const auto inputs = generator.DrawInputs(11, 2, 1, EveryDigit(2));
  const auto both = generator.Draw(inputs);
  CHECK(Image(both, 0) != Image(both, 1));
}

TEST_CASE("more images begin with the same ones", "[inference]") {
  Made made;
  const Generator& generator = *made.generator;
  const auto few = generator.DrawInputs(3, 10, 1, EveryDigit(10));
  const auto many = generator.DrawInputs(3, 300, 1, EveryDigit(300));
  const auto scaled = generator.DrawInputs(3, 10, 1.5, EveryDigit(10));
  const auto other = generator.DrawInputs(4, 10, 1, EveryDigit(10));
  REQUIRE(few.latents.size() == 3);
  for (size_t latent = 0; latent < 3; ++latent) {
    const std::vector<float>& values = few.latents[latent];
    CHECK(values.size() == (latent == 1 ? 30u : 50u));
    for (size_t i = 0; i < values.size(); ++i) {
      CHECK(values[i] == many.latents[latent][i]);
      CHECK(scaled.latents[latent][i] == 1.5f * values[i]);
      CHECK(values[i] != other.latents[latent][i]);
      if (latent == 1) CHECK(std::abs(values[i]) <= 1);
    }
  }
  CHECK(few.latents[0] != few.latents[2]);  // two inputs of one kind draw their own
  double sum = 0, squares = 0;
  for (const float value : many.latents[0]) {
    sum += value;
    squares += value * value;
  }
  // 1,500 normal values: four deviations of their mean and of their variance.
  CHECK(std::abs(sum / 1500) < 0.11);
  CHECK(std::abs(squares / 1500 - 1) < 0.15);
}

TEST_CASE("latents may be drawn from any image on", "[inference]") {
  Made made;
  const Generator& generator = *made.generator;
  const auto all = generator.DrawInputs(3, 40, 1.2, EveryDigit(40));
  for (const int64_t first : {0, 1, 13, 39}) {
    const auto rest = generator.DrawInputs(3, 40 - first, 1.2, EveryDigit(40 - first), first);
    for (size_t input = 0; input < 3; ++input) {
      const int64_t size = input == 1 ? 3 : 5;
      CHECK(rest.latents[input] == std::vector<float>(all.latents[input].begin() + first * size,
                                                      all.latents[input].end()));
    }
  }
}

TEST_CASE("the latents of an image are one row", "[inference]") {
  Made made;
  Generator& generator = *made.generator;
  CHECK(generator.latent_size() == 13);
  const auto inputs = generator.DrawInputs(3, 4, 1, {3, 1, 4, 1});
  const std::vector<float> rows = generator.Join(inputs);
  REQUIRE(rows.size() == 4 * 13);
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = 0; j < 13; ++j) {
      const size_t input = j < 5 ? 0 : j < 8 ? 1 : 2, begin = j < 5 ? 0 : j < 8 ? 5 : 8;
      const size_t size = input == 1 ? 3 : 5;
      CHECK(rows[i * 13 + j] == inputs.latents[input][i * size + j - begin]);
    }
  }
  const GeneratorInputs back = generator.Split(rows, {3, 1, 4, 1});
  CHECK(back.count == 4);
  CHECK(back.latents == inputs.latents);
  CHECK(back.digits == inputs.digits);
  CHECK(generator.Draw(back) == generator.Draw(inputs));
  CHECK(generator.Join(generator.DrawInputs(3, 0, 1, {})).empty());
  CHECK(generator.Split({}, {}).count == 0);
  MessageOf(ErrorKind::kFailure, [&] { generator.Split(std::vector<float>(25), {1, 2}); });
}

TEST_CASE("digits and scale reach the picture", "[inference]") {
  Made made;
  Generator& generator = *made.generator;
  CHECK(generator.conditional());
  auto inputs = generator.DrawInputs(3, 2, 1, {4, 4});
  const auto fours = generator.Draw(inputs);
  inputs.digits = {4, 9};
  const auto changed = generator.Draw(inputs);
  CHECK(Image(changed, 0) == Image(fours, 0));
  CHECK(Image(changed, 1) != Image(fours, 1));
  CHECK(generator.Draw(generator.DrawInputs(3, 2, 2, {4, 4})) != fours);
  CHECK(EveryDigit(12) == std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1});
}

TEST_CASE("a generator alone draws what its session draws", "[inference]") {
  Json json = GanJson(true);
  json["networks"]["generator"] = Json::parse(kNetwork);
  json["data"]["pixel_range"] = {0, 1};
  json["output"]["grid"] = {3, 7};
  const Config config = ParseConfig(json, "generator_test", "gan");
  const auto engine = MakeCpuEngine({.poison = true});
  Session session(config, SyntheticImages(0, 44), *engine);
  session.Initialise();
  for (int step = 0; step < 6; ++step) session.Step(step);
  const Graph& graph = session.networks()[0];
  const TempFolder folder;
  session.SaveNetwork(graph, folder.path() / "g.bin");
  Generator generator(LoadWeights(folder.path() / "g.bin"), *engine);
  Generator unsaved(session.Describe(graph), session.Values(graph), *engine, "test");

  // The session samples the weights as they are; without an average they are those saved.
  const auto inputs = generator.DrawInputs(2, 43, 1, EveryDigit(43));
  const std::vector<uint8_t> drawn = generator.Draw(inputs);
  CHECK(unsaved.Draw(inputs) == drawn);
  const std::vector<uint8_t> sampled = session.Sample(inputs);
  REQUIRE(sampled.size() == drawn.size());
  int most = 0, different = 0;
  for (size_t i = 0; i < drawn.size(); ++i) {
    most = std::max(most, std::abs(drawn[i] - sampled[i]));
    different += drawn[i] != sampled[i];
  }
  CHECK(most <= 1);  // batches of 21 and of 250 may be summed in another order
  CHECK(different < static_cast<int>(drawn.size()) / 100);

  // Later weights replace the earlier ones wholly.
  for (int step = 6; step < 12; ++step) session.Step(step);
  unsaved.SetValues(session.Values(graph));
  CHECK(unsaved.Draw(inputs) != drawn);
  generator.SetValues(session.Values(graph));
  CHECK(unsaved.Draw(inputs) == generator.Draw(inputs));
}

TEST_CASE("another engine draws the same digits within a grey level", "[inference]") {
  Made made;
  reference::ReferenceEngine reference;
  Generator other(made.description, made.values, reference, "test");
  const auto inputs = made.generator->DrawInputs(8, 30, 1, EveryDigit(30));
  const std::vector<uint8_t> expected = other.Draw(inputs);
  const std::vector<uint8_t> drawn = made.generator->Draw(inputs);
  REQUIRE(drawn.size() == expected.size());
  int most = 0, different = 0;
  for (size_t i = 0; i < drawn.size(); ++i) {
    most = std::max(most, std::abs(drawn[i] - expected[i]));
    different += drawn[i] != expected[i];
  }
  CHECK(most <= 1);
  CHECK(different < static_cast<int>(drawn.size()) / 100);
}

TEST_CASE("what draws no digits is refused", "[inference]") {
  const auto engine = MakeCpuEngine();
  const auto refusal = [&](const NetworkDescription& description) {
    const Graph graph = BuildGraph(description.network, description.convention, "x.bin");
    const TempFolder folder;
    SaveWeights(folder.path() / "x.bin", description, graph, InitialNetworkValues(graph, 1));
    const Weights weights = LoadWeights(folder.path() / "x.bin");
    return MessageOf(ErrorKind::kBadInput, [&] { Generator generator(weights, *engine); });
  };
  CheckMentions(refusal(Describe(R"({"inputs": {"image": {"kind": "image"}}, "layers": [
                          {"type": "flatten"}, {"type": "dense", "units": 1}]})",
                                 "discriminator")),
                {"x.bin", "no generator"});
  CheckMentions(refusal(Describe(R"({"inputs": {"z": {"kind": "latent", "size": 3}}, "layers": [
                          {"type": "dense", "units": 784}]})")),
                {"x.bin", "784", "28x28x1"});
  CheckMentions(refusal(Describe(R"({"inputs": {"z": {"kind": "latent", "size": 3}}, "layers": [
                          {"type": "dense", "units": 1024},
                          {"type": "reshape", "shape": [32, 32, 1]}]})")),
                {"x.bin", "32x32x1", "28x28x1"});
}

TEST_CASE("images that are not finite are an error", "[inference]") {
  Made made;
  made.values[0][0] = std::numeric_limits<float>::infinity();
  made.generator->SetValues(made.values);
  MessageOf(ErrorKind::kFailure,
            [&] { made.generator->Draw(made.generator->DrawInputs(1, 3, 1, EveryDigit(3))); });
}

}  // namespace numeral
