// Tensor ids of a plan bound to device addresses, and the form in which ops are compiled.
//
// A Node is an op with its pointers, sizes and constants resolved: calling it enqueues the op's
// kernels on a stream and allocates nothing, so that it can be captured. MakeNode exists for every
// op (nodes.h).
#pragma once

#include <cstddef>
#include <functional>

#include "cuda/support/element.h"
#include "plan/plan.h"
#include "util/error.h"

namespace numeral::cuda {

using Node = std::function<void(cudaStream_t)>;

class Binding {
 public:
  Binding(const Plan& plan, std::byte* persistent, std::byte* transient)
      : plan_(plan), persistent_(persistent), transient_(transient) {}

  const Plan& plan() const { return plan_; }
  const TensorInfo& info(TensorId id) const { return plan_.tensor(id); }
  uint64_t seed() const { return plan_.seed; }

  std::byte* Address(TensorId id) const {
    const TensorInfo& tensor = info(id);
    return (tensor.storage == Storage::kPersistent ? persistent_ : transient_) +
           tensor.offset_bytes;
  }
  // The tensor that `id` is a view of, or itself.
  TensorId Base(TensorId id) const {
    const TensorId base = info(id).base;
    return base == kNoTensor ? id : base;
  }
  // Whether the two are the same values in the same place. Not of kNoTensor.
  bool SameMemory(TensorId a, TensorId b) const {
    return Address(a) == Address(b) && info(a).elems() == info(b).elems() &&
           info(a).dtype == info(b).dtype;
  }
  float* F32(TensorId id) const { return Typed<float>(id, DType::kF32); }
  int32_t* I32(TensorId id) const { return Typed<int32_t>(id, DType::kI32); }
  int64_t* I64(TensorId id) const { return Typed<int64_t>(id, DType::kI64); }
  uint8_t* U8(TensorId id) const { return Typed<uint8_t>(id, DType::kU8); }
  // An activation stored as T, float or bf16.
  template <typename T>
  T* Activation(TensorId id) const {
    return Typed<T>(id, std::is_same_v<T, float> ? DType::kF32 : DType::kBF16);
  }

  // use.template operator()<T>() with the type that tensor `id` is stored as.
  template <typename Use>
  Node WithElement(TensorId id, const Use& use) const {
    if (info(id).dtype == DType::kF32) return use.template operator()<float>();
    NUMERAL_CHECK(info(id).dtype == DType::kBF16);
    return use.template operator()<bf16>();
  }

 private:
  // nullptr for kNoTensor.
  template <typename T>
  T* Typed(TensorId id, DType dtype) const {
    if (id == kNoTensor) return nullptr;
    NUMERAL_CHECK(info(id).dtype == dtype);
    return reinterpret_cast<T*>(Address(id));
  }

  const Plan& plan_;
  std::byte* persistent_;
  std::byte* transient_;
};

}  // namespace numeral::cuda
