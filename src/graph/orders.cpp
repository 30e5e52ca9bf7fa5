#include "graph/orders.h"

#include <optional>

namespace numeral {
namespace {

bool IsBinary(const LayerOp& op) {
  return std::holds_alternative<MultiplySpec>(op) || std::holds_alternative<AddSpec>(op);
}

bool KeepsOrder(const LayerOp& op) {
  return IsBinary(op) || std::holds_alternative<BatchNormSpec>(op) ||
         std::holds_alternative<LeakyReluSpec>(op) || std::holds_alternative<ReluSpec>(op) ||
         std::holds_alternative<TanhSpec>(op) || std::holds_alternative<SigmoidSpec>(op) ||
         std::holds_alternative<DropoutSpec>(op);
}

// What each node's readers would like; the first wish wins.
std::vector<std::optional<FeatureOrder>> Wishes(const Graph& graph) {
  std::vector<std::optional<FeatureOrder>> wishes(graph.nodes.size());
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    if (node.input >= 0) continue;
    std::optional<FeatureOrder> wish;
    if (std::holds_alternative<ReshapeSpec>(node.op)) {
      wish = node.shape.spatial ? FeatureOrder::Of(node.shape) : wishes[i];
    } else if (KeepsOrder(node.op) && !node.shape.spatial) {
      wish = wishes[i];
    }
    if (!wish) continue;
    for (const int input : node.inputs) {
      auto& slot = wishes[static_cast<size_t>(input)];
      if (!slot && !graph.nodes[static_cast<size_t>(input)].shape.spatial) slot = wish;
    }
  }
  return wishes;
}

}  // namespace

void AssignFeatureOrders(Graph& graph) {
  const auto wishes = Wishes(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    if (node.shape.spatial || node.input >= 0) continue;
    const Node& first = graph.nodes[static_cast<size_t>(node.inputs[0])];
    if (std::holds_alternative<DenseSpec>(node.op)) {
      node.order = wishes[i].value_or(FeatureOrder::Plain(node.shape.c));
    } else if (std::holds_alternative<FlattenSpec>(node.op)) {
      node.order = first.shape.spatial ? FeatureOrder::Of(first.shape) : first.order;
    } else if (std::holds_alternative<ConcatSpec>(node.op)) {
      std::vector<FeatureOrder> parts;
      for (const int input : node.inputs) {
        parts.push_back(graph.nodes[static_cast<size_t>(input)].order);
      }
      node.order = FeatureOrder::Concat(parts);
    } else if (std::holds_alternative<GlobalMaxPoolSpec>(node.op)) {
      node.order = FeatureOrder::Plain(node.shape.c);
    } else {
      node.order = first.order;
    }
  }
}

FeatureOrder RequiredOrder(const Graph& graph, const Node& node, size_t i) {
  const Node& input = graph.nodes[static_cast<size_t>(node.inputs[i])];
  if (std::holds_alternative<ReshapeSpec>(node.op) && node.shape.spatial) {
    return FeatureOrder::Of(node.shape);
  }
  if (IsBinary(node.op)) {
    return node.shape.spatial ? FeatureOrder::Plain(node.shape.c) : node.order;
  }
  return input.order;
}

}  // namespace numeral
