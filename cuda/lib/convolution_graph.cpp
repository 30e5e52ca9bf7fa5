#include "cuda/lib/convolution_graph.h"

#include <algorithm>
#include <iterator>

#include "util/error.h"

namespace numeral::cuda {
namespace {

cudnnDataType_t ElementType(MatrixMode mode) {
  return mode == MatrixMode::kBf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

// A dense tensor [outer][height][width][channels]. cuDNN wants the dimensions in the order N, C, H,
// W whatever the layout.
Descriptor MakeTensor(int64_t id, MatrixMode mode, int alignment_bytes, int64_t outer,
                      int64_t height, int64_t width, int64_t channels) {
  Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.Set(CUDNN_ATTR_TENSOR_DATA_TYPE, ElementType(mode));
  tensor.Set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::vector{outer, channels, height, width});
  tensor.Set(CUDNN_ATTR_TENSOR_STRIDES,
             std::vector{height * width * channels, int64_t{1}, width * channels, channels});
  tensor.Set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
  tensor.Set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, int64_t{alignment_bytes});
  tensor.Finalize();
  return tensor;
}

// cuDNN wants the padding behind an image to account for the number of features, which that of a
// geometry need not do: then it is as much as the last window reaches over the edge.
int64_t PadBehind(int side, int kernel, int stride, int pad_before, int pad_behind, int features) {
  const bool accounts = (side + pad_before + pad_behind - kernel) / stride + 1 == features;
  return accounts ? pad_behind : std::max(0, (features - 1) * stride + kernel - pad_before - side);
}

Descriptor MakeConvolution(const ConvGeometry& g) {
  Descriptor convolution(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  convolution.Set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  convolution.Set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
  convolution.Set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2});
  convolution.Set(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::vector<int64_t>{1, 1});
  convolution.Set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES,
                  std::vector<int64_t>{g.stride_h, g.stride_w});
  convolution.Set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, std::vector<int64_t>{g.pad_top, g.pad_left});
  convolution.Set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS,
                  std::vector{PadBehind(g.h, g.r, g.stride_h, g.pad_top, g.pad_bottom, g.p),
                              PadBehind(g.w, g.s, g.stride_w, g.pad_left, g.pad_right, g.q)});
  convolution.Finalize();
  return convolution;
}

// What the three operations call the same things.
struct OperationNames {
  cudnnBackendDescriptorType_t type;
  cudnnBackendAttributeName_t convolution, image, weight, features, alpha, beta;
};

OperationNames NamesOf(ConvPass pass) {
  switch (pass) {
    case ConvPass::kForward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case ConvPass::kBackwardData:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    case ConvPass::kBackwardWeight:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  }
  Fail("no such pass of a convolution");
}

Descriptor MakeOperation(ConvPass pass, const Descriptor& convolution, const Descriptor& image,
                         const Descriptor& weight, const Descriptor& features) {
  const OperationNames names = NamesOf(pass);
  Descriptor operation(names.type);
  operation.Set(names.convolution, convolution);
  operation.Set(names.image, image);
  operation.Set(names.weight, weight);
  operation.Set(names.features, features);
  operation.Set(names.alpha, 1.0F);
  operation.Set(names.beta, 0.0F);
  operation.Finalize();
  return operation;
}

std::vector<Descriptor> MakeTensors(const ConvProblem& problem, int alignment_bytes) {
  const ConvGeometry& g = problem.geometry;
  std::vector<Descriptor> tensors;
  tensors.push_back(MakeTensor(kImageId, problem.mode, alignment_bytes, g.n, g.h, g.w, g.c));
  tensors.push_back(MakeTensor(kWeightId, problem.mode, alignment_bytes, g.k, g.r, g.s, g.c));
  tensors.push_back(MakeTensor(kFeaturesId, problem.mode, alignment_bytes, g.n, g.p, g.q, g.k));
  return tensors;
}

// Throws where an engine's results are not what the mode promises.
void CheckAdmissible(const Descriptor& engine, MatrixMode mode) {
  for (const auto note : engine.GetAll<cudnnBackendNumericalNote_t>(
           CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT)) {
    if (note == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC) Fail("is not deterministic");
    if (note == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) Fail("rounds its sums");
    if (mode != MatrixMode::kFp32) continue;
    if (note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE) Fail("uses tensor cores");
    if (note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS) Fail("rounds its inputs");
  }
}

EngineChoice ChoiceOf(const Descriptor& config) {
  EngineChoice choice;
  choice.engine = config.GetAll(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1)
                      .at(0)
                      .Get<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
  for (const Descriptor& knob :
       config.GetAll(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR,
                     CUDNN_KNOB_TYPE_COUNTS)) {
    choice.knobs.emplace_back(knob.Get<cudnnBackendKnobType_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE),
                              knob.Get<int64_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE));
  }
  return choice;
}

}  // namespace

