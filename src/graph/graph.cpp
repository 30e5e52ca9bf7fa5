#include "graph/graph.h"

#include <unordered_map>

#include "graph/orders.h"
#include "graph/shape_inference.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr int64_t kMaxParams = int64_t{1} << 30;  // four GiB, and as much again for each moment

Node InputNode(const InputSpec& input, int index) {
  Node node;
  node.name = input.name;
  node.type = "input";
  node.input = index;
  node.shape = input.shape;
  if (!input.shape.spatial) node.order = FeatureOrder::Plain(input.shape.c);
  return node;
}

// Adds a node's parameters to the graph, with the orders that its input and output have in memory.
class ParamMaker {
 public:
  ParamMaker(Graph& graph, Node& node) : graph_(graph), node_(node) {}

  void operator()(const DenseSpec& op) {
    const Node& in = Input();
    const int features = in.shape.c;
    Weight({op.units, features}, node_.order, in.order, op.weight_init, features, op.units);
    if (op.bias) Vector("bias", ParamRole::kBias, op.bias_init, features);
  }
  void operator()(const ConvSpec& op) {
    const int c = Input().shape.c;
    Kernel(op.filters, c, op.kernel, op.weight_init);
    if (op.bias) {
      Vector("bias", ParamRole::kBias, op.bias_init, double{1} * c * op.kernel[0] * op.kernel[1]);
    }
  }
  void operator()(const ConvTransposeSpec& op) {
    // torch computes fan_in of a transposed convolution's weight [in][out][r][s] from its second
    // axis; Keras from (r * s * in). Glorot is symmetric, so one pair of fans serves both.
    const double fan_in = double{1} * op.filters * op.kernel[0] * op.kernel[1];
    Kernel(Input().shape.c, op.filters, op.kernel, op.weight_init);
    if (op.bias) Vector("bias", ParamRole::kBias, op.bias_init, fan_in);
  }
  void operator()(const BatchNormSpec& op) {
    const int c = node_.shape.c;
    Vector("weight", ParamRole::kScale, op.weight_init, c);
    Vector("bias", ParamRole::kShift, op.bias_init, c);
    Vector("running_mean", ParamRole::kRunningMean, {InitSpec::Kind::kZeros}, c);
    Vector("running_var", ParamRole::kRunningVariance, {InitSpec::Kind::kOnes}, c);
  }
  template <typename NoParams>
  void operator()(const NoParams&) {}

 private:
  const Node& Input() const { return graph_.nodes[static_cast<size_t>(node_.inputs[0])]; }

  void Kernel(int k, int c, std::array<int, 2> kernel, const InitSpec& init) {
    const double area = double{1} * kernel[0] * kernel[1];
    Weight({k, c, kernel[0], kernel[1]}, FeatureOrder::Plain(k),
           FeatureOrder::Of(Shape::Spatial(kernel[0], kernel[1], c)), init, c * area, k * area);
  }
  void Weight(std::vector<int64_t> shape, FeatureOrder rows, FeatureOrder cols,
              const InitSpec& init, double fan_in, double fan_out) {
    Add({node_.name + ".weight", ParamRole::kWeight, std::move(shape), std::move(rows),
         std::move(cols), init, fan_in, fan_out});
  }
  void Vector(const char* suffix, ParamRole role, const InitSpec& init, double fan_in) {
    const FeatureOrder rows =
        node_.shape.spatial ? FeatureOrder::Plain(node_.shape.c) : node_.order;
    Add({node_.name + "." + suffix,
         role,
         {node_.shape.c},
         rows,
         FeatureOrder::Plain(1),
         init,
         fan_in,
         1});
  }
  void Add(Param param) {
    node_.params.push_back(static_cast<int>(graph_.params.size()));
    graph_.params.push_back(std::move(param));
  }

  Graph& graph_;
  Node& node_;
};

}  // namespace

Graph BuildGraph(const NetworkSpec& spec, Convention convention, const std::string& source) {
  Graph graph;
  graph.name = spec.name;
  graph.inputs = spec.inputs;
  std::unordered_map<std::string, int> index;
  for (const InputSpec& input : spec.inputs) {
    index[input.name] = static_cast<int>(graph.nodes.size());
    graph.nodes.push_back(InputNode(input, static_cast<int>(graph.nodes.size())));
  }
  for (const LayerSpec& layer : spec.layers) {
    Node node;
    node.name = layer.name;
    node.type = layer.type;
    node.pointer = layer.pointer;
    node.op = layer.op;
    std::vector<Shape> shapes;
    for (const std::string& name : layer.inputs) {
      node.inputs.push_back(index.at(name));
      shapes.push_back(graph.nodes[static_cast<size_t>(index.at(name))].shape);
    }
    node.shape = InferShape(
        layer.op, shapes,
        fmt::format("{}: {} ({} \"{}\")", source, layer.pointer, layer.type, layer.name));
    if (auto* norm = std::get_if<BatchNormSpec>(&node.op)) {
      norm->unbiased_running_variance = convention == Convention::kPyTorch || node.shape.spatial;
    }
    index[layer.name] = static_cast<int>(graph.nodes.size());
    graph.nodes.push_back(std::move(node));
  }
  AssignFeatureOrders(graph);
  for (Node& node : graph.nodes) {
    if (node.input >= 0) continue;
    std::visit(ParamMaker(graph, node), node.op);
    if (graph.TotalElems() > kMaxParams) {
      BadInput("{}: {}: \"{}\" brings the network to more than {} parameters", source, node.pointer,
               node.name, kMaxParams);
    }
  }
  return graph;
}

int Graph::FindInput(InputSpec::Kind kind) const {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].kind == kind) return static_cast<int>(i);
  }
  return -1;
}

bool Graph::CouplesBatch() const {
  for (const Node& node : nodes) {
    if (node.input < 0 && std::holds_alternative<BatchNormSpec>(node.op)) return true;
  }
  return false;
}

int64_t Graph::TrainableElems() const {
  int64_t elems = 0;
  for (const Param& param : params) elems += param.trainable() ? param.elems() : 0;
  return elems;
}

int64_t Graph::TotalElems() const {
  int64_t elems = 0;
  for (const Param& param : params) elems += param.elems();
  return elems;
}

}  // namespace numeral
