// What a classifier makes of images, against the same network in naive loops and in double, whose
// order of features is PyTorch's by construction: [channel][row][column] throughout.
#include "inference/classifier.h"

#include <cmath>
#include <limits>
#include <map>

#include "plan/inference.h"
#include "tests/catch.h"
#include "tests/tolerance.h"
#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/random.h"

namespace numeral {
namespace {

using Values = std::vector<double>;

constexpr const char* kBody = R"([
  {"name": "conv", "type": "conv", "filters": 3, "kernel": 5, "stride": 3, "padding": 1},
  {"name": "norm", "type": "batch_norm", "epsilon": 0.01}, {"type": "relu"},
  {"type": "max_pool", "kernel": 2}])";

NetworkDescription Describe(const Json& tail, bool with_body) {
  Json layers = with_body ? Json::parse(kBody) : Json::array();
  layers.insert(layers.end(), tail.begin(), tail.end());
  Json json{{"layers", layers}};
  json["inputs"]["image"]["kind"] = "image";
  return {ParseNetwork(json, "classifier", Convention::kPyTorch, "test"),
          Convention::kPyTorch,
          {-0.5, 2}};
}

struct Made {
  NetworkDescription description;
  Graph graph;
  NetworkValues values;
  std::unique_ptr<Engine> engine = MakeCpuEngine({.poison = true});

  explicit Made(const char* tail, bool with_body = true)
      : description(Describe(Json::parse(tail), with_body)),
        graph(BuildGraph(description.network, description.convention, "test")),
        values(InitialNetworkValues(graph, 3)) {
    // Nothing of a batch norm is 0 or 1.
    for (size_t p = 0; p < values.size(); ++p) {
      if (graph.params[p].role == ParamRole::kWeight) continue;
      for (size_t i = 0; i < values[p].size(); ++i) {
        values[p][i] = 0.75f + 0.5f * SignedUnitFromBits(DrawBits(5, 1, p, i));
      }
    }
  }
  Values Of(const std::string& name) const {
    for (size_t i = 0; i < values.size(); ++i) {
      if (graph.params[i].name == name) return {values[i].begin(), values[i].end()};
    }
    throw std::runtime_error(name);
  }
  Readings Read(const std::vector<uint8_t>& pixels) const {
    return Classifier(description, values, *engine, "test").Read(pixels);
  }
};

Values Pixels(const std::vector<uint8_t>& pixels, int64_t image) {
  Values values;
  for (int i = 0; i < kImagePixels; ++i) {
    values.push_back(-0.5 + 2.5 * pixels[static_cast<size_t>(image * kImagePixels + i)] / 255);
  }
  return values;
}

// A convolution of a square map without padding is one of channels * side * side inputs.
Values Dense(const Values& in, const Values& weight, const Values& bias) {
  Values out = bias;
  for (size_t unit = 0; unit < out.size(); ++unit) {
    for (size_t i = 0; i < in.size(); ++i) out[unit] += weight[unit * in.size() + i] * in[i];
  }
  return out;
}

Values Relu(Values values) {
  for (double& value : values) value = std::max(0.0, value);
  return values;
}

// 28x28 to three maps of 9x9, normalised, positive, the largest of 2x2: [3][4][4].
Values Body(const Made& made, const Values& image) {
  const Values w = made.Of("conv.weight"), b = made.Of("conv.bias");
  const Values scale = made.Of("norm.weight"), shift = made.Of("norm.bias");
  const Values mean = made.Of("norm.running_mean"), variance = made.Of("norm.running_var");
  Values out(3 * 4 * 4, 0);  // no value after the ReLU is less
  for (int k = 0; k < 3; ++k) {
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        double sum = b[k];
        for (int r = 0; r < 5; ++r) {
          for (int s = 0; s < 5; ++s) {
            const int iy = 3 * y + r - 1, ix = 3 * x + s - 1;
            if (iy < 0 || ix < 0 || iy >= 28 || ix >= 28) continue;
            sum += w[k * 25 + r * 5 + s] * image[iy * 28 + ix];
          }
        }
        const double norm = scale[k] * (sum - mean[k]) / std::sqrt(variance[k] + 0.01) + shift[k];
        double& largest = out[k * 16 + y / 2 * 4 + x / 2];
        largest = std::max(largest, norm);
      }
    }
  }
  return out;
}

