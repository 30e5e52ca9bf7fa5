#include "tests/config/config_json.h"

namespace numeral {
namespace {

const std::string kLayer = "/networks/discriminator/layers/0";

TEST_CASE("values of a wrong type are refused, saying what was expected and found") {
  CHECK(Refusal({{"/training/epochs", "ten"}}) ==
        "x.json: /training/epochs: expected an integer in [1, 1000000], got the string \"ten\"");
  CheckMentions(Refusal({{"/training/ema", Json::array({1, 2})}}),
                {"/training/ema: expected a number in [0, 1), got a list of 2"});
  CheckMentions(Refusal({{"/description", 3}}), {"/description: expected a string, got 3"});
  CheckMentions(Refusal({{"/$schema", 3}}), {"/$schema: expected a string, got 3"});
  CheckMentions(Refusal({{kLayer + "/bias", "no"}}), {kLayer + "/bias: expected true or false"});
  CheckMentions(Refusal({{"/data", 1}}), {"/data: expected an object, got 1"});
  CheckMentions(Refusal({{"/training", nullptr}}), {"/training: expected an object, got null"});
  CheckMentions(Refusal({{"/convention", true}}), {"/convention: expected a string, got true"});
  CheckMentions(Refusal({{"/networks/generator/layers", 1}}),
                {"/networks/generator/layers: expected a list"});
  CheckMentions(Refusal({{kLayer, "conv"}}), {kLayer + ": expected an object"});
  CheckMentions(MessageOf(ErrorKind::kBadInput, [] { ParseConfig(Json(1), "x.json", "x"); }),
                {"x.json: expected an object, got 1"});
}

TEST_CASE("integers are integral and in range") {
  CHECK(Parsed({{"/training/epochs", 1e3}}).training.epochs == 1000);
  CHECK(Parsed({{"/data/limit", 1000000000}}).data.limit == 1000000000);
  CheckMentions(Refusal({{"/training/epochs", 2.5}}), {"/training/epochs: ", "got 2.5"});
  CheckMentions(Refusal({{"/training/epochs", 0}}), {"/training/epochs: ", "got 0"});
  CheckMentions(Refusal({{"/training/epochs", 1000001}}), {"/training/epochs: "});
  CheckMentions(Refusal({{"/training/epochs", 1e300}}), {"/training/epochs: "});
  CheckMentions(Refusal({{"/training/batch_size", UINT64_MAX}}), {"/training/batch_size: "});
  CheckMentions(Refusal({{"/training/batch_size", INT64_MIN}}), {"/training/batch_size: "});
  CheckMentions(Refusal({{"/training/batch_size", 65537}}), {"/training/batch_size: "});
  CheckMentions(Refusal({{"/networks/generator/layers/1/units", (1 << 24) + 1}}),
                {"/networks/generator/layers/1/units: "});
  CheckMentions(Refusal({{kLayer + "/kernel", 65}}), {kLayer + "/kernel: "});
  CheckMentions(Refusal({{"/networks/generator/inputs/z/size", 0}}), {"/inputs/z/size: "});
}

TEST_CASE("numbers are in range, open ends excluded") {
  CHECK(Parsed({{"/training/ema", 0}}).training.ema_decay == 0);
  CheckMentions(Refusal({{"/training/ema", 1}}), {"/training/ema: "});
  CheckMentions(Refusal({{"/training/loss/label_smoothing", -0.1}}), {"/label_smoothing: "});
  const std::string adam = "/training/optimizers/generator";
  CheckMentions(Refusal({{adam + "/learning_rate", 0}}), {adam + "/learning_rate: "});
  CheckMentions(Refusal({{adam + "/beta2", 1}}), {adam + "/beta2: "});
  CheckMentions(LayerRefusal(R"({"type": "dropout", "rate": 1})"), {"/layers/0/rate: "});
  CheckMentions(LayerRefusal(R"({"type": "batch_norm", "epsilon": 0})"), {"/layers/0/epsilon: "});
}

TEST_CASE("seeds have 64 bits") {
  CHECK(Parsed({{"/seed", UINT64_MAX}}).seed == UINT64_MAX);
  CHECK(Parsed({{"/seed", 0}}).seed == 0);
  CheckMentions(Refusal({{"/seed", -1}}), {"/seed: expected an integer in [0, 2^64 - 1], got -1"});
  CheckMentions(Refusal({{"/seed", 1.5}}), {"/seed: "});
  const std::string text = "18446744073709551616";  // 2^64 reads as a double
  CheckMentions(Refusal({{"/seed", ParseJsonText(text, "x")}}), {"/seed: "});
}

TEST_CASE("choices suggest the nearest") {
  CHECK(Refusal({{"/training/order", "simultanous"}}) ==
        "x.json: /training/order: unknown value \"simultanous\"; did you mean \"simultaneous\"?");
  CheckMentions(Refusal({{"/convention", "Keras"}}), {"did you mean \"keras\"?"});
  CheckMentions(Refusal({{"/precision", "double"}}), {"known here: \"fp32\", \"tf32\", \"bf16\""});
  CheckMentions(Refusal({{"/training/optimizers/generator/type", "sgd"}}), {"\"adam\""});
  CheckMentions(LayerRefusal(R"({"type": "conv2d", "filters": 1})"),
                {"/layers/0/type: unknown value \"conv2d\"; did you mean \"conv\"?"});
  CheckMentions(LayerRefusal(R"({"type": "dense", "units": 1, "weight_init": "glorot"})"),
                {"/layers/0/weight_init: unknown value \"glorot\""});
}

TEST_CASE("missing keys are named") {
  CheckMentions(LayerRefusal(R"({"type": "dense"})"),
                {"/layers/0: \"units\" is missing ([1, 16777216])"});
  CheckMentions(LayerRefusal(R"({"units": 1})"), {"/layers/0: \"type\" is missing"});
  CheckMentions(Refusal({{"/networks/generator/inputs/z", Json::object()}}),
                {"/networks/generator/inputs/z: \"kind\" is missing"});
  CheckMentions(MessageOf(ErrorKind::kBadInput, [] { ParseConfig(Json::object(), "x.json", "x"); }),
                {"x.json: \"networks\" is missing"});
}

TEST_CASE("sizes and paddings have several forms") {
  using Pair = std::array<int, 2>;
  using Sides = std::array<int, 4>;
  const auto conv = [](const std::string& keys) {
    return std::get<ConvSpec>(
        LayerOf(R"({"type": "conv", "filters": 1, "kernel": )" + keys + "}").op);
  };
  CHECK(conv("3").kernel == Pair{3, 3});
  CHECK(conv("[3, 5]").kernel == Pair{3, 5});
  CHECK(conv("3, \"stride\": [1, 2]").stride == Pair{1, 2});
  CHECK(conv("3").padding.kind == Padding::Kind::kValid);
  CHECK(conv("3, \"padding\": \"same\"").padding.kind == Padding::Kind::kSame);
  CHECK(conv("3, \"padding\": 1").padding.kind == Padding::Kind::kExplicit);
  CHECK(conv("3, \"padding\": 1").padding.amount == Sides{1, 1, 1, 1});
  CHECK(conv("3, \"padding\": [1, 2]").padding.amount == Sides{1, 1, 2, 2});
  CHECK(conv("3, \"padding\": [1, 2, 3, 4]").padding.amount == Sides{1, 2, 3, 4});

  const std::string start = R"({"type": "conv", "filters": 1, "kernel": )";
  CheckMentions(LayerRefusal(start + "[3]}"), {"/layers/0/kernel: ", "a list of 1"});
  CheckMentions(LayerRefusal(start + "[3, 0]}"), {"/layers/0/kernel/1: "});
  CheckMentions(LayerRefusal(start + "3, \"padding\": \"full\"}"), {"/layers/0/padding: expected"});
  CheckMentions(LayerRefusal(start + "3, \"padding\": [1, 2, 3]}"), {"/layers/0/padding: "});
  CheckMentions(LayerRefusal(start + "3, \"padding\": -1}"), {"/layers/0/padding: "});
}

TEST_CASE("output padding needs explicit padding and stays below the stride") {
  const std::string start =
      R"({"type": "conv_transpose", "filters": 1, "kernel": 3, "stride": 2, )";
  const auto op =
      std::get<ConvTransposeSpec>(LayerOf(start + R"("padding": 1, "output_padding": [0, 1]})").op);
  CHECK(op.output_padding == std::array<int, 2>{0, 1});
  CHECK_NOTHROW(LayerOf(start + R"("padding": "same", "output_padding": 0})"));
  CheckMentions(LayerRefusal(start + R"("padding": "same", "output_padding": 1})"),
                {"/layers/0/output_padding: needs a padding given in numbers"});
  CheckMentions(LayerRefusal(start + R"("padding": 1, "output_padding": 2})"),
                {"/layers/0/output_padding: 2 is not smaller than the stride, 2"});
}

TEST_CASE("pool padding is smaller than the kernel") {
  const auto pool = std::get<MaxPoolSpec>(
      LayerOf(R"({"type": "max_pool", "kernel": [2, 3], "padding": [0, 1, 0, 2]})").op);
  CHECK(pool.stride == std::array<int, 2>{2, 3});
  CHECK(pool.padding == std::array<int, 4>{0, 1, 0, 2});
  CheckMentions(LayerRefusal(R"({"type": "max_pool", "kernel": 2, "padding": 2})"),
                {"/layers/0/padding: 2 is not smaller than the kernel, 2"});
  CheckMentions(LayerRefusal(R"({"type": "max_pool", "kernel": 2, "padding": "same"})"),
                {"/layers/0/padding: expected \"valid\""});
}

TEST_CASE("shapes are flat or spatial and bounded as a whole") {
  const auto shape = [](const std::string& text) {
    return std::get<ReshapeSpec>(LayerOf(R"({"type": "reshape", "shape": )" + text + "}").op).shape;
  };
  CHECK(shape("[784]") == Shape::Flat(784));
  CHECK(shape("[1, 1, 784]") == Shape::Spatial(1, 1, 784));
  CheckMentions(LayerRefusal(R"({"type": "reshape", "shape": [28, 28]})"), {"/layers/0/shape: "});
  CheckMentions(LayerRefusal(R"({"type": "reshape", "shape": 784})"), {"/layers/0/shape: "});
  CheckMentions(LayerRefusal(R"({"type": "reshape", "shape": [4097, 4096, 1]})"),
                {"/layers/0/shape: expected at most 16777216 elements"});
}

TEST_CASE("initialisations are names or objects") {
  const auto init = [](const std::string& text) {
    const auto layer = R"({"type": "dense", "units": 1, "weight_init": )" + text + "}";
    return std::get<DenseSpec>(LayerOf(layer).op).weight_init;
  };
  using Kind = InitSpec::Kind;
  CHECK(init("\"zeros\"") == InitSpec{Kind::kZeros});
  CHECK(init("{\"type\": \"ones\"}") == InitSpec{Kind::kOnes});
  CHECK(init("\"glorot_uniform\"") == InitSpec{Kind::kGlorotUniform});
  CHECK(init("{\"type\": \"kaiming_uniform\"}") == InitSpec{Kind::kKaimingUniform});
  CHECK(init("\"normal\"") == InitSpec{Kind::kNormal, 0, 1});
  CHECK(init(R"({"type": "normal", "mean": 1, "std": 0.02})") == InitSpec{Kind::kNormal, 1, 0.02});
  CHECK(init(R"({"type": "uniform", "bound": 0.5})") == InitSpec{Kind::kUniform, 0, 1, 0.5});
  const std::string start = R"({"type": "dense", "units": 1, "bias_init": )";
  CheckMentions(LayerRefusal(start + "1}"), {"/layers/0/bias_init: expected an object"});
  CheckMentions(LayerRefusal(start + R"({"type": "normal", "std": -1}})"),
                {"/layers/0/bias_init/std: "});
}

TEST_CASE("data and output values") {
  CHECK(Parsed({{"/data/digits", {9, 0}}}).data.digits == std::vector<int>{9, 0});
  CheckMentions(Refusal({{"/data/digits", {1, 2, 1}}}), {"/data/digits/2: 1 is given twice"});
  CheckMentions(Refusal({{"/data/digits", {10}}}), {"/data/digits/0: "});
  CheckMentions(Refusal({{"/data/digits", 1}}), {"/data/digits: expected a list"});
  CheckMentions(Refusal({{"/data/pixel_range", {1, -1}}}), {"/data/pixel_range: ", "[1, -1]"});
  CheckMentions(Refusal({{"/data/pixel_range", {0, 0}}}), {"/data/pixel_range: "});
  CheckMentions(Refusal({{"/data/pixel_range", {0}}}), {"/data/pixel_range: "});
  CheckMentions(Refusal({{"/output/grid", {0, 1}}}), {"/output/grid/0: "});
  CheckMentions(Refusal({{"/output/grid", {1, 101}}}), {"/output/grid/1: "});
  CheckMentions(Refusal({{"/output/grid", 4}}), {"/output/grid: expected a list of two"});
}

TEST_CASE("run names make good folders") {
  CHECK(Parsed({}).name == "x");
  CHECK(Parsed({{"/name", "a-1.b_C"}}).name == "a-1.b_C");
  for (const char* name : {"", "a/b", "..", ".a", "-a", "a b", "latest", "\xC3\xA9"}) {
    CheckMentions(Refusal({{"/name", name}}), {"x.json: /name: "});
  }
  CheckMentions(Refusal({{"/name", std::string(101, 'a')}}), {"/name: "});
  CheckMentions(
      MessageOf(ErrorKind::kBadInput, [] { ParseConfig(SmallConfig(), "my run.json", "my run"); }),
      {"my run.json: /name: \"my run\" cannot name a run"});
}

}  // namespace
}  // namespace numeral
