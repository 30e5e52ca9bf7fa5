// Descriptors of the fake cuDNN: attributes as they were set, by the rules of the backend API.
//
// Refuses every attribute that it does not know for a type of descriptor, wrong types and counts,
// and changes after finalization, as cuDNN does. Used by the other files of the fake alone.
#pragma once

#include <cudnn_graph.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace numeral::emulator {

// What a call of the fake returns, with the explanation that cudnnGetLastErrorString gives.
struct CudnnRefusal {
  cudnnStatus_t status;
  std::string explanation;
};
// Throws a CudnnRefusal unless the condition holds.
void Demand(bool condition, cudnnStatus_t status, const std::string& explanation);

class FakeDescriptor;
using FakeDescriptorPtr = std::shared_ptr<const FakeDescriptor>;

class FakeDescriptor {
 public:
  explicit FakeDescriptor(cudnnBackendDescriptorType_t type);

  cudnnBackendDescriptorType_t type() const { return type_; }
  bool finalized() const { return finalized_; }

  void Set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
           const void* values);
  // Every attribute that the type must have is there.
  void DemandComplete() const;
  void MarkFinalized() { finalized_ = true; }

  bool Has(cudnnBackendAttributeName_t name) const { return attributes_.contains(name); }
  template <typename T>
  std::vector<T> All(cudnnBackendAttributeName_t name) const {
    const std::vector<std::byte>& bytes = attributes_.at(name).bytes;
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  template <typename T>
  T One(cudnnBackendAttributeName_t name) const {
    return All<T>(name).at(0);
  }
  // Attributes that are descriptors.
  const std::vector<FakeDescriptorPtr>& Children(cudnnBackendAttributeName_t name) const {
    return attributes_.at(name).children;
  }
  const FakeDescriptor& Child(cudnnBackendAttributeName_t name) const {
    return *Children(name).at(0);
  }

 private:
  struct Attribute {
    std::vector<std::byte> bytes;
    std::vector<FakeDescriptorPtr> children;
  };

  cudnnBackendDescriptorType_t type_;
  bool finalized_ = false;
  std::map<cudnnBackendAttributeName_t, Attribute> attributes_;
};

// A cudnnBackendDescriptor_t points to one of these. Descriptors that were set as attributes of
// others live on in them.
struct FakeDescriptorHandle {
  std::shared_ptr<FakeDescriptor> descriptor;
};

}  // namespace numeral::emulator
