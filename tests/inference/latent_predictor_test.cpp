// Latents of a predictor against naive loops in double, alone and in company.
#include "inference/latent_predictor.h"

#include <cmath>

#include "config/parse.h"
#include "inference/noise.h"
#include "tests/catch.h"
#include "tests/util/expect_error.h"
#include "util/random.h"

namespace numeral {
namespace {

constexpr int kSize = 5;

constexpr const char* kMean = R"({"inputs": {"digit": {"kind": "digit"}},
  "layers": [{"type": "dense", "units": 7}, {"type": "tanh"}, {"type": "dense", "units": 5}]})";
constexpr const char* kFlow = R"({
  "inputs": {"digit": {"kind": "digit"}, "noise": {"kind": "latent", "size": 5},
             "time": {"kind": "time"}},
  "layers": [{"name": "all", "type": "concat", "inputs": ["time", "noise", "digit"]},
             {"type": "dense", "units": 7}, {"type": "tanh"}, {"type": "dense", "units": 5}]})";

NetworkDescription Described(const std::string& network) {
  return {ParseNetwork(Json::parse(network), "latent_predictor", Convention::kPyTorch, "l"),
          Convention::kPyTorch,
          {-1, 1}};
}

// Weight, bias, weight, bias.
NetworkValues ValuesOf(const NetworkDescription& description) {
  return InitialNetworkValues(BuildGraph(description.network, Convention::kPyTorch, "l"), 5);
}

// What the network gives for the features of its first dense layer.
std::vector<double> Naive(const NetworkValues& values, const std::vector<double>& features) {
  const auto dense = [](const std::vector<double>& x, const std::vector<float>& weight,
                        const std::vector<float>& bias) {
    std::vector<double> y(bias.begin(), bias.end());
    for (size_t i = 0; i < y.size(); ++i) {
      for (size_t j = 0; j < x.size(); ++j) {
        y[i] += static_cast<double>(weight[i * x.size() + j]) * x[j];
      }
    }
    return y;
  };
  std::vector<double> hidden = dense(features, values[0], values[1]);
  for (double& value : hidden) value = std::tanh(value);
  return dense(hidden, values[2], values[3]);
}

std::vector<double> OneHotOf(int digit) {
  std::vector<double> features(10, 0.0);
  features[static_cast<size_t>(digit)] = 1;
  return features;
}

// Small Euler steps, many of them: another method, and no step of it shared.
std::vector<double> FollowedNaively(const NetworkValues& values, int digit,
                                    std::vector<double> place, double guidance) {
  constexpr int kSteps = 20000;
  for (int step = 0; step < kSteps; ++step) {
    std::vector<double> features{static_cast<double>(step) / kSteps};
    features.insert(features.end(), place.begin(), place.end());
    for (const double value : OneHotOf(digit)) features.push_back(value);
    const std::vector<double> velocity = Naive(values, features);
    for (size_t i = 0; i < place.size(); ++i) place[i] += guidance * velocity[i] / kSteps;
  }
  return place;
}

std::vector<int32_t> Digits(int count) {
  std::vector<int32_t> digits;
  for (int i = 0; i < count; ++i) digits.push_back((7 * i + 3) % 10);
  return digits;
}

}  // namespace

TEST_CASE("a predictor without noise gives the network's answer to the digit", "[predictor]") {
  const NetworkDescription description = Described(kMean);
  const NetworkValues values = ValuesOf(description);
  const auto engine = MakeCpuEngine({.poison = true});
  LatentPredictor predictor(description, values, *engine, "l.bin");
  CHECK(predictor.latent_size() == kSize);
  CHECK_FALSE(predictor.varied());
  const std::vector<int32_t> digits = Digits(303);
  const std::vector<float> latents = predictor.Predict(digits, 1, 0);
  REQUIRE(latents.size() == digits.size() * kSize);
  for (size_t row = 0; row < digits.size(); ++row) {
    const std::vector<double> expected = Naive(values, OneHotOf(digits[row]));
    for (size_t i = 0; i < kSize; ++i) {
      CHECK(latents[row * kSize + i] == Approx(expected[i]).margin(2e-6));
    }
  }
  CHECK(predictor.Predict(digits, 9, 40) == latents);
  CHECK(predictor.Predict({}, 1, 0).empty());
}