Target::Target(const std::string& properties_json)
    : properties_(Descriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR)) {
  properties_->Set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                   std::vector<char>(properties_json.begin(), properties_json.end()));
  properties_->Finalize();
}

void Target::SetHandle(Descriptor& descriptor, cudnnBackendAttributeName_t name) const {
  if (!properties_) descriptor.Set(name, handle_);
}

void Target::SetProperties(Descriptor& descriptor, cudnnBackendAttributeName_t name) const {
  if (properties_) descriptor.Set(name, *properties_);
}

std::string Describe(const EngineChoice& choice) {
  std::string text = fmt::format("engine {}", choice.engine);
  for (const auto& [type, value] : choice.knobs) text += fmt::format(", knob {} {}", type, value);
  return text;
}

ConvolutionGraph::ConvolutionGraph(const ConvProblem& problem, int alignment_bytes,
                                   const Target& target)
    : problem_(problem),
      target_(target),
      tensors_(MakeTensors(problem, alignment_bytes)),
      convolution_(MakeConvolution(problem.geometry)),
      operation_(MakeOperation(problem.pass, convolution_, tensors_[0], tensors_[1], tensors_[2])),
      graph_(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) {
  target_.SetHandle(graph_, CUDNN_ATTR_OPERATIONGRAPH_HANDLE);
  graph_.Set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation_);
  graph_.Finalize();
}

std::vector<EngineChoice> ConvolutionGraph::Offers(cudnnBackendHeurMode_t heuristic) const {
  Descriptor query(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  query.Set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph_);
  query.Set(CUDNN_ATTR_ENGINEHEUR_MODE, heuristic);
  target_.SetProperties(query, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP);
  if (query.TryFinalize() != CUDNN_STATUS_SUCCESS) return {};  // has nothing for this problem
  std::vector<EngineChoice> offers;
  for (const Descriptor& config :
       query.GetAll(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
                    query.Count(CUDNN_ATTR_ENGINEHEUR_RESULTS))) {
    offers.push_back(ChoiceOf(config));
  }
  return offers;
}

std::vector<ExecutionPlan> ConvolutionGraph::AdmissiblePlans(size_t at_most) const {
  std::vector<ExecutionPlan> plans;
  std::vector<EngineChoice> seen;
  std::string refusal;
  for (const auto heuristic : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_B, CUDNN_HEUR_MODE_FALLBACK}) {
    for (const EngineChoice& choice : Offers(heuristic)) {
      if (std::find(seen.begin(), seen.end(), choice) != seen.end()) continue;
      seen.push_back(choice);
      std::optional<ExecutionPlan> plan = Build(choice, refusal);
      if (plan) plans.push_back(std::move(*plan));
      if (plans.size() == at_most) return plans;
    }
  }
  if (plans.empty()) {
    Fail("cuDNN offers {} plans, none admissible{}{}", seen.size(), seen.empty() ? "" : "; ",
         refusal);
  }
  return plans;
}

std::optional<ExecutionPlan> ConvolutionGraph::Build(const EngineChoice& choice,
                                                     std::string& refusal) const {
  try {
    Descriptor config = Configure(choice);
    Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    target_.SetHandle(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE);
    target_.SetProperties(plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
    plan.Set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
    plan.Finalize();
    const auto workspace_bytes = plan.Get<int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
    if (workspace_bytes > static_cast<int64_t>(kMaxWorkspaceBytes)) {
      Fail("needs {} bytes of workspace", workspace_bytes);
    }
    return ExecutionPlan{choice, std::move(config), std::move(plan),
                         static_cast<size_t>(workspace_bytes)};
  } catch (const Error& error) {
    refusal = fmt::format("{}: {}", Describe(choice), error.what());
    return std::nullopt;
  }
}

Descriptor ConvolutionGraph::Configure(const EngineChoice& choice) const {
  Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  engine.Set(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, graph_);
  engine.Set(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, choice.engine);
  target_.SetProperties(engine, CUDNN_ATTR_ENGINE_DEVICEPROP);
  engine.Finalize();
  CheckAdmissible(engine, problem_.mode);

  std::vector<Descriptor> knobs;
  for (const auto& [type, value] : choice.knobs) {
    Descriptor& knob = knobs.emplace_back(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    knob.Set(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, static_cast<cudnnBackendKnobType_t>(type));
    knob.Set(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, value);
    knob.Finalize();
  }
  Descriptor config(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  config.Set(CUDNN_ATTR_ENGINECFG_ENGINE, engine);
  if (!knobs.empty()) config.Set(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, knobs);
  config.Finalize();
  return config;
}

}  // namespace numeral::cuda
