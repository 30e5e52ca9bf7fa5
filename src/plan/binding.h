// Tensor ids of a plan bound to the addresses of an executable's arenas.
#pragma once

#include <cstddef>
#include <type_traits>

#include "plan/plan.h"
#include "util/error.h"

namespace numeral {

class PlanBinding {
 public:
  // The plan outlives it.
  PlanBinding(const Plan& plan, std::byte* persistent, std::byte* data, std::byte* transient)
      : plan_(plan), persistent_(persistent), data_(data), transient_(transient) {}

  const Plan& plan() const { return plan_; }
  const TensorInfo& info(TensorId id) const { return plan_.tensor(id); }
  uint64_t seed() const { return plan_.seed; }

  std::byte* Address(TensorId id) const {
    const TensorInfo& tensor = info(id);
    return ArenaOf(tensor.storage) + tensor.offset_bytes;
  }
  // nullptr for kNoTensor.
  float* F32(TensorId id) const { return Typed<float>(id, DType::kF32); }
  int32_t* I32(TensorId id) const { return Typed<int32_t>(id, DType::kI32); }
  int64_t* I64(TensorId id) const { return Typed<int64_t>(id, DType::kI64); }
  uint8_t* U8(TensorId id) const { return Typed<uint8_t>(id, DType::kU8); }
  // An activation stored as T: float, or what the engine calls bf16.
  template <typename T>
  T* Activation(TensorId id) const {
    return Typed<T>(id, std::is_same_v<T, float> ? DType::kF32 : DType::kBF16);
  }

 private:
  template <typename T>
  T* Typed(TensorId id, DType dtype) const {
    if (id == kNoTensor) return nullptr;
    NUMERAL_CHECK(info(id).dtype == dtype);
    return reinterpret_cast<T*>(Address(id));
  }

  std::byte* ArenaOf(Storage storage) const {
    switch (storage) {
      case Storage::kPersistent:
        return persistent_;
      case Storage::kData:
        return data_;
      case Storage::kTransient:
        return transient_;
    }
    Fail("internal error: no such storage");
  }

  const Plan& plan_;
  std::byte* persistent_;
  std::byte* data_;
  std::byte* transient_;
};

}  // namespace numeral
