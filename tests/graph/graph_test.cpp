// Shapes, parameters and feature orders of graphs.
#include "graph/graph.h"

#include "config/parse.h"
#include "graph/orders.h"
#include "graph/shape_inference.h"
#include "tests/catch.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

Graph Build(const std::string& inputs, const std::string& layers,
            Convention convention = Convention::kPyTorch) {
  const Json json = Json::parse("{\"inputs\": " + inputs + ", \"layers\": " + layers + "}");
  return BuildGraph(ParseNetwork(json, "generator", convention, "net.json"), convention,
                    "net.json");
}

const char* const kImage = R"({"image": {"kind": "image"}})";
const char* const kLatent = R"({"z": {"kind": "latent", "size": 12}})";

Shape OutputOf(const std::string& inputs, const std::string& layers) {
  return Build(inputs, layers).output_shape();
}

void CheckRefused(const std::string& inputs, const std::string& layers,
                  std::initializer_list<std::string> mentions) {
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { Build(inputs, layers); }), mentions);
}

const Param& ParamOf(const Graph& graph, const std::string& name) {
  for (const Param& param : graph.params) {
    if (param.name == name) return param;
  }
  FAIL("no parameter " << name);
  return graph.params[0];
}

}  // namespace

TEST_CASE("TensorFlow's same padding puts the odd pixel at the end") {
  using Pads = std::array<int, 4>;
  const Padding same{Padding::Kind::kSame, {}};
  CHECK(ResolvePadding(same, {5, 5}, {2, 2}, 28, 28) == Pads{1, 2, 1, 2});
  CHECK(ResolvePadding(same, {5, 5}, {2, 2}, 7, 7) == Pads{2, 2, 2, 2});
  CHECK(ResolvePadding(same, {5, 5}, {1, 1}, 7, 7) == Pads{2, 2, 2, 2});
  CHECK(ResolvePadding(same, {4, 4}, {2, 2}, 14, 14) == Pads{1, 1, 1, 1});
  CHECK(ResolvePadding(same, {4, 3}, {1, 2}, 9, 8) == Pads{1, 2, 0, 1});
  CHECK(ResolvePadding(same, {1, 1}, {2, 2}, 8, 8) == Pads{0, 0, 0, 0});
}

TEST_CASE("output shapes follow the frameworks") {
  CHECK(
      OutputOf(kImage, R"([{"type":"conv","filters":3,"kernel":5,"stride":2,"padding":"same"}])") ==
      Shape::Spatial(14, 14, 3));
  CHECK(OutputOf(kImage, R"([{"type":"conv","filters":3,"kernel":[5,2],"stride":[3,1]}])") ==
        Shape::Spatial(8, 27, 3));
  // torch.nn.ConvTranspose2d(.., 3, stride=2, padding=1, output_padding=1) doubles the image.
  CHECK(OutputOf(kImage, R"([{"type":"conv_transpose","filters":2,"kernel":3,"stride":2,"padding":1,
                             "output_padding":1}])") == Shape::Spatial(56, 56, 2));
  CHECK(OutputOf(kImage, R"([{"type":"conv_transpose","filters":2,"kernel":5,"stride":2}])") ==
        Shape::Spatial(59, 59, 2));
  CHECK(OutputOf(kImage, R"([{"type":"max_pool","kernel":3,"stride":2,"padding":1}])") ==
        Shape::Spatial(14, 14, 1));
  CHECK(OutputOf(kImage, R"([{"type":"conv","filters":8,"kernel":1},
                             {"type":"pixel_shuffle","factor":2}])") == Shape::Spatial(56, 56, 2));
  CHECK(OutputOf(kImage, R"([{"type":"conv","filters":8,"kernel":1},
                             {"type":"global_max_pool"}])") == Shape::Flat(8));
}

TEST_CASE("shape errors name the layer and both shapes") {
  CheckRefused(kLatent, R"([{"type":"dense","units":10},{"type":"reshape","shape":[2,2,3]}])",
               {"net.json", "/layers/1", "\"reshape\"", "2x2x3", "12", "10"});
  CheckRefused(kImage, R"([{"name":"score","type":"dense","units":1}])",
               {"/layers/0", "score", "28x28x1", "flatten"});
  CheckRefused(kLatent, R"([{"type":"conv","filters":1,"kernel":3}])", {"conv", "12", "reshape"});
  CheckRefused(kImage, R"([{"type":"conv","filters":1,"kernel":29}])", {"29x29", "28x28"});
  CheckRefused(kImage, R"([{"type":"conv","filters":6,"kernel":1},
                           {"type":"pixel_shuffle","factor":2}])",
               {"28x28x6", "4"});
  CheckRefused(kImage, R"([{"name":"a","type":"max_pool","kernel":2},
                           {"name":"b","type":"concat","inputs":["image","a"]}])",
               {"28x28x1", "14x14x1"});
  CheckRefused(kImage, R"([{"name":"a","type":"conv","filters":2,"kernel":1},
                           {"name":"b","type":"add","inputs":["image","a"]}])",
               {"28x28x1", "28x28x2"});
  CheckRefused(kLatent, R"([{"name":"a","type":"dense","units":12},
                            {"name":"b","type":"multiply","inputs":["z","a","z"]}])",
               {"two inputs", "3"});
  CheckRefused(kLatent, R"([{"type":"dense","units":16777216},
                            {"type":"dense","units":16777216}])",
               {"more than", "parameters"});
}

