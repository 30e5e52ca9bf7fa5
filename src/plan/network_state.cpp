#include "plan/network_state.h"

#include "plan/arena.h"

namespace numeral {
namespace {

// The shape in memory: rows x cols, as Param says.
Shape MatrixShape(const Param& param) {
  return Shape::Flat(static_cast<int>(param.col_order.size()));
}

// Offsets of the parameters of one block, in floats, and the block's length.
struct BlockLayout {
  std::vector<int64_t> offsets;  // -1 for parameters outside the block
  int64_t elems = 0;
};

BlockLayout LayOut(const Graph& graph, bool trainable) {
  constexpr int64_t kAlignElems = kAlignment / 4;
  BlockLayout layout;
  for (const Param& param : graph.params) {
    if (param.trainable() != trainable) {
      layout.offsets.push_back(-1);
      continue;
    }
    layout.offsets.push_back(layout.elems);
    layout.elems += (param.elems() + kAlignElems - 1) / kAlignElems * kAlignElems;
  }
  return layout;
}

TensorId DeclareBlock(PlanBuilder& builder, const std::string& name, const BlockLayout& layout) {
  if (layout.elems == 0) return kNoTensor;
  return builder.Persistent(name, 1, Shape::Flat(static_cast<int>(layout.elems)));
}

// Views of a block, one per parameter in it, named "<prefix>/<param>".
void DeclareViews(PlanBuilder& builder, const Graph& graph, const std::string& prefix,
                  TensorId block, const BlockLayout& layout, std::vector<TensorId>& views) {
  views.resize(graph.params.size(), kNoTensor);
  for (size_t i = 0; i < graph.params.size(); ++i) {
    if (layout.offsets[i] < 0) continue;
    const Param& param = graph.params[i];
    views[i] = builder.View(prefix + "/" + param.name, block, layout.offsets[i],
                            param.row_order.size(), MatrixShape(param));
  }
}

ParamSet DeclareSet(PlanBuilder& builder, const Graph& graph, const std::string& prefix,
                    const BlockLayout& trainable, const BlockLayout& statistics) {
  ParamSet set;
  set.trainable = DeclareBlock(builder, prefix + "/params", trainable);
  set.buffers = DeclareBlock(builder, prefix + "/buffers", statistics);
  DeclareViews(builder, graph, prefix, set.trainable, trainable, set.values);
  DeclareViews(builder, graph, prefix, set.buffers, statistics, set.values);
  return set;
}

}  // namespace

NetworkState DeclareForInference(PlanBuilder& builder, const Graph& graph) {
  NetworkState state;
  state.graph = &graph;
  state.params = DeclareSet(builder, graph, graph.name, LayOut(graph, true), LayOut(graph, false));
  return state;
}

NetworkState DeclareNetwork(PlanBuilder& builder, const Graph& graph, bool ema) {
  const BlockLayout trainable = LayOut(graph, true), statistics = LayOut(graph, false);
  NetworkState state;
  state.graph = &graph;
  state.params = DeclareSet(builder, graph, graph.name, trainable, statistics);
  state.all_grads = DeclareBlock(builder, graph.name + "/grads", trainable);
  state.first_moment = DeclareBlock(builder, graph.name + "/first_moment", trainable);
  state.second_moment = DeclareBlock(builder, graph.name + "/second_moment", trainable);
  DeclareViews(builder, graph, graph.name + "/grads", state.all_grads, trainable, state.grads);
  if (ema) state.ema = DeclareSet(builder, graph, graph.name + "/ema", trainable, statistics);
  return state;
}

}  // namespace numeral
