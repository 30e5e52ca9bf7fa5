// A network as data: nodes in topological order with inferred shapes, and its parameters.
//
// Owns: shape inference, parameter names and shapes, feature orders. Refuses, naming the layer
// (JSON pointer) and the shapes: inputs that do not fit a layer. Knows nothing of batches,
// gradients, engines or files. Made once by BuildGraph, then immutable.
#pragma once

#include <string>
#include <vector>

#include "config/spec.h"
#include "graph/feature_order.h"

namespace numeral {

enum class ParamRole { kWeight, kBias, kScale, kShift, kRunningMean, kRunningVariance };

// One tensor of a network. In files it has PyTorch's name, shape and order; in memory it is a
// matrix [rows][cols], element (i, j) of which is the file's (row_order[i], col_order[j]):
//   conv            file [K][C][R][S], memory [K][R][S][C]
//   conv_transpose  file [K][C][R][S] with K the input's channels, memory [K][R][S][C]
//   dense           file and memory [units][features], both orders applied
//   vectors         file and memory [units], rows only (cols == 1)
struct Param {
  std::string name;  // "conv.weight"
  ParamRole role = ParamRole::kWeight;
  std::vector<int64_t> file_shape;
  FeatureOrder row_order, col_order;
  InitSpec init;
  double fan_in = 1, fan_out = 1;

  bool trainable() const {
    return role != ParamRole::kRunningMean && role != ParamRole::kRunningVariance;
  }
  int64_t elems() const { return row_order.size() * col_order.size(); }
};

struct Node {
  std::string name;
  std::string type;  // "conv", or "input"
  std::string pointer;
  LayerOp op;               // meaningless for inputs
  int input = -1;           // index into Graph::inputs, or -1 for a layer
  std::vector<int> inputs;  // nodes
  std::vector<int> params;  // in the order of their ParamRole
  Shape shape;
  FeatureOrder order;  // of flat shapes
};

struct Graph {
  std::string name;  // "generator"
  std::vector<InputSpec> inputs;
  std::vector<Node> nodes;  // inputs first, topological; the last one is the output
  std::vector<Param> params;

  const Shape& output_shape() const { return nodes.back().shape; }
  int FindInput(InputSpec::Kind kind) const;  // node index or -1
  // True where a sample's result depends on the rest of its batch in training.
  bool CouplesBatch() const;
  int64_t TrainableElems() const;
  int64_t TotalElems() const;
};

// `convention` decides only which running variance a batch norm over flat features keeps (spec.h).
// Throws Error(kBadInput) with `source` and the layer's JSON pointer.
Graph BuildGraph(const NetworkSpec& spec, Convention convention, const std::string& source);

// The table of `trainer --summary`: layer, output shape, parameters; totals as Keras counts them.
std::string Summary(const Graph& graph);

// The parameter's values at the start of training, in file order. Draws are keyed by `seed`, the
// network's and the parameter's name.
std::vector<float> InitialValues(const Graph& graph, const Param& param, uint64_t seed);

// Between file order and memory order; both spans hold param.elems() floats and do not overlap.
std::vector<float> FileToMemory(const Param& param, const std::vector<float>& file);
std::vector<float> MemoryToFile(const Param& param, const std::vector<float>& memory);

}  // namespace numeral