TEST_CASE("a stored order is H, W, C where files have C, H, W") {
  const FeatureOrder order = FeatureOrder::Of(Shape::Spatial(2, 2, 3));
  CHECK(order.StoredToLogical() == std::vector<int32_t>{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11});
  CHECK_FALSE(order.IsPlain());
  const FeatureOrder joined = FeatureOrder::Concat(
      {FeatureOrder::Of(Shape::Spatial(1, 2, 2)), FeatureOrder::Plain(2), FeatureOrder::Plain(1)});
  CHECK(joined.StoredToLogical() == std::vector<int32_t>{0, 2, 1, 3, 4, 5, 6});
  // One channel or one pixel needs no order.
  CHECK(FeatureOrder::Of(Shape::Spatial(7, 7, 1)) == FeatureOrder::Plain(49));
  CHECK(FeatureOrder::Of(Shape::Spatial(1, 1, 9)) == FeatureOrder::Plain(9));
}

TEST_CASE("orders are folded into the weights around reshapes and flattens") {
  const Graph graph = Build(kLatent, R"([
      {"type":"dense","units":12},{"type":"batch_norm"},{"type":"relu"},
      {"type":"reshape","shape":[2,2,3]},{"type":"conv","filters":5,"kernel":1},
      {"type":"flatten"},{"type":"dense","units":4}])");
  const FeatureOrder seed = FeatureOrder::Of(Shape::Spatial(2, 2, 3));
  CHECK(ParamOf(graph, "dense.weight").row_order == seed);
  CHECK(ParamOf(graph, "dense.bias").row_order == seed);
  CHECK(ParamOf(graph, "batch_norm.running_var").row_order == seed);
  CHECK(ParamOf(graph, "dense_2.weight").col_order == FeatureOrder::Of(Shape::Spatial(2, 2, 5)));
  CHECK(ParamOf(graph, "dense_2.weight").row_order == FeatureOrder::Plain(4));
  for (const Node& node : graph.nodes) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Node& input = graph.nodes[static_cast<size_t>(node.inputs[i])];
      if (!input.shape.spatial) CHECK(RequiredOrder(graph, node, i) == input.order);
    }
  }
}

TEST_CASE("an order that nothing can take is asked for at the reader") {
  const Graph graph = Build(kLatent, R"([{"type":"reshape","shape":[2,2,3]}])");
  CHECK(graph.nodes[0].order == FeatureOrder::Plain(12));
  CHECK(RequiredOrder(graph, graph.nodes[1], 0) == FeatureOrder::Of(Shape::Spatial(2, 2, 3)));
}

TEST_CASE("values survive the way from file order to memory and back") {
  const Graph graph = Build(kImage, R"([{"type":"conv","filters":3,"kernel":[2,3]},
      {"type":"flatten"},{"type":"dense","units":2}])");
  const Param& conv = ParamOf(graph, "conv.weight");
  CHECK(conv.file_shape == std::vector<int64_t>{3, 1, 2, 3});
  for (const Param& param : graph.params) {
    std::vector<float> file(static_cast<size_t>(param.elems()));
    for (size_t i = 0; i < file.size(); ++i) file[i] = static_cast<float>(i);
    CHECK(MemoryToFile(param, FileToMemory(param, file)) == file);
  }
  // Row u, column (pixel p, channel c) of the dense weight is the file's column c * pixels + p.
  const Param& dense = ParamOf(graph, "dense.weight");
  const int64_t pixels = 27 * 26, channels = 3;
  std::vector<float> file(static_cast<size_t>(dense.elems()));
  for (size_t i = 0; i < file.size(); ++i) file[i] = static_cast<float>(i);
  const std::vector<float> memory = FileToMemory(dense, file);
  for (const int64_t p : {int64_t{0}, int64_t{1}, pixels - 1}) {
    for (int64_t c = 0; c < channels; ++c) {
      CHECK(memory[static_cast<size_t>(p * channels + c)] == static_cast<float>(c * pixels + p));
    }
  }
}

TEST_CASE("Keras keeps the biased running variance of flat features only") {
  const char* layers = R"([{"type":"dense","units":12},{"name":"flat","type":"batch_norm"},
      {"type":"reshape","shape":[2,2,3]},{"name":"image","type":"batch_norm"}])";
  const auto unbiased = [](const Graph& graph, const std::string& name) {
    for (const Node& node : graph.nodes) {
      if (node.name == name) return std::get<BatchNormSpec>(node.op).unbiased_running_variance;
    }
    return false;
  };
  const Graph keras = Build(kLatent, layers, Convention::kKeras);
  CHECK_FALSE(unbiased(keras, "flat"));
  CHECK(unbiased(keras, "image"));
  const Graph torch = Build(kLatent, layers);
  CHECK(unbiased(torch, "flat"));
  CHECK(unbiased(torch, "image"));
}

}  // namespace numeral
