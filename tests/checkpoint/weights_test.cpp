#include "checkpoint/weights.h"

#include <cmath>
#include <limits>

#include "checkpoint/safetensors.h"
#include "config/json_text.h"
#include "config/parse.h"
#include "tests/catch.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

// A small network with every kind of parameter tensor.
NetworkDescription SmallNetwork(Convention convention = Convention::kPyTorch) {
  const std::string text = R"({
    "inputs": {"z": {"kind": "latent", "size": 3}},
    "layers": [
      {"type": "dense", "name": "project", "units": 8, "bias": false},
      {"type": "batch_norm", "name": "norm"},
      {"type": "reshape", "shape": [2, 2, 2]},
      {"type": "conv_transpose", "name": "up", "filters": 1, "kernel": 14, "stride": 14},
      {"type": "tanh"}
    ]})";
  return {ParseNetwork(ParseJsonText(text, "test"), "generator", convention, "test"), convention};
}

Graph GraphOf(const NetworkDescription& description) {
  return BuildGraph(description.network, description.convention, "test");
}

// Values that differ in every element of every tensor.
std::vector<std::vector<float>> SomeValues(const Graph& graph) {
  std::vector<std::vector<float>> values;
  float next = 0.25f;
  for (const Param& param : graph.params) {
    values.emplace_back(static_cast<size_t>(param.elems()));
    for (float& value : values.back()) value = next++;
  }
  return values;
}

struct Saved {
  TempFolder folder;
  fs::path path = folder.path() / "g.bin";
  NetworkDescription description;
  Graph graph;
  std::vector<std::vector<float>> values;

  explicit Saved(NetworkDescription d = SmallNetwork())
      : description(std::move(d)), graph(GraphOf(description)), values(SomeValues(graph)) {
    SaveWeights(path, description, graph, values, {{"epoch", "3"}});
  }

  // Changes the file behind the back of SaveWeights.
  template <typename Change>
  void Edit(Change change) const {
    SafeTensors file = ReadSafeTensors(path);
    change(file);
    WriteSafeTensors(path, file);
  }
  SafeTensor& In(SafeTensors& file, const std::string& name) const {
    return *const_cast<SafeTensor*>(file.Find(name));
  }
};

TEST_CASE("weights come back with the network they belong to", "[weights]") {
  const Convention convention = GENERATE(Convention::kPyTorch, Convention::kKeras);
  NetworkDescription description = SmallNetwork(convention);
  description.pixel_range = {0, 1};
  const Saved saved(description);

  const Weights weights = LoadWeights(saved.path);
  CHECK(weights.description.network == description.network);
  CHECK(weights.description.network.name == "generator");
  CHECK(weights.description.convention == convention);
  CHECK(weights.description.pixel_range == description.pixel_range);
  CHECK(weights.metadata.at("epoch") == "3");
  CHECK(MatchWeights(GraphOf(weights.description), weights) == saved.values);
}

TEST_CASE("the file says what PyTorch and people look for", "[weights]") {
  const Saved saved;
  const SafeTensors file = ReadSafeTensors(saved.path);
  CHECK(file.metadata.at("format") == "pt");
  CHECK(file.metadata.at("role") == "generator");
  CHECK(file.metadata.at("convention") == "pytorch");
  CHECK(file.metadata.at("pixel_range") == "-1,1");
  CHECK(file.metadata.at("network").starts_with("{"));
  CHECK(file.Find("project.weight")->shape == std::vector<int64_t>{8, 3});
  CHECK(file.Find("up.weight")->shape == std::vector<int64_t>{2, 1, 14, 14});
  CHECK(file.Find("norm.running_var")->shape == std::vector<int64_t>{8});
  CHECK(ValuesOf<float>(*file.Find(saved.graph.params[0].name)) == saved.values[0]);
}

TEST_CASE("the same weights give the same bytes", "[weights]") {
  CHECK(ReadFile(Saved().path) == ReadFile(Saved().path));
}

TEST_CASE("a file of PyTorch loads with a network from elsewhere", "[weights]") {
  const Saved saved;
  saved.Edit([&](SafeTensors& file) {
    file.metadata = {{"format", "pt"}};
    const std::vector<int64_t> batches{1234};
    file.tensors.push_back(MakeSafeTensor<int64_t>("norm.num_batches_tracked", {}, batches));
    SafeTensor& bias = saved.In(file, "up.bias");
    const std::vector<double> wide{0.1};
    bias = MakeSafeTensor<double>("up.bias", {1}, wide);
  });
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { LoadWeights(saved.path); }),
                {saved.path.string(), "config"});
  const Weights weights = LoadWeights(saved.path, saved.description);
  CHECK(weights.description.network == saved.description.network);
  CHECK(weights.tensors.at("up.bias").values == std::vector<float>{0.1f});
  CHECK(MatchWeights(saved.graph, weights).size() == saved.graph.params.size());
}

