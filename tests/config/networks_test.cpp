#include "tests/config/config_json.h"

namespace numeral {
namespace {

NetworkSpec NetworkOf(const std::string& layers) {
  return ParseNetwork(Network(ParseJsonText(layers, "layers")), "net", Convention::kPyTorch,
                      "net.json");
}

std::string NetworkRefusal(const std::string& layers) {
  return MessageOf(ErrorKind::kBadInput, [&] { NetworkOf(layers); });
}

std::vector<std::string> NamesOf(const NetworkSpec& network) {
  std::vector<std::string> names;
  for (const LayerSpec& layer : network.layers) names.push_back(layer.name);
  return names;
}

TEST_CASE("layers without a name are numbered by type, past names that are taken") {
  const NetworkSpec network = NetworkOf(R"([
    {"type": "relu"}, {"type": "tanh"}, {"type": "relu"}, {"type": "relu", "name": "relu_3"},
    {"type": "relu"}, {"type": "relu", "name": "last"}])");
  CHECK(NamesOf(network) ==
        std::vector<std::string>{"relu", "tanh", "relu_2", "relu_3", "relu_4", "last"});
  // A name written further down is taken too.
  CHECK(NamesOf(NetworkOf(R"([{"type": "relu"}, {"type": "tanh", "name": "relu"}])")) ==
        std::vector<std::string>{"relu_2", "relu"});
}

TEST_CASE("names are unique and clean") {
  CheckMentions(NetworkRefusal(R"([{"type": "relu", "name": "a"}, {"type": "tanh", "name": "a"}])"),
                {"net.json: /layers/1/name: \"a\" is already"});
  CheckMentions(NetworkRefusal(R"([{"type": "relu", "name": "x"}])"),
                {"/layers/0/name: \"x\" is already"});
  for (const char* name : {"", "a.b", "a b", "a/b", "\\u00e9", "a\\n"}) {
    CheckMentions(NetworkRefusal(fmt::format(R"([{{"type": "relu", "name": "{}"}}])", name)),
                  {"/layers/0/name: "});
  }
  CheckMentions(Refusal({{"/networks/generator/inputs/a b", {{"kind", "digit"}}}}),
                {"/networks/generator/inputs/a b: \"a b\" is no name"});
}

TEST_CASE("layers read the previous one unless told otherwise") {
  const NetworkSpec network = NetworkOf(R"([
    {"type": "relu"}, {"type": "tanh", "inputs": ["x"]},
    {"type": "add", "inputs": ["relu", "tanh"]}, {"type": "flatten"}])");
  CHECK(network.layers[0].inputs == std::vector<std::string>{"x"});
  CHECK(network.layers[1].inputs == std::vector<std::string>{"x"});
  CHECK(network.layers[2].inputs == std::vector<std::string>{"relu", "tanh"});
  CHECK(network.layers[3].inputs == std::vector<std::string>{"add"});
  CHECK(network.layers[3].pointer == "/layers/3");
  CHECK(Parsed({}).discriminator.layers[1].pointer == "/networks/discriminator/layers/1");
}

TEST_CASE("the first layer of a network with several inputs names its own") {
  CheckMentions(Refusal({{"/networks/generator/layers/0", {{"type", "dense"}, {"units", 1}}}}),
                {"/networks/generator/layers/0: \"inputs\" is missing: the network has 2 inputs"});
}

TEST_CASE("inputs are earlier layers or network inputs") {
  CheckMentions(NetworkRefusal(R"([{"type": "conv", "filters": 1, "kernel": 1, "name": "first"},
                                   {"type": "relu", "inputs": ["frist"]}])"),
                {"/layers/1/inputs/0: \"frist\" is no earlier layer or network input",
                 "did you mean \"first\"?"});
  CheckMentions(NetworkRefusal(R"([{"type": "relu", "inputs": ["tanh"]}, {"type": "tanh"}])"),
                {"/layers/0/inputs/0: \"tanh\" is no earlier layer"});
  CheckMentions(NetworkRefusal(R"([{"type": "relu", "inputs": ["relu"]}])"),
                {"/layers/0/inputs/0: \"relu\" is no earlier layer"});
  CheckMentions(NetworkRefusal(R"([{"type": "relu", "inputs": "x"}])"),
                {"/layers/0/inputs: expected a list of names"});
  CheckMentions(NetworkRefusal(R"([{"type": "relu", "inputs": [3]}])"), {"/layers/0/inputs/0: "});
}

TEST_CASE("joining layers take two inputs or more, all others one") {
  for (const char* type : {"concat", "multiply", "add"}) {
    CheckMentions(NetworkRefusal(fmt::format(R"([{{"type": "{}", "inputs": ["x"]}}])", type)),
                  {"/layers/0/inputs: ", type, "two or more inputs, got 1"});
    CheckMentions(NetworkRefusal(fmt::format(R"([{{"type": "{}"}}])", type)),
                  {"/layers/0: \"inputs\" is missing"});
  }
  CheckMentions(NetworkRefusal(R"([{"type": "relu", "inputs": ["x", "x"]}])"),
                {"/layers/0/inputs: relu takes exactly one input, got 2"});
  CheckMentions(NetworkRefusal(R"([{"type": "relu", "inputs": []}])"), {"got 0"});
}

TEST_CASE("what nothing uses is refused") {
  CheckMentions(NetworkRefusal(R"([{"type": "relu"}, {"type": "tanh", "inputs": ["x"]}])"),
                {"/layers/0: no layer uses the output of \"relu\""});
  CheckMentions(Refusal({{"/networks/generator/layers/0", {{"type", "relu"}, {"inputs", {"z"}}}}}),
                {"/networks/generator/inputs/digit: no layer uses this input"});
}

TEST_CASE("networks have inputs and layers, not too many") {
  CheckMentions(NetworkRefusal("[]"), {"/layers: expected a list of 1 to 1024 layers"});
  CheckMentions(Refusal({{"/networks/generator/inputs", Json::object()}}),
                {"/networks/generator/inputs: expected an object of 1 to 16 named inputs"});
  Json many = Json::array();
  for (int i = 0; i < 1025; ++i) many.push_back({{"type", "relu"}});
  CheckMentions(NetworkRefusal(many.dump()), {"got a list of 1025"});
}

TEST_CASE("network inputs have their shapes") {
  const Config config = Parsed({{"/networks/generator/inputs/z/distribution", "uniform"}});
  REQUIRE(config.generator.inputs.size() == 2);
  CHECK(config.generator.inputs[0] == InputSpec{"z", InputSpec::Kind::kLatent, Shape::Flat(8),
                                                InputSpec::Distribution::kUniform});
  CHECK(config.generator.inputs[1].shape == Shape::Flat(10));
  CHECK(config.discriminator.inputs[0].shape == Shape::Spatial(28, 28, 1));
  CHECK(config.discriminator.name == "discriminator");
}

}  // namespace
}  // namespace numeral
