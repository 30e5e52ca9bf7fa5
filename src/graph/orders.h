// Chooses the order in memory of every flat value of a graph.
#pragma once

#include "graph/graph.h"

namespace numeral {

// Sets Node::order of all flat nodes. A flatten gives its image's order. A reshape to an image
// would like its input in that image's order: the wish travels back through elementwise layers to
// the dense layers behind them, whose units can be stored in any order at no cost. Where a wish
// meets something that cannot follow it (a network input, a concat), the plan moves the data with a
// Permute op.
void AssignFeatureOrders(Graph& graph);

// The order in which `node` needs its flat input number `i`; that input's own order where it does
// not care.
FeatureOrder RequiredOrder(const Graph& graph, const Node& node, size_t i);

}  // namespace numeral
