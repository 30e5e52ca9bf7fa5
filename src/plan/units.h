// Which neighbouring layers become one op: the fusion decision.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace numeral {

// A layer with the elementwise layers that ride along: dense, conv or conv_transpose with
// activation and dropout; batch norm with activation; an activation with dropout. -1 where there is
// none. `last` is the node whose value the unit produces.
struct Unit {
  int node = -1, activation = -1, dropout = -1, last = -1;
};

// All layers of the graph in order, inputs left out. Without `fuse`, one unit per layer.
std::vector<Unit> MakeUnits(const Graph& graph, bool fuse);

}  // namespace numeral
