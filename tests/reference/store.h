// The memory of the reference engine.
//
// Every base tensor has its own vector, so nothing is shared but what views share: arena offsets
// are not looked at. f32 and bf16 tensors are held as
// double; all integer types as int64. Everything starts
// poisoned (NaN, or a number no index check lets through), so reading what was never written shows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/plan.h"

namespace numeral::reference {

inline constexpr int64_t kPoisonedInteger = -987654321;

// Values of `n` images in NHWC, indexed by coordinates.
struct Images {
  std::span<double> values;
  int h, w, c;

  double& operator()(int n, int y, int x, int channel) const {
    return values[static_cast<size_t>(((int64_t{n} * h + y) * w + x) * c + channel)];
  }
};

class Store {
 public:
  // Throws Error(kFailure) where a view leaves its base. `plan` must outlive the store.
  explicit Store(const Plan& plan);

  const Plan& plan() const { return plan_; }
  const TensorInfo& info(TensorId id) const { return plan_.tensor(id); }
  int64_t rows(TensorId id) const { return info(id).rows; }
  const Shape& shape(TensorId id) const { return info(id).shape; }

  // All elements of a tensor or view; empty for kNoTensor. Throws where the type is another.
  std::span<double> F32(TensorId id);
  std::span<int64_t> Integers(TensorId id);
  // An f32 tensor by its own shape.
  Images AsImages(TensorId id);

  // Index of the running step, by the counter tensor; 0 where there is no counter.
  int64_t RunningStep(TensorId step);

  void Poison(Storage storage);

 private:
  const Plan& plan_;
  std::vector<std::vector<double>> reals_;      // by base tensor; empty for integer ones
  std::vector<std::vector<int64_t>> integers_;  // by base tensor; empty for real ones
};

}  // namespace numeral::reference
