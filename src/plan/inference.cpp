#include "plan/inference.h"

#include "plan/run_ops.h"
#include "util/error.h"

namespace numeral {
namespace {

const Shape kImage = Shape::Spatial(28, 28, 1);
const Shape kOne = Shape::Flat(1);

PassSettings InferenceSettings(const std::string& name, const PlanOptions& options) {
  return {.name = name,
          .training = false,
          .fuse = options.fuse,
          .conv_epilogue = options.conv_epilogue,
          .dense_epilogue = options.dense_epilogue,
          .step = kNoTensor,
          .rows = {}};
}

// The node whose value enters the last layer that has weights.
int FeatureNode(const Graph& graph) {
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (!node->params.empty()) return node->inputs[0];
  }
  BadInput("{}: none of its layers has weights", graph.name);
}

void EmitClassifyPhase(PlanBuilder& builder, const NetworkState& classifier,
                       const PlanOptions& options) {
  const int rows = options.sample_rows;
  const Graph& graph = *classifier.graph;
  builder.BeginPhase(PhaseKind::kClassify, rows);
  const std::string name = fmt::format("classify[{}]", rows);
  NetworkPass pass(builder, classifier, classifier.params, InferenceSettings(name, options));
  pass.Forward({builder.Persistent("classify.images", rows, kImage)}, rows,
               builder.Persistent("classify.logits", rows, graph.output_shape()));
  const int node = FeatureNode(graph);
  const Node& source = graph.nodes[static_cast<size_t>(node)];
  const FeatureOrder order = source.shape.spatial ? FeatureOrder::Of(source.shape) : source.order;
  const int size = FeatureCount(graph);
  const TensorId features = builder.Persistent("classify.features", rows, Shape::Flat(size));
  const TensorId value = pass.Value(node);
  const TensorId flat = source.shape.spatial
                            ? builder.View(name + "/features", value, 0, rows, Shape::Flat(size))
                            : value;
  builder.Emit(Permute{flat, features, order, FeatureOrder::Plain(size), GradientMode::kOverwrite},
               name + "/features");
}

// The inputs of a network that the host fills: "<prefix>/<input>", and "<prefix>.digits", which
// become one-hot here.
std::vector<TensorId> EmitHostInputs(PlanBuilder& builder, const Graph& graph,
                                     const std::string& prefix, const std::string& name, int rows,
                                     Precision precision) {
  std::vector<TensorId> inputs;
  for (const InputSpec& input : graph.inputs) {
    if (input.kind == InputSpec::Kind::kDigit) {
      const TensorId digits = builder.Persistent(prefix + ".digits", rows, kOne, DType::kI32);
      const std::string place = name + "/" + input.name;
      inputs.push_back(builder.Transient(place, rows, input.shape));
      builder.Emit(OneHot{digits, inputs.back()}, place);
    } else {
      inputs.push_back(builder.Persistent(prefix + "/" + input.name, rows, input.shape));
      if (precision != Precision::kBf16) continue;
      const std::string place = name + "/" + input.name;
      const TensorId converted = builder.Transient(place, rows, input.shape);
      builder.Emit(Convert{inputs.back(), converted}, place);
      inputs.back() = converted;
    }
  }
  return inputs;
}

}  // namespace

int FeatureCount(const Graph& classifier) {
  return static_cast<int>(
      classifier.nodes[static_cast<size_t>(FeatureNode(classifier))].shape.Elems());
}

void EmitSamplePhase(PlanBuilder& builder, const NetworkState& generator, const ParamSet& params,
                     const PlanOptions& options, bool prepare, int rows) {
  builder.BeginPhase(PhaseKind::kSample, rows);
  const std::string name = fmt::format("sample[{}]", rows);
  if (prepare) EmitPrepareWeights(builder, *generator.graph, params);
  const std::vector<TensorId> inputs =
      EmitHostInputs(builder, *generator.graph, "sample", name, rows, options.precision);
  NetworkPass pass(builder, generator, params, InferenceSettings(name + "/g", options));
  const TensorId images = builder.Persistent("sample.images", rows, kImage);
  if (options.precision == Precision::kBf16) {
    builder.Emit(Convert{pass.Forward(inputs, rows), images}, name + "/images");
  } else {
    pass.Forward(inputs, rows, images);
  }
}

Plan CompileGeneratorPlan(const Graph& generator, const PlanOptions& options) {
  PlanBuilder builder(0);
  const NetworkState state = DeclareForInference(builder, generator);
  builder.BeginPhase(PhaseKind::kPrepare, 0);
  EmitPrepareWeights(builder, generator, state.params);
  EmitSamplePhase(builder, state, state.params, options, false, options.sample_rows);
  return builder.Finish(options);
}

Plan CompileClassifyPlan(const Graph& classifier, const PlanOptions& options) {
  if (classifier.output_shape() != Shape::Flat(kDigits)) {
    BadInput("{}: the output is {}; a classifier gives {} flat features, one per digit",
             classifier.name, ToString(classifier.output_shape()), kDigits);
  }
  PlanBuilder builder(0);
  const NetworkState state = DeclareForInference(builder, classifier);
  builder.BeginPhase(PhaseKind::kPrepare, 0);
  EmitPrepareWeights(builder, classifier, state.params);
  EmitClassifyPhase(builder, state, options);
  return builder.Finish(options);
}

Plan CompilePredictorPlan(const Graph& predictor, const PlanOptions& options) {
  const int rows = options.sample_rows;
  PlanBuilder builder(0);
  const NetworkState state = DeclareForInference(builder, predictor);
  builder.BeginPhase(PhaseKind::kPrepare, 0);
  EmitPrepareWeights(builder, predictor, state.params);
  builder.BeginPhase(PhaseKind::kPredict, rows);
  const std::string name = fmt::format("predict[{}]", rows);
  const std::vector<TensorId> inputs =
      EmitHostInputs(builder, predictor, "predict", name, rows, options.precision);
  NetworkPass pass(builder, state, state.params, InferenceSettings(name + "/l", options));
  pass.Forward(inputs, rows, builder.Persistent("predict.output", rows, predictor.output_shape()));
  return builder.Finish(options);
}

}  // namespace numeral
