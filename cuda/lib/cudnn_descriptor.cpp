#include "cuda/lib/cudnn_descriptor.h"

#include <array>

#include "util/error.h"

namespace numeral::cuda {

std::string DescribeStatus(cudnnStatus_t status) {
  std::array<char, 512> explanation{};
  cudnnGetLastErrorString(explanation.data(), explanation.size());
  const std::string name = cudnnGetErrorString(status);
  return explanation[0] == '\0' ? name : fmt::format("{} ({})", name, explanation.data());
}

void CheckCudnn(cudnnStatus_t status, std::string_view what) {
  if (status != CUDNN_STATUS_SUCCESS) Fail("{}: {}", what, DescribeStatus(status));
}

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) : type_(type) {
  CheckCudnn(cudnnBackendCreateDescriptor(type, &descriptor_),
             fmt::format("cudnnBackendCreateDescriptor of type {}", static_cast<int>(type)));
}

Descriptor::~Descriptor() {
  if (descriptor_ != nullptr) cudnnBackendDestroyDescriptor(descriptor_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(type_, other.type_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void Descriptor::Set(cudnnBackendAttributeName_t name, const Descriptor& value) {
  SetRaw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.descriptor_);
}

void Descriptor::Set(cudnnBackendAttributeName_t name, const std::vector<Descriptor>& values) {
  std::vector<cudnnBackendDescriptor_t> raw;
  for (const Descriptor& value : values) raw.push_back(value.descriptor_);
  SetRaw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, std::ssize(raw), raw.data());
}

std::vector<Descriptor> Descriptor::GetAll(cudnnBackendAttributeName_t name,
                                           cudnnBackendDescriptorType_t type,
                                           int64_t capacity) const {
  std::vector<Descriptor> values;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (int64_t i = 0; i < capacity; ++i) raw.push_back(values.emplace_back(type).descriptor_);
  const int64_t count = GetRaw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, capacity, raw.data());
  while (std::ssize(values) > count) values.pop_back();
  return values;
}

void Descriptor::Finalize() {
  CheckCudnn(TryFinalize(), fmt::format("cudnnBackendFinalize of a descriptor of type {}",
                                        static_cast<int>(type_)));
}

void Descriptor::SetRaw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                        int64_t count, const void* values) {
  CheckCudnn(cudnnBackendSetAttribute(descriptor_, name, type, count, values),
             fmt::format("cudnnBackendSetAttribute of attribute {}", static_cast<int>(name)));
}

int64_t Descriptor::GetRaw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                           int64_t count, void* values) const {
  int64_t available = 0;
  CheckCudnn(cudnnBackendGetAttribute(descriptor_, name, type, count, &available, values),
             fmt::format("cudnnBackendGetAttribute of attribute {}", static_cast<int>(name)));
  return available;
}

}  // namespace numeral::cuda