int CountWrong(const float* actual, const Values& expected, const Tolerance& tolerance) {
  int wrong = 0;
  for (size_t i = 0; i < expected.size(); ++i) wrong += !tolerance.Accepts(actual[i], expected[i]);
  return wrong;
}

// `forward` gives features and logits of an image.
template <typename Forward>
void CheckReadings(const Made& made, int features, int count, Forward forward) {
  const Dataset images = SyntheticImages(5, count);
  const Readings readings = made.Read(images.pixels);
  REQUIRE(readings.count == count);
  REQUIRE(readings.feature_count == features);
  REQUIRE(readings.features.size() == static_cast<size_t>(count * features));
  REQUIRE(readings.probabilities.size() == static_cast<size_t>(count * kDigits));
  REQUIRE(readings.digits.size() == static_cast<size_t>(count));
  int wrong = 0;
  for (int i = 0; i < count; ++i) {
    const auto [seen, logits] = forward(Pixels(images.pixels, i));
    REQUIRE(static_cast<int>(seen.size()) == features);
    const float* actual = readings.features.data() + i * features;
    wrong += CountWrong(actual, seen, tolerance::kStatistics);
    double sum = 0;
    Values probabilities;
    for (const double logit : logits) sum += std::exp(logit);
    for (const double logit : logits) probabilities.push_back(std::exp(logit) / sum);
    wrong += CountWrong(readings.probabilities.data() + i * kDigits, probabilities,
                        tolerance::kStatistics);
    const auto digit = std::max_element(logits.begin(), logits.end()) - logits.begin();
    wrong += readings.digits[static_cast<size_t>(i)] != digit;
  }
  CHECK(wrong == 0);
}

using Pair = std::pair<Values, Values>;

constexpr const char* kHidden = R"([
  {"type": "flatten"}, {"type": "dropout", "rate": 0.5},
  {"name": "hidden", "type": "dense", "units": 7}, {"type": "relu"},
  {"name": "last", "type": "dense", "units": 10}])";
constexpr const char* kSpatial = R"([
  {"type": "flatten"}, {"type": "dropout", "rate": 0.5},
  {"name": "last", "type": "dense", "units": 10}])";
constexpr const char* kConvolution = R"([
  {"name": "last", "type": "conv", "filters": 10, "kernel": 4}, {"type": "flatten"}])";

}  // namespace

TEST_CASE("digits, probabilities and features agree with naive loops", "[inference]") {
  for (const int count : {1, 251}) {
    INFO(count << " images");
    const Made hidden(kHidden);
    CheckReadings(hidden, 7, count, [&](const Values& image) {
      const Values flat = Body(hidden, image);
      const Values seen = Relu(Dense(flat, hidden.Of("hidden.weight"), hidden.Of("hidden.bias")));
      return Pair{seen, Dense(seen, hidden.Of("last.weight"), hidden.Of("last.bias"))};
    });
    // Where a flattened map, or the map itself, enters the last layer, its order matters.
    for (const char* tail : {kSpatial, kConvolution}) {
      const Made spatial(tail);
      CheckReadings(spatial, 48, count, [&](const Values& image) {
        const Values seen = Body(spatial, image);
        return Pair{seen, Dense(seen, spatial.Of("last.weight"), spatial.Of("last.bias"))};
      });
    }
    const Made linear(R"([{"type": "flatten"}, {"name": "last", "type": "dense", "units": 10}])",
                      false);
    CheckReadings(linear, kImagePixels, count, [&](const Values& image) {
      return Pair{image, Dense(image, linear.Of("last.weight"), linear.Of("last.bias"))};
    });
  }
}

