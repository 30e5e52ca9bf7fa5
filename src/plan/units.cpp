#include "plan/units.h"

namespace numeral {
namespace {

template <typename... Kinds>
bool Is(const Node& node) {
  return node.input < 0 && (std::holds_alternative<Kinds>(node.op) || ...);
}

bool IsActivation(const Node& node) {
  return Is<LeakyReluSpec, ReluSpec, TanhSpec, SigmoidSpec>(node);
}

// The only reader of each node; -1 where there are none or several.
std::vector<int> OnlyReaders(const Graph& graph) {
  std::vector<int> readers(graph.nodes.size(), -1), counts(graph.nodes.size(), 0);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const int input : graph.nodes[i].inputs) {
      readers[static_cast<size_t>(input)] = static_cast<int>(i);
      ++counts[static_cast<size_t>(input)];
    }
  }
  for (size_t i = 0; i < readers.size(); ++i) {
    if (counts[i] != 1) readers[i] = -1;
  }
  return readers;
}

}  // namespace

std::vector<Unit> MakeUnits(const Graph& graph, bool fuse) {
  const std::vector<int> only_reader = OnlyReaders(graph);
  std::vector<bool> taken(graph.nodes.size(), false);
  std::vector<Unit> units;
  const auto node = [&](int i) -> const Node& { return graph.nodes[static_cast<size_t>(i)]; };
  for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i) {
    if (node(i).input >= 0 || taken[static_cast<size_t>(i)]) continue;
    Unit unit{.node = i, .last = i};
    const bool linear = Is<DenseSpec, ConvSpec, ConvTransposeSpec>(node(i));
    const auto absorb = [&](int& slot) {
      slot = only_reader[static_cast<size_t>(unit.last)];
      unit.last = slot;
      taken[static_cast<size_t>(slot)] = true;
    };
    const auto next_is = [&](auto matches) {
      const int next = only_reader[static_cast<size_t>(unit.last)];
      return next >= 0 && matches(node(next));
    };
    if (fuse && (linear || Is<BatchNormSpec>(node(i))) && next_is(IsActivation)) {
      absorb(unit.activation);
    }
    if (fuse && (linear || IsActivation(node(i))) && next_is(Is<DropoutSpec>)) absorb(unit.dropout);
    units.push_back(unit);
  }
  return units;
}

}  // namespace numeral
