// The descriptors of cuDNN's backend API as values that own themselves, and the check of its calls.
//
// Refuses nothing by itself: what cuDNN does not take comes back as an Error(kFailure) that names
// the call, cuDNN's status and its own explanation. Used by the other files of cuda/lib alone.
#pragma once

#include <cudnn_graph.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace numeral::cuda {

// Throws where `status` is not success. `what`: the call and what it was about.
void CheckCudnn(cudnnStatus_t status, std::string_view what);
// "CUDNN_STATUS_NOT_SUPPORTED (the layout ...)", with the last error's explanation.
std::string DescribeStatus(cudnnStatus_t status);

// How the API calls a C++ type.
template <typename T>
inline constexpr std::optional<cudnnBackendAttributeType_t> kAttributeType = std::nullopt;
template <>
inline constexpr std::optional kAttributeType<int64_t> = CUDNN_TYPE_INT64;
template <>
inline constexpr std::optional kAttributeType<float> = CUDNN_TYPE_FLOAT;
template <>
inline constexpr std::optional kAttributeType<char> = CUDNN_TYPE_CHAR;
template <>
inline constexpr std::optional kAttributeType<void*> = CUDNN_TYPE_VOID_PTR;
template <>
inline constexpr std::optional kAttributeType<cudnnHandle_t> = CUDNN_TYPE_HANDLE;
template <>
inline constexpr std::optional kAttributeType<cudnnDataType_t> = CUDNN_TYPE_DATA_TYPE;
template <>
inline constexpr std::optional kAttributeType<cudnnConvolutionMode_t> = CUDNN_TYPE_CONVOLUTION_MODE;
template <>
inline constexpr std::optional kAttributeType<cudnnBackendHeurMode_t> = CUDNN_TYPE_HEUR_MODE;
template <>
inline constexpr std::optional kAttributeType<cudnnBackendKnobType_t> = CUDNN_TYPE_KNOB_TYPE;
template <>
inline constexpr std::optional kAttributeType<cudnnBackendNumericalNote_t> =
    CUDNN_TYPE_NUMERICAL_NOTE;
template <>
inline constexpr std::optional kAttributeType<cudnnBackendBehaviorNote_t> =
    CUDNN_TYPE_BEHAVIOR_NOTE;

class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept
      : type_(other.type_), descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;

  template <typename T>
  void Set(cudnnBackendAttributeName_t name, const T& value) {
    SetRaw(name, kAttributeType<T>.value(), 1, &value);
  }
  template <typename T>
  void Set(cudnnBackendAttributeName_t name, const std::vector<T>& values) {
    SetRaw(name, kAttributeType<T>.value(), std::ssize(values), values.data());
  }
  void Set(cudnnBackendAttributeName_t name, const Descriptor& value);
  void Set(cudnnBackendAttributeName_t name, const std::vector<Descriptor>& values);

  template <typename T>
  T Get(cudnnBackendAttributeName_t name) const {
    T value{};
    GetRaw(name, kAttributeType<T>.value(), 1, &value);
    return value;
  }
  // At most `capacity` values. Not every attribute tells its number before it is read.
  template <typename T>
  std::vector<T> GetAll(cudnnBackendAttributeName_t name, int64_t capacity) const {
    std::vector<T> values(static_cast<size_t>(capacity));
    values.resize(
        static_cast<size_t>(GetRaw(name, kAttributeType<T>.value(), capacity, values.data())));
    return values;
  }
  // Attributes that are descriptors of `type` themselves.
  std::vector<Descriptor> GetAll(cudnnBackendAttributeName_t name,
                                 cudnnBackendDescriptorType_t type, int64_t capacity) const;
  // How many descriptors an attribute holds, where it tells.
  int64_t Count(cudnnBackendAttributeName_t name) const {
    return GetRaw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, nullptr);
  }

  void Finalize();
  // The same where a refusal is an answer.
  cudnnStatus_t TryFinalize() { return cudnnBackendFinalize(descriptor_); }

  cudnnBackendDescriptor_t get() const { return descriptor_; }

 private:
  void SetRaw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
              const void* values);
  // Writes at most `count`; returns how many there are.
  int64_t GetRaw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                 void* values) const;

  cudnnBackendDescriptorType_t type_;
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

}  // namespace numeral::cuda