TEST_CASE("fused and unfused classifiers agree", "[inference]") {
  for (const char* tail : {kHidden, kSpatial, kConvolution}) {
    const Made made(tail);
    std::vector<float> outcomes[2];
    for (const bool fuse : {false, true}) {
      const auto plan = std::make_shared<const Plan>(CompileClassifyPlan(
          made.graph,
          {.fuse = fuse, .conv_epilogue = fuse, .dense_epilogue = fuse, .sample_rows = 9}));
      const auto executable = made.engine->Compile(plan);
      WriteValues(*executable, *plan, made.graph, made.graph.name, made.values);
      executable->Enqueue(plan->FindPhase(PhaseKind::kPrepare, 0));
      std::vector<float> images(9 * kImagePixels);
      for (size_t i = 0; i < images.size(); ++i) images[i] = DrawNormal(1, 1, 0, i);
      executable->WriteAll(RequireTensor(*plan, "classify.images"), images);
      executable->Enqueue(plan->FindPhase(PhaseKind::kClassify, 9));
      for (const char* tensor : {"classify.logits", "classify.features"}) {
        const TensorId id = RequireTensor(*plan, tensor);
        const auto part = executable->ReadAll<float>(id, plan->tensor(id).elems());
        outcomes[fuse].insert(outcomes[fuse].end(), part.begin(), part.end());
      }
    }
    REQUIRE(outcomes[0].size() == 9u * (kDigits + static_cast<size_t>(FeatureCount(made.graph))));
    const Values unfused(outcomes[0].begin(), outcomes[0].end());
    CHECK(CountWrong(outcomes[1].data(), unfused, tolerance::kStatistics) == 0);
  }
}

TEST_CASE("ties go to the first digit, large answers stay finite", "[inference]") {
  Made made(kHidden);
  const std::vector<uint8_t> pixels = SyntheticImages(0, 2).pixels;
  std::vector<float>& weight = made.values[made.values.size() - 2];
  std::vector<float>& bias = made.values.back();
  REQUIRE(bias.size() == kDigits);
  std::fill(weight.begin(), weight.end(), 0.0f);
  std::fill(bias.begin(), bias.end(), 5.0f);
  Readings readings = made.Read(pixels);
  CHECK(readings.digits == std::vector<int>{0, 0});
  for (const float p : readings.probabilities) CHECK(p == 0.1f);
  bias[3] = bias[8] = 3e38f;
  readings = made.Read(pixels);
  CHECK(readings.digits == std::vector<int>{3, 3});
  for (size_t j = 0; j < kDigits; ++j) {
    CHECK(readings.probabilities[j] == (j == 3 || j == 8 ? 0.5f : 0.0f));
  }
  bias[3] = std::numeric_limits<float>::infinity();
  CheckMentions(MessageOf(ErrorKind::kFailure, [&] { made.Read(pixels); }),
                {"test", "image 0", "not finite"});
}

TEST_CASE("the share of errors counts digits that are read wrongly", "[inference]") {
  Readings readings;
  readings.digits = {1, 2, 3, 4};
  CHECK(ErrorShare(readings, {1, 2, 3, 4}) == 0);
  CHECK(ErrorShare(readings, {1, 2, 4, 4}) == 0.25);
  CHECK(ErrorShare(readings, {0, 0, 0, 0}) == 1);
  MessageOf(ErrorKind::kFailure, [&] { ErrorShare(readings, {1, 2, 3}); });
}

TEST_CASE("what reads no digits is refused", "[inference]") {
  const TempFolder folder;
  WriteGenerator(folder.path() / "g.bin", true, 1);
  const auto engine = MakeCpuEngine();
  const Weights generator = LoadWeights(folder.path() / "g.bin");
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { Classifier(generator, *engine); }),
                {"g.bin", "no classifier"});
  for (const char* tail : {R"([{"type": "flatten"}, {"type": "dense", "units": 9}])",
                           R"([{"type": "conv", "filters": 10, "kernel": 4}])"}) {
    CheckMentions(MessageOf(ErrorKind::kBadInput,
                            [&] {
                              const Made made(tail);
                              made.Read({});
                            }),
                  {"test", "10 flat features"});
  }
}

}  // namespace numeral
