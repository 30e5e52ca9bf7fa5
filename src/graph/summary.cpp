// The table of `trainer --summary`.
#include <algorithm>

#include "graph/graph.h"

#include <fmt/format.h>

namespace numeral {
namespace {

// 22428288 -> "22,428,288".
std::string Grouped(int64_t value) {
  std::string text = std::to_string(value);
  for (int64_t at = static_cast<int64_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return text;
}

}  // namespace

std::string Summary(const Graph& graph) {
  size_t width = 5;
  for (const Node& node : graph.nodes) {
    width = std::max(width, node.name.size() + node.type.size() + 3);
  }
  std::string text = fmt::format("{}\n  {:<{}}  {:<12}  {:>12}\n", graph.name, "layer", width,
                                 "output", "parameters");
  for (const Node& node : graph.nodes) {
    int64_t elems = 0;
    for (const int param : node.params) elems += graph.params[static_cast<size_t>(param)].elems();
    text += fmt::format("  {:<{}}  {:<12}  {:>12}\n", fmt::format("{} ({})", node.name, node.type),
                        width, ToString(node.shape), Grouped(elems));
  }
  const int64_t total = graph.TotalElems(), trainable = graph.TrainableElems();
  text += fmt::format("  total {}: {} trainable, {} not trainable\n", Grouped(total),
                      Grouped(trainable), Grouped(total - trainable));
  return text;
}

}  // namespace numeral