TEST_CASE("a predictor with noise follows the network's velocity", "[predictor]") {
  const NetworkDescription description = Described(kFlow);
  const NetworkValues values = ValuesOf(description);
  const auto engine = MakeCpuEngine({.poison = true});
  LatentPredictor predictor(description, values, *engine, "l.bin");
  CHECK(predictor.varied());
  const std::vector<int32_t> digits = Digits(6);
  constexpr uint64_t kSeed = 11;
  constexpr int64_t kFirst = 248;  // across two phases
  for (const double guidance : {1.0, 2.5}) {
    const std::vector<float> latents = predictor.Predict(digits, kSeed, kFirst, guidance);
    REQUIRE(latents.size() == digits.size() * kSize);
    for (size_t row = 0; row < digits.size(); ++row) {
      std::vector<double> place;
      for (size_t i = 0; i < kSize; ++i) {
        place.push_back(DrawNormal(kSeed, StreamId("predict"), 0, (kFirst + row) * kSize + i));
      }
      const std::vector<double> expected = FollowedNaively(values, digits[row], place, guidance);
      double way = 0;
      for (size_t i = 0; i < kSize; ++i) {
        CHECK(latents[row * kSize + i] == Approx(expected[i]).margin(4e-3));
        way = std::max(way, std::abs(expected[i] - place[i]));
      }
      CHECK(way > 0.05);
    }
  }
}

TEST_CASE("a predicted latent does not depend on its company", "[predictor]") {
  const NetworkDescription description = Described(kFlow);
  const auto engine = MakeCpuEngine({.poison = true});
  LatentPredictor predictor(description, ValuesOf(description), *engine, "l.bin");
  const std::vector<int32_t> digits = Digits(521);
  const std::vector<float> all = predictor.Predict(digits, 3, 1000);
  for (const int64_t first : {0, 1, 249, 250, 517}) {
    const auto begin = digits.begin() + first;
    const auto count = std::min<int64_t>(4, 521 - first);
    const std::vector<float> few = predictor.Predict({begin, begin + count}, 3, 1000 + first);
    const std::vector<float> same(all.begin() + first * kSize,
                                  all.begin() + (first + count) * kSize);
    CHECK(few == same);
  }
  CHECK(predictor.Predict(digits, 3, 1000) == all);
  CHECK(predictor.Predict(digits, 4, 1000) != all);
  CHECK(predictor.Predict(digits, 3, 1001) != all);
}

TEST_CASE("networks that predict no latents are refused", "[predictor]") {
  const auto engine = MakeCpuEngine();
  const auto refusal = [&](const std::string& network) {
    const NetworkDescription description = Described(network);
    return MessageOf(ErrorKind::kBadInput, [&] {
      LatentPredictor(description, ValuesOf(description), *engine, "x.bin");
    });
  };
  CheckMentions(refusal(R"({"inputs": {"z": {"kind": "latent", "size": 4}},
                            "layers": [{"type": "dense", "units": 4}]})"),
                {"x.bin", "no latent predictor"});
  CheckMentions(refusal(R"({"inputs": {"x": {"kind": "image"}},
                            "layers": [{"type": "flatten"}, {"type": "dense", "units": 10}]})"),
                {"x.bin", "no latent predictor"});
  CheckMentions(refusal(R"({"inputs": {"digit": {"kind": "digit"}}, "layers": [
                            {"type": "dense", "units": 784},
                            {"type": "reshape", "shape": [28, 28, 1]}]})"),
                {"x.bin", "28x28x1"});
  std::string narrow = kFlow;
  narrow.replace(narrow.find("\"size\": 5"), 9, "\"size\": 4");
  CheckMentions(refusal(narrow), {"x.bin", "no latent"});
}

TEST_CASE("rows of noise are the same in any company", "[predictor]") {
  const InputSpec normal{"z", InputSpec::Kind::kLatent, Shape::Flat(3)};
  InputSpec uniform = normal;
  uniform.distribution = InputSpec::Distribution::kUniform;
  const std::vector<float> all = DrawNoise(normal, 7, "s", 2, 0, 20);
  for (size_t i = 0; i < all.size(); ++i) CHECK(all[i] == DrawNormal(7, StreamId("s"), 2, i));
  CHECK(DrawNoise(normal, 7, "s", 2, 5, 4) == std::vector<float>(&all[15], &all[15] + 12));
  const std::vector<float> flat = DrawNoise(uniform, 7, "s", 2, 5, 4);
  for (size_t i = 0; i < flat.size(); ++i) {
    CHECK(flat[i] == SignedUnitFromBits(DrawBits(7, StreamId("s"), 2, 15 + i)));
  }
  const int64_t most = (int64_t{1} << 34) / 3;
  CHECK(DrawNoise(normal, 7, "s", 2, most - 1, 1).size() == 3);
  CheckMentions(MessageOf(ErrorKind::kFailure, [&] { DrawNoise(normal, 7, "s", 2, most, 1); }),
                {"one seed"});
}

}  // namespace numeral
