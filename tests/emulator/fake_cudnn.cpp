#include "tests/emulator/fake_cudnn.h"

#include <cudnn_graph.h>

#include <algorithm>
#include <cstring>

#include "tests/emulator/fake_cudnn_engines.h"
#include "tests/emulator/stream.h"

using numeral::emulator::CudnnRefusal;
using numeral::emulator::Demand;
using numeral::emulator::FakeConvolution;
using numeral::emulator::FakeDescriptor;
using numeral::emulator::FakeDescriptorHandle;
using numeral::emulator::FakeDescriptorPtr;
using numeral::emulator::FakeTensor;

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace {

thread_local std::string last_error;
std::map<int64_t, int> executions;
int live_descriptors = 0;

// Runs a call's body; a refusal becomes its status.
template <typename Body>
cudnnStatus_t Guarded(const Body& body) {
  try {
    body();
    return CUDNN_STATUS_SUCCESS;
  } catch (const CudnnRefusal& refusal) {
    last_error = refusal.explanation;
    return refusal.status;
  }
}

std::shared_ptr<FakeDescriptor>& Held(cudnnBackendDescriptor_t descriptor) {
  Demand(descriptor != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "null descriptor");
  return static_cast<FakeDescriptorHandle*>(descriptor)->descriptor;
}

const FakeDescriptor& Finished(cudnnBackendDescriptor_t descriptor,
                               cudnnBackendDescriptorType_t type) {
  const FakeDescriptor& held = *Held(descriptor);
  Demand(held.type() == type, CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "wrong type of descriptor");
  Demand(held.finalized(), CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the descriptor is not finalized");
  return held;
}

// An attribute to be read: cuDNN copies as many elements as there is room for.
class Answer {
 public:
  Answer(cudnnBackendAttributeType_t type, int64_t room, int64_t* count, void* elements)
      : type_(type), room_(room), count_(count), elements_(elements) {}

  template <typename T>
  void Give(cudnnBackendAttributeType_t type, const std::vector<T>& values) const {
    const size_t given = Begin(type, std::ssize(values), std::min(room_, std::ssize(values)));
    if (given > 0) std::memcpy(elements_, values.data(), given * sizeof(T));
  }
  // Descriptors are copied into those that the caller has made.
  void Give(const std::vector<FakeDescriptorPtr>& values, int64_t told) const {
    const size_t given = Begin(CUDNN_TYPE_BACKEND_DESCRIPTOR, std::ssize(values), told);
    for (size_t i = 0; i < std::min(given, static_cast<size_t>(room_)); ++i) {
      auto& target = Held(static_cast<cudnnBackendDescriptor_t*>(elements_)[i]);
      Demand(target->type() == values[i]->type() && !target->finalized(),
             CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "the descriptor cannot take the answer");
      target = std::make_shared<FakeDescriptor>(*values[i]);
    }
  }

  int64_t room() const { return room_; }

 private:
  size_t Begin(cudnnBackendAttributeType_t type, int64_t available, int64_t told) const {
    Demand(type == type_, CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "the attribute has another type");
    Demand(room_ == 0 || elements_ != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "null array");
    if (count_ != nullptr) *count_ = told;
    return static_cast<size_t>(std::min(available, told));
  }

  cudnnBackendAttributeType_t type_;
  int64_t room_;
  int64_t* count_;
  void* elements_;
};

void GetAttribute(const FakeDescriptor& of, cudnnBackendAttributeName_t name,
                  const Answer& answer) {
  switch (name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS: {
      const auto offers = OffersOf(of);
      // This attribute tells its number also where there is no room.
      answer.Give(offers, answer.room() == 0 ? std::ssize(offers)
                                             : std::min(answer.room(), std::ssize(offers)));
      break;
    }
    case CUDNN_ATTR_ENGINECFG_ENGINE:
    case CUDNN_ATTR_ENGINECFG_KNOB_CHOICES: {
      const auto children = of.Has(name) ? of.Children(name) : std::vector<FakeDescriptorPtr>{};
      answer.Give(children, std::min(answer.room(), std::ssize(children)));
      break;
    }
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
    case CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE:
      answer.Give(CUDNN_TYPE_INT64, of.All<int64_t>(name));
      break;
    case CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE:
      answer.Give(CUDNN_TYPE_KNOB_TYPE, of.All<cudnnBackendKnobType_t>(name));
      break;
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
      answer.Give(CUDNN_TYPE_NUMERICAL_NOTE, NotesOf(of));
      break;
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE: {
      const auto index = static_cast<size_t>(EngineIndexOf(of));
      const size_t bytes = numeral::emulator::FakeEngines()[index].workspace_bytes;
      answer.Give(CUDNN_TYPE_INT64, std::vector{static_cast<int64_t>(bytes)});
      break;
    }
    default:
      throw CudnnRefusal{CUDNN_STATUS_NOT_SUPPORTED,
                         "the fake does not tell attribute " + std::to_string(name)};
  }
}

// The pointer of a tensor in a variant pack.
void* PointerOf(const FakeDescriptor& pack, const FakeTensor& tensor) {
  const auto ids = pack.All<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = pack.All<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  const auto found = std::find(ids.begin(), ids.end(), tensor.id);
  Demand(found != ids.end(), CUDNN_STATUS_BAD_PARAM, "a tensor has no pointer");
  void* pointer = pointers[static_cast<size_t>(found - ids.begin())];
  Demand(pointer != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a tensor's pointer is null");
  Demand(reinterpret_cast<uintptr_t>(pointer) % static_cast<uintptr_t>(tensor.alignment_bytes) == 0,
         CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "a tensor is not aligned as it says");
  return pointer;
}

void Execute(cudnnHandle_t handle, const FakeDescriptor& plan, const FakeDescriptor& pack) {
  Demand(handle == plan.One<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE),
         CUDNN_STATUS_BAD_PARAM, "the plan is of another handle");
  const FakeConvolution convolution = ConvolutionOf(plan);
  const int64_t index = EngineIndexOf(plan);
  const auto& engine = numeral::emulator::FakeEngines()[static_cast<size_t>(index)];
  void* const image = PointerOf(pack, convolution.image);
  void* const weight = PointerOf(pack, convolution.weight);
  void* const features = PointerOf(pack, convolution.features);
  void* const workspace = pack.One<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
  Demand(engine.workspace_bytes == 0 || workspace != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER,
         "the workspace is null");
  ++executions[index];
  const auto work = [convolution, engine, image, weight, features, workspace] {
    // A workspace has no contents: whoever keeps anything there finds NaN.
    if (engine.workspace_bytes > 0) std::memset(workspace, 0xFF, engine.workspace_bytes);
    Compute(convolution, engine.arithmetic, image, weight, features);
  };
  const cudaError_t error = numeral::emulator::Enqueue(
      handle->stream, "convolution by engine " + std::to_string(index), work);
  Demand(error == cudaSuccess, CUDNN_STATUS_EXECUTION_FAILED_CUDART, cudaGetErrorString(error));
}

}  // namespace

namespace numeral::emulator {

const std::map<int64_t, int>& CudnnExecutions() { return executions; }
int LiveCudnnDescriptors() { return live_descriptors; }

}  // namespace numeral::emulator

extern "C" {

size_t cudnnGetVersion() { return CUDNN_VERSION; }

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (CUDNN_STATUS_CATEGORY(status)) {
    case 0:
      return "CUDNN_STATUS_SUCCESS";
    case 2000:
      return "CUDNN_STATUS_BAD_PARAM";
    case 3000:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    default:
      return "CUDNN_STATUS_EXECUTION_FAILED";
  }
}

void cudnnGetLastErrorString(char* message, size_t max_size) {
  if (max_size == 0) return;
  message[last_error.copy(message, max_size - 1)] = '\0';
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = new cudnnContext;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* descriptor) {
  return Guarded([&] {
    *descriptor = new FakeDescriptorHandle{std::make_shared<FakeDescriptor>(type)};
    ++live_descriptors;
  });
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  --live_descriptors;
  delete static_cast<FakeDescriptorHandle*>(descriptor);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void* elements) {
  return Guarded([&] { Held(descriptor)->Set(name, type, count, elements); });
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t requested,
                                       int64_t* count, void* elements) {
  return Guarded([&] {
    Demand(Held(descriptor)->finalized(), CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "not finalized");
    GetAttribute(*Held(descriptor), name, Answer(type, requested, count, elements));
  });
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  return Guarded([&] {
    Held(descriptor)->DemandComplete();
    CheckDescriptor(*Held(descriptor));
    Held(descriptor)->MarkFinalized();
  });
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  return Guarded([&] {
    Execute(handle, Finished(plan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR),
            Finished(pack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR));
  });
}

}  // extern "C"
