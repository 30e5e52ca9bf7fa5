// Collects tensors and ops and hands out a finished, placed Plan. Used by the plan compiler and by
// tests that need a plan of a single op.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "plan/compile.h"
#include "plan/plan.h"

namespace numeral {

class PlanBuilder {
 public:
  explicit PlanBuilder(uint64_t seed) { plan_.seed = seed; }

  // Names must be unique. Shapes are per row.
  TensorId Transient(std::string name, int64_t rows, Shape shape, DType dtype = DType::kF32);
  TensorId Persistent(std::string name, int64_t rows, Shape shape, DType dtype = DType::kF32);
  TensorId Data(std::string name, int64_t rows, Shape shape, DType dtype = DType::kF32);
  // `rows` x `shape` elements of `base` from `offset_elems` on; a view of a view is resolved.
  TensorId View(std::string name, TensorId base, int64_t offset_elems, int64_t rows, Shape shape);
  // Rows [first_row, first_row + rows) of a tensor; the tensor itself where that is all of it. The
  // same rows give the same id.
  TensorId Rows(TensorId tensor, int64_t first_row, int64_t rows);

  // A stream's id; refuses two names with one id.
  uint32_t Stream(const std::string& name);

  void BeginPhase(PhaseKind kind, int batch_size);
  void Emit(Op op, std::string label);

  const TensorInfo& info(TensorId id) const { return plan_.tensor(id); }

  // Chooses the types of activations (precision.h), places everything (arena.h) and ends the
  // building.
  Plan Finish(const PlanOptions& options);

 private:
  TensorId Add(TensorInfo info);

  Plan plan_;
  std::map<uint32_t, std::string> streams_;
  std::map<std::string, TensorId, std::less<>> names_;
};

}  // namespace numeral