TEST_CASE("a file that knows its network is believed over the caller", "[weights]") {
  const Saved saved;
  NetworkDescription other = saved.description;
  other.network.name = "other";
  other.convention = Convention::kKeras;
  CHECK(LoadWeights(saved.path, other).description.network.name == "generator");
}

TEST_CASE("tensors that do not fit are named with both shapes", "[weights]") {
  const Saved saved;
  const auto refusal = [&] {
    const Weights weights = LoadWeights(saved.path);
    return MessageOf(ErrorKind::kBadInput, [&] { MatchWeights(saved.graph, weights); });
  };
  SECTION("another shape") {
    saved.Edit([&](SafeTensors& f) { saved.In(f, "project.weight").shape = {3, 8}; });
    CheckMentions(refusal(),
                  {saved.path.string(), "generator", "\"project.weight\" is [3, 8], not [8, 3]"});
  }
  SECTION("a scalar where one element is due") {
    saved.Edit([&](SafeTensors& f) { saved.In(f, "up.bias").shape = {}; });
    CheckMentions(refusal(), {"\"up.bias\" is [], not [1]"});
  }
  SECTION("missing and foreign") {
    saved.Edit([&](SafeTensors& f) { saved.In(f, "norm.bias").name = "norm.beta"; });
    CheckMentions(refusal(), {"\"norm.bias\" [8] is missing", "\"norm.beta\" [8] is not of this"});
  }
  SECTION("everything") {
    saved.Edit([](SafeTensors& f) {
      for (SafeTensor& tensor : f.tensors) tensor.name = "x." + tensor.name;
    });
    CheckMentions(refusal(), {"missing", "and 9 more"});
  }
}

TEST_CASE("elements that are no weights are refused", "[weights]") {
  const Saved saved;
  const auto refusal = [&](SafeTensor replacement) {
    saved.Edit([&](SafeTensors& f) { saved.In(f, "up.bias") = std::move(replacement); });
    return MessageOf(ErrorKind::kBadInput, [&] { LoadWeights(saved.path); });
  };
  const std::vector<float> nan{std::numeric_limits<float>::quiet_NaN()};
  CheckMentions(refusal(MakeSafeTensor<float>("up.bias", {1}, nan)), {"\"up.bias\"", "nan"});
  const std::vector<int32_t> integers{1};
  CheckMentions(refusal(MakeSafeTensor<int32_t>("up.bias", {1}, integers)), {"\"up.bias\"", "I32"});
  const std::vector<double> wide{1e300};
  CheckMentions(refusal(MakeSafeTensor<double>("up.bias", {1}, wide)), {"\"up.bias\"", "1e+300"});
}

TEST_CASE("metadata that are wrong are refused", "[weights]") {
  struct Case {
    std::string key, value;
    std::vector<std::string> parts;
  };
  const Case wrong = GENERATE(values<Case>({
      {"network", "{", {"network", "line 1"}},
      {"network", "[]", {"network"}},
      {"network", R"({"inputs":{},"layers":[{"type":"dens"}]})", {"network", "/"}},
      {"role", "", {"role"}},
      {"role", "../g", {"role", "../g"}},
      {"convention", "jax", {"convention", "jax"}},
      {"pixel_range", "", {"pixel_range"}},
      {"pixel_range", "-1", {"pixel_range"}},
      {"pixel_range", "-1,", {"pixel_range"}},
      {"pixel_range", "-1,1,", {"pixel_range"}},
      {"pixel_range", "1,-1", {"pixel_range"}},
      {"pixel_range", "-inf,1", {"pixel_range"}},
      {"pixel_range", "nan,1", {"pixel_range"}},
  }));
  const Saved saved;
  saved.Edit([&](SafeTensors& f) { f.metadata[wrong.key] = wrong.value; });
  const std::string message = MessageOf(ErrorKind::kBadInput, [&] { LoadWeights(saved.path); });
  CheckMentions(message, {saved.path.string()});
  for (const std::string& part : wrong.parts) CheckMentions(message, {part});
}

TEST_CASE("a network without its role or convention is refused", "[weights]") {
  const std::string key = GENERATE("role", "convention", "pixel_range");
  const Saved saved;
  saved.Edit([&](SafeTensors& f) { f.metadata.erase(key); });
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { LoadWeights(saved.path); }), {key});
}

TEST_CASE("weights that are not finite leave the last good file in place", "[weights]") {
  const Saved saved;
  const std::string before = ReadFile(saved.path);
  auto values = saved.values;
  values[1][0] = std::numeric_limits<float>::infinity();
  CheckMentions(MessageOf(ErrorKind::kFailure,
                          [&] { SaveWeights(saved.path, saved.description, saved.graph, values); }),
                {saved.path.string(), saved.graph.params[1].name});
  CHECK(ReadFile(saved.path) == before);
}

}  // namespace
}  // namespace numeral
