#include "tests/emulator/fake_cudnn_engines.h"

namespace numeral::emulator {
namespace {

const FakeDescriptor& GraphOf(const FakeDescriptor& descriptor) {
  switch (descriptor.type()) {
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
      return descriptor;
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
      return GraphOf(descriptor.Child(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH));
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
      return GraphOf(descriptor.Child(CUDNN_ATTR_ENGINE_OPERATION_GRAPH));
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
      return GraphOf(descriptor.Child(CUDNN_ATTR_ENGINECFG_ENGINE));
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
      return GraphOf(descriptor.Child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG));
    default:
      throw CudnnRefusal{CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "has no operation graph"};
  }
}

const FakeEngine& EngineOf(const FakeDescriptor& descriptor) {
  return FakeEngines().at(static_cast<size_t>(EngineIndexOf(descriptor)));
}

std::shared_ptr<FakeDescriptor> Finalized(std::shared_ptr<FakeDescriptor> descriptor) {
  descriptor->DemandComplete();
  CheckDescriptor(*descriptor);
  descriptor->MarkFinalized();
  return descriptor;
}

void SetChild(FakeDescriptor& parent, cudnnBackendAttributeName_t name,
              std::shared_ptr<FakeDescriptor> child) {
  FakeDescriptorHandle handle{std::move(child)};
  const cudnnBackendDescriptor_t raw = &handle;
  parent.Set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
}

FakeDescriptorPtr MakeConfig(const FakeDescriptor& graph, int64_t index,
                             std::optional<int64_t> tile) {
  const auto engine = std::make_shared<FakeDescriptor>(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  SetChild(*engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, std::make_shared<FakeDescriptor>(graph));
  engine->Set(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &index);
  const auto config = std::make_shared<FakeDescriptor>(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  SetChild(*config, CUDNN_ATTR_ENGINECFG_ENGINE, Finalized(engine));
  if (tile) {
    const auto knob = std::make_shared<FakeDescriptor>(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    const cudnnBackendKnobType_t type = CUDNN_KNOB_TYPE_TILE_SIZE;
    knob->Set(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &type);
    knob->Set(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &*tile);
    SetChild(*config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, Finalized(knob));
  }
  return Finalized(config);
}

void CheckKnobs(const FakeDescriptor& config) {
  if (!config.Has(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES)) return;
  for (const FakeDescriptorPtr& knob : config.Children(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES)) {
    const auto type = knob->One<cudnnBackendKnobType_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE);
    const auto value = knob->One<int64_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE);
    const auto largest = EngineOf(config).largest_tile;
    Demand(largest && type == CUDNN_KNOB_TYPE_TILE_SIZE, CUDNN_STATUS_BAD_PARAM,
           "the engine has no such knob");
    Demand(value >= 0 && value <= *largest, CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND,
           "the engine's knob has no such value");
  }
}

void CheckEngine(const FakeDescriptor& engine) {
  const int64_t index = EngineIndexOf(engine);
  Demand(index >= 0 && index < std::ssize(FakeEngines()), CUDNN_STATUS_NOT_SUPPORTED,
         "there is no such engine");
  const bool bf16 = ConvolutionOf(engine).image.bf16;
  Demand(bf16 ? EngineOf(engine).bf16 : EngineOf(engine).fp32, CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE,
         "the engine does not take this type");
}

}  // namespace

const std::vector<FakeEngine>& FakeEngines() {
  static const std::vector<FakeEngine> engines = {
      {FakeArithmetic::kFloat, true, false, {}, 3, 0},
      {FakeArithmetic::kTensorCore, true, true, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, 7, 4096},
      {FakeArithmetic::kNondeterministic,
       true,
       true,
       {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC},
       std::nullopt,
       0},
      {FakeArithmetic::kRoundedSums,
       true,
       true,
       {CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION},
       std::nullopt,
       0},
      {FakeArithmetic::kFloat, true, true, {}, std::nullopt, 0, false},
  };
  return engines;
}

FakeConvolution ConvolutionOf(const FakeDescriptor& descriptor) {
  return ReadOperation(GraphOf(descriptor).Child(CUDNN_ATTR_OPERATIONGRAPH_OPS));
}

int64_t EngineIndexOf(const FakeDescriptor& descriptor) {
  switch (descriptor.type()) {
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
      return EngineIndexOf(descriptor.Child(CUDNN_ATTR_ENGINECFG_ENGINE));
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
      return EngineIndexOf(descriptor.Child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG));
    default:
      return descriptor.One<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
  }
}

std::vector<cudnnBackendNumericalNote_t> NotesOf(const FakeDescriptor& engine) {
  std::vector<cudnnBackendNumericalNote_t> notes = EngineOf(engine).notes;
  if (EngineOf(engine).arithmetic == FakeArithmetic::kTensorCore &&
      !ConvolutionOf(engine).image.bf16) {
    notes.push_back(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS);
  }
  return notes;
}

std::vector<FakeDescriptorPtr> OffersOf(const FakeDescriptor& heuristic) {
  const FakeDescriptor& graph = GraphOf(heuristic);
  const bool bf16 = ConvolutionOf(graph).image.bf16;
  switch (heuristic.One<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE)) {
    case CUDNN_HEUR_MODE_A:
      return {MakeConfig(graph, 2, std::nullopt), MakeConfig(graph, 4, std::nullopt),
              MakeConfig(graph, 3, std::nullopt), MakeConfig(graph, 1, 5)};
    case CUDNN_HEUR_MODE_B:
      if (bf16) return {MakeConfig(graph, 1, 5)};
      return {MakeConfig(graph, 1, 5), MakeConfig(graph, 0, 2)};
    case CUDNN_HEUR_MODE_FALLBACK:
      return {MakeConfig(graph, 2, std::nullopt)};
    default:
      throw CudnnRefusal{CUDNN_STATUS_NOT_SUPPORTED, "no such heuristic here"};
  }
}

void CheckDescriptor(const FakeDescriptor& descriptor) {
  switch (descriptor.type()) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
      ReadTensor(descriptor);
      break;
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
      CheckConvolution(descriptor);
      break;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      ReadOperation(descriptor);
      break;
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
      Demand(descriptor.Children(CUDNN_ATTR_OPERATIONGRAPH_OPS).size() == 1,
             CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "graphs are of one operation here");
      ConvolutionOf(descriptor);
      break;
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
      OffersOf(descriptor);
      break;
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
      CheckEngine(descriptor);
      break;
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
      CheckKnobs(descriptor);
      break;
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
      Demand(EngineOf(descriptor).builds, CUDNN_STATUS_NOT_SUPPORTED, "the engine builds no plan");
      break;
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
      Demand(descriptor.All<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS).size() ==
                 descriptor.All<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).size(),
             CUDNN_STATUS_BAD_PARAM, "not one pointer for each id");
      break;
    default:
      break;
  }
}

}  // namespace numeral::emulator
