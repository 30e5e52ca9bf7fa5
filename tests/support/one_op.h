// Plans of one op with their inputs: the cases that every engine is held against the reference by.
//
// All tensors are persistent, so that the host reads them; each is followed by a guard that a stray
// write would damage. Weights get the PrepareWeight that a real plan has.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.h"
#include "tests/tolerance.h"

namespace numeral {

inline int64_t AlignUp(int64_t bytes, int64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

class Executable;
namespace reference {
class ReferenceExecutable;
}

struct OpCase {
  std::string name;
  std::shared_ptr<const Plan> plan;  // one phase; its last op is the one under test
  // What the host writes before the phase, by tensor. Outputs come first, inputs second: an output
  // that lies on an input's memory must not wipe it out.
  std::vector<std::pair<TensorId, std::vector<std::byte>>> writes;
  Tolerance tolerance;
  // Uses what Capabilities::conv_epilogue or dense_epilogue announce; may be unsupported.
  bool needs_epilogue = false;

  const Op& op() const { return plan->phases[0].ops.back().op; }
};

class OneOpPlan {
 public:
  explicit OneOpPlan(uint64_t seed = 20150625) { plan_.seed = seed; }

  TensorId Add(const std::string& name, int64_t rows, const Shape& shape,
               DType dtype = DType::kF32);
  TensorId AddVector(const std::string& name, int elems) {
    return Add(name, 1, Shape::Flat(elems));
  }
  // A view of `rows` rows from `first_row` of `base` on.
  TensorId AddRows(const std::string& name, TensorId base, int64_t first_row, int64_t rows);
  // Another tensor of the same size in the same memory: how a plan says "in place".
  TensorId AddOverlay(const std::string& name, TensorId below);
  // The i64 counter, as it stands during step `running_step`.
  TensorId AddStep(int64_t running_step);

  // Inputs that are not set get uniform numbers in [-1, 1), drawn from the tensor's name; outputs
  // NaN.
  void SetUniform(TensorId id, double low, double high);
  void SetReals(TensorId id, const std::vector<float>& values);
  void SetIntegers(TensorId id, const std::vector<int64_t>& values);
  // Digits drawn from 0 .. 9.
  void SetDigits(TensorId id);

  const TensorInfo& info(TensorId id) const { return plan_.tensor(id); }
  OpCase Finish(const std::string& name, const Op& op, const Tolerance& tolerance);

 private:
  TensorId Place(TensorInfo info, int64_t alignment);
  void SetUnsetOperands(const Op& op);

  Plan plan_;
  std::map<TensorId, std::vector<std::byte>> values_;
};

// The same case with the activations of the op under test stored as bf16, and its inputs (weights
// too) rounded to bf16, so that only the arithmetic and the rounding of results differ from the
// reference. Nothing where the op has no activations.
std::optional<OpCase> WithBf16Activations(const OpCase& op_case);

// The same case with every tensor one element behind a multiple of 64 bytes, as a view of rows may
// lie.
OpCase WithMisalignedTensors(const OpCase& op_case);

// What the reference gives for the case, rounded to fp32, by tensor name: inputs of a backward
// case.
class ReferenceResult {
 public:
  explicit ReferenceResult(const OpCase& forward);
  std::vector<float> Reals(const std::string& name) const;
  std::vector<double> Doubles(const std::string& name) const;
  std::vector<int64_t> Integers(const std::string& name) const;

 private:
  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<reference::ReferenceExecutable> executable_;
};

// Copies of a case's writes into an executable.
void WriteInputs(const OpCase& op_case, Executable& executable);

}  // namespace numeral
