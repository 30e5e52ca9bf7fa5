#include "tests/config/config_json.h"

namespace numeral {
namespace {

using Kind = InitSpec::Kind;

BatchNormSpec BatchNorm(Convention convention, const std::string& keys = "") {
  return std::get<BatchNormSpec>(LayerOf(R"({"type": "batch_norm")" + keys + "}", convention).op);
}

TEST_CASE("what a file leaves out is what spec.h says") {
  const Config config = Parsed({});
  const Config plain;
  CHECK(config.seed == plain.seed);
  CHECK(config.convention == plain.convention);
  CHECK(config.precision == plain.precision);
  CHECK(config.data == plain.data);
  CHECK(config.training == plain.training);
  CHECK(config.output == plain.output);
}

TEST_CASE("PyTorch's defaults") {
  const AdamSpec adam = Parsed({}).training.discriminator;
  CHECK(adam == AdamSpec{1e-3, 0.9, 0.999, 1e-8, false, {}});
  const BatchNormSpec norm = BatchNorm(Convention::kPyTorch);
  CHECK(norm == BatchNormSpec{1e-5, 0.9, true, InitSpec{Kind::kOnes}, InitSpec{Kind::kZeros}});
  CHECK(BatchNorm(Convention::kPyTorch, ", \"momentum\": 0.25").keep == 0.75);
  CHECK(std::get<LeakyReluSpec>(LayerOf(R"({"type": "leaky_relu"})").op).slope == 0.01);
  const auto dense = std::get<DenseSpec>(LayerOf(R"({"type": "dense", "units": 3})").op);
  CHECK(dense ==
        DenseSpec{3, true, InitSpec{Kind::kKaimingUniform}, InitSpec{Kind::kKaimingUniform}});
}

TEST_CASE("Keras's defaults") {
  const Convention keras = Convention::kKeras;
  const AdamSpec adam = Parsed({{"/convention", "keras"}}).training.generator;
  CHECK(adam == AdamSpec{1e-3, 0.9, 0.999, 1e-7, true, {}});
  const BatchNormSpec norm = BatchNorm(keras);
  CHECK(norm == BatchNormSpec{1e-3, 0.99, false, InitSpec{Kind::kOnes}, InitSpec{Kind::kZeros}});
  CHECK(BatchNorm(keras, ", \"momentum\": 0.25").keep == 0.25);
  CHECK(std::get<LeakyReluSpec>(LayerOf(R"({"type": "leaky_relu"})", keras).op).slope == 0.3);
  const auto conv =
      std::get<ConvSpec>(LayerOf(R"({"type": "conv", "filters": 3, "kernel": 2})", keras).op);
  CHECK(conv.weight_init == InitSpec{Kind::kGlorotUniform});
  CHECK(conv.bias_init == InitSpec{Kind::kZeros});
  CHECK(conv.bias);
}

TEST_CASE("the convention of the file reaches its layers") {
  const auto slope = [](const Config& config) {
    return std::get<LeakyReluSpec>(config.discriminator.layers[1].op).slope;
  };
  CHECK(slope(Parsed({})) == 0.01);
  CHECK(slope(Parsed({{"/convention", "keras"}})) == 0.3);
}

TEST_CASE("layers without keys, and those with a factor or a rate") {
  CHECK(std::holds_alternative<ReluSpec>(LayerOf(R"({"type": "relu"})").op));
  CHECK(std::holds_alternative<TanhSpec>(LayerOf(R"({"type": "tanh"})").op));
  CHECK(std::holds_alternative<SigmoidSpec>(LayerOf(R"({"type": "sigmoid"})").op));
  CHECK(std::holds_alternative<FlattenSpec>(LayerOf(R"({"type": "flatten"})").op));
  CHECK(std::holds_alternative<GlobalMaxPoolSpec>(LayerOf(R"({"type": "global_max_pool"})").op));
  CHECK(std::get<DropoutSpec>(LayerOf(R"({"type": "dropout"})").op).rate == 0.5);
  CHECK(std::get<UpsampleSpec>(LayerOf(R"({"type": "upsample"})").op).factor == 2);
  CHECK(std::get<PixelShuffleSpec>(LayerOf(R"({"type": "pixel_shuffle"})").op).factor == 2);
}

TEST_CASE("every choice means the value of that name") {
  using Order = TrainingSpec::Order;
  CHECK(Parsed({{"/training/order", "generator_first"}}).training.order == Order::kGeneratorFirst);
  CHECK(Parsed({{"/training/order", "simultaneous"}}).training.order == Order::kSimultaneous);
  CHECK(Parsed({{"/precision", "tf32"}}).precision == Precision::kTf32);
  CHECK(Parsed({{"/precision", "bf16"}}).precision == Precision::kBf16);
  const auto loss = [](const char* type) {
    return Parsed({{"/training/loss/type", type}}).training.loss.kind;
  };
  CHECK(loss("bce") == LossKind::kBce);
  CHECK(loss("digit_or_zeros") == LossKind::kDigitOrZeros);
  CHECK(loss("softmax") == LossKind::kSoftmax);
  CHECK(loss("least_squares") == LossKind::kLeastSquares);
  CHECK(loss("hinge") == LossKind::kHinge);
  CHECK(Parsed({{"/training/loss/combine", "mean"}}).training.loss.average_real_fake);
  CHECK_FALSE(Parsed({{"/data/last_batch", "drop"}}).data.keep_last_batch);
  const auto schedule = [](const Json& json) {
    return Parsed({{"/training/optimizers/generator/schedule", json}}).training.generator.schedule;
  };
  using Schedule = ScheduleSpec::Kind;
  CHECK(schedule({{"type", "linear"}, {"start", 0.5}}) == ScheduleSpec{Schedule::kLinear, 0.5, 0});
  CHECK(schedule({{"type", "cosine"}, {"end", 0.1}}) == ScheduleSpec{Schedule::kCosine, 0, 0.1});
  CHECK(schedule({{"type", "constant"}}) == ScheduleSpec{});
}

}  // namespace
}  // namespace numeral
