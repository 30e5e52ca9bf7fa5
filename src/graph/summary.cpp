// The table of `trainer --summary`.
#include <fmt/format.h>

#include <algorithm>

#include "graph/graph.h"
#include "util/progress.h"

namespace numeral {
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
                        width, ToString(node.shape), FormatCount(elems));
  }
  const int64_t total = graph.TotalElems(), trainable = graph.TrainableElems();
  text += fmt::format("  total {}: {} trainable, {} not trainable\n", FormatCount(total),
                      FormatCount(trainable), FormatCount(total - trainable));
  return text;
}

}  // namespace numeral
