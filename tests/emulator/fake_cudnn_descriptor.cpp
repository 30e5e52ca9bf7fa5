#include "tests/emulator/fake_cudnn_descriptor.h"

#include <algorithm>

namespace numeral::emulator {
namespace {

struct Rule {
  cudnnBackendAttributeType_t type;
  int64_t least, most;  // elements
  bool required = true;
};
using Rules = std::map<cudnnBackendAttributeName_t, Rule>;

constexpr Rule kDescriptor{CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1};
constexpr Rule kInteger{CUDNN_TYPE_INT64, 1, 1};
constexpr Rule kNumber{CUDNN_TYPE_FLOAT, 1, 1};
constexpr Rule kHandle{CUDNN_TYPE_HANDLE, 1, 1};
constexpr Rule kDataType{CUDNN_TYPE_DATA_TYPE, 1, 1};
constexpr Rule kTensorSides{CUDNN_TYPE_INT64, 1, CUDNN_DIM_MAX};
constexpr Rule kSpatial{CUDNN_TYPE_INT64, 1, CUDNN_DIM_MAX - 2};

const std::map<cudnnBackendDescriptorType_t, Rules>& AllRules() {
  static const std::map<cudnnBackendDescriptorType_t, Rules> rules = {
      {CUDNN_BACKEND_TENSOR_DESCRIPTOR,
       {{CUDNN_ATTR_TENSOR_DATA_TYPE, kDataType},
        {CUDNN_ATTR_TENSOR_DIMENSIONS, kTensorSides},
        {CUDNN_ATTR_TENSOR_STRIDES, kTensorSides},
        {CUDNN_ATTR_TENSOR_UNIQUE_ID, kInteger},
        {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kInteger}}},
      {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR,
       {{CUDNN_ATTR_CONVOLUTION_COMP_TYPE, kDataType},
        {CUDNN_ATTR_CONVOLUTION_CONV_MODE, {CUDNN_TYPE_CONVOLUTION_MODE, 1, 1}},
        {CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, kInteger},
        {CUDNN_ATTR_CONVOLUTION_DILATIONS, kSpatial},
        {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, kSpatial},
        {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, kSpatial},
        {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, kSpatial}}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, kNumber},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, kNumber}}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, kNumber},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, kNumber}}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, kDescriptor},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, kNumber},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, kNumber}}},
      {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATIONGRAPH_HANDLE, kHandle},
        {CUDNN_ATTR_OPERATIONGRAPH_OPS, {CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 100}}}},
      {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR,
       {{CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, kDescriptor},
        {CUDNN_ATTR_ENGINEHEUR_MODE, {CUDNN_TYPE_HEUR_MODE, 1, 1}}}},
      {CUDNN_BACKEND_ENGINE_DESCRIPTOR,
       {{CUDNN_ATTR_ENGINE_OPERATION_GRAPH, kDescriptor},
        {CUDNN_ATTR_ENGINE_GLOBAL_INDEX, kInteger}}},
      {CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR,
       {{CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, {CUDNN_TYPE_KNOB_TYPE, 1, 1}},
        {CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, kInteger}}},
      {CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
       {{CUDNN_ATTR_ENGINECFG_ENGINE, kDescriptor},
        {CUDNN_ATTR_ENGINECFG_KNOB_CHOICES,
         {CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, CUDNN_KNOB_TYPE_COUNTS, false}}}},
      {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR,
       {{CUDNN_ATTR_EXECUTION_PLAN_HANDLE, kHandle},
        {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, kDescriptor}}},
      {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
       {{CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, {CUDNN_TYPE_INT64, 1, 100}},
        {CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, {CUDNN_TYPE_VOID_PTR, 1, 100}},
        {CUDNN_ATTR_VARIANT_PACK_WORKSPACE, {CUDNN_TYPE_VOID_PTR, 1, 1}}}},
  };
  return rules;
}

size_t BytesOfType(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
      return 8;
    default:
      return 4;  // float and the enums
  }
}

}  // namespace

void Demand(bool condition, cudnnStatus_t status, const std::string& explanation) {
  if (!condition) throw CudnnRefusal{status, explanation};
}

FakeDescriptor::FakeDescriptor(cudnnBackendDescriptorType_t type) : type_(type) {
  Demand(AllRules().contains(type), CUDNN_STATUS_NOT_SUPPORTED,
         "the fake has no descriptor of type " + std::to_string(type));
}

void FakeDescriptor::Set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                         int64_t count, const void* values) {
  const std::string what = "attribute " + std::to_string(name);
  Demand(!finalized_, CUDNN_STATUS_BAD_PARAM, what + ": the descriptor is finalized");
  const Rules& rules = AllRules().at(type_);
  const auto rule = rules.find(name);
  Demand(rule != rules.end(), CUDNN_STATUS_NOT_SUPPORTED,
         what + " is unknown for type " + std::to_string(type_));
  Demand(rule->second.type == type, CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE,
         what + " has another type");
  Demand(count >= rule->second.least && count <= rule->second.most,
         CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND, what + ": wrong number of elements");
  Demand(values != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER, what + ": null");

  Attribute attribute;
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    const auto* handles = static_cast<const cudnnBackendDescriptor_t*>(values);
    for (int64_t i = 0; i < count; ++i) {
      Demand(handles[i] != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER, what + ": null");
      const auto& child = static_cast<const FakeDescriptorHandle*>(handles[i])->descriptor;
      Demand(child->finalized(), CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, what);
      attribute.children.push_back(child);
    }
  } else {
    const auto* bytes = static_cast<const std::byte*>(values);
    attribute.bytes.assign(bytes, bytes + static_cast<size_t>(count) * BytesOfType(type));
  }
  attributes_[name] = std::move(attribute);
}

void FakeDescriptor::DemandComplete() const {
  for (const auto& [name, rule] : AllRules().at(type_)) {
    Demand(!rule.required || Has(name), CUDNN_STATUS_BAD_PARAM,
           "attribute " + std::to_string(name) + " is not set");
  }
}

}  // namespace numeral::emulator
