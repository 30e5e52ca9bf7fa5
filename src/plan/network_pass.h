// One run of a network through a plan: its forward ops, and any number of backward runs over them.
//
// Emits into the builder's current phase; a backward run may be emitted into the same phase only,
// since it reads the forward run's activations.
#pragma once

#include <string>
#include <vector>

#include "plan/network_state.h"
#include "plan/units.h"

namespace numeral {

// Rows from `first_row` on draw their dropout masks from the streams of this pass name.
struct PassRows {
  int first_row = 0;
  std::string pass;  // "real", "fake", "generator"
};

struct PassSettings {
  std::string name;  // prefix of tensor names and labels, unique in the phase
  bool training = true;
  bool fuse = true, conv_epilogue = false, dense_epilogue = false;
  TensorId step = kNoTensor;   // for dropout
  std::vector<PassRows> rows;  // for dropout; ordered
};

// What a backward run is for.
struct BackwardGoal {
  std::string name;                              // unique in the phase
  bool params = false;                           // gradients of the parameters
  GradientMode mode = GradientMode::kOverwrite;  // of the parameters' gradients
  int input = -1;               // gradient of this network input (node index), or -1
  int first_row = 0, rows = 0;  // over these rows of the forward run
};

class NetworkPass {
 public:
  NetworkPass(PlanBuilder& builder, const NetworkState& state, const ParamSet& params,
              PassSettings settings);

  // `inputs` by index into Graph::inputs. With `into`, the output is written there: a tensor or
  // view of `rows` rows of the output's shape. Returns the output.
  TensorId Forward(const std::vector<TensorId>& inputs, int rows, TensorId into = kNoTensor);

  // The value of a node that ends a unit or is an input, after Forward.
  TensorId Value(int node_index) const { return values_[static_cast<size_t>(node_index)]; }

  // Returns the gradient of goal.input, or kNoTensor.
  TensorId Backward(TensorId grad_output, const BackwardGoal& goal);

 private:
  friend class ForwardUnit;
  friend class BackwardRun;

  // What a unit's forward op leaves for its backward op.
  struct Saved {
    TensorId linear = kNoTensor;  // before bias, activation, dropout; or the input of a batch norm
    TensorId mean = kNoTensor, inv_std = kNoTensor;
    TensorId argmax = kNoTensor;
    std::vector<TensorId> operands;  // of add and multiply, one per input
  };

  const Node& node(int i) const { return state_.graph->nodes[static_cast<size_t>(i)]; }
  std::string Name(int node_index) const { return settings_.name + "/" + node(node_index).name; }
  void AssignTargets(TensorId into);
  TensorId Output(int node_index);
  // Input `i` of a node, moved to the order that the node needs.
  TensorId OrderedInput(const Node& reader, size_t i);

  PlanBuilder& builder_;
  const NetworkState& state_;
  const ParamSet& params_;
  PassSettings settings_;
  std::vector<Unit> units_;
  int rows_ = 0;
  std::vector<TensorId> values_;   // by node
  std::vector<TensorId> targets_;  // by node: where its value must go, or kNoTensor
  std::vector<Saved> saved_;       // by unit
};

// The activation of a layer, as ops carry it.
Activation ActivationOf(const LayerOp& op);
// A convolution's geometry; `image` and `features` are the shapes of its two sides.
ConvGeometry GeometryOf(const LayerOp& op, const Shape& image, const Shape& features, int rows);

}  // namespace numeral
