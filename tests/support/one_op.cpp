#include "tests/support/one_op.h"

#include <cstring>
#include <limits>
#include <optional>

#include "engine/engine.h"
#include "tests/reference/engine.h"
#include "util/bf16.h"
#include "util/error.h"
#include "util/random.h"

namespace numeral {

namespace {

constexpr int kGuardElems = 16;
constexpr float kGuardValue = 12345.0f;
constexpr int64_t kAlignment = 64, kGuardAlignment = 4;
constexpr int64_t kUnwrittenInteger = 99;  // no op gives it; fits every integer type

template <typename T, typename Source>
std::vector<std::byte> ToBytes(const std::vector<Source>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<T>(values[i]);
    std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
  }
  return bytes;
}

// The weight that an op reads through an engine's working copy.
std::optional<TensorId> WeightOf(const Op& op) {
  if (const auto* conv = std::get_if<ConvForward>(&op)) return conv->weight;
  if (const auto* conv = std::get_if<ConvBackwardData>(&op)) return conv->weight;
  if (const auto* dense = std::get_if<DenseForward>(&op)) return dense->weight;
  if (const auto* dense = std::get_if<DenseBackwardData>(&op)) return dense->weight;
  return std::nullopt;
}

bool NeedsEpilogue(const Op& op) {
  if (const auto* conv = std::get_if<ConvForward>(&op)) {
    return conv->bias != kNoTensor || !(conv->activation == Activation{});
  }
  if (const auto* dense = std::get_if<DenseForward>(&op)) {
    return dense->bias != kNoTensor || !(dense->activation == Activation{});
  }
  return false;
}

}  // namespace

TensorId OneOpPlan::Place(TensorInfo info, int64_t alignment) {
  info.storage = Storage::kPersistent;
  info.offset_bytes = AlignUp(plan_.persistent_bytes, alignment);
  plan_.persistent_bytes = info.offset_bytes + info.bytes();
  plan_.tensors.push_back(std::move(info));
  return static_cast<TensorId>(plan_.tensors.size() - 1);
}

TensorId OneOpPlan::Add(const std::string& name, int64_t rows, const Shape& shape, DType dtype) {
  TensorInfo info;
  info.name = name;
  info.dtype = dtype;
  info.rows = rows;
  info.shape = shape;
  const TensorId id = Place(std::move(info), kAlignment);
  TensorInfo guard;
  guard.name = "guard/" + name;
  guard.shape = Shape::Flat(kGuardElems);
  SetReals(Place(std::move(guard), kGuardAlignment), std::vector<float>(kGuardElems, kGuardValue));
  return id;
}

TensorId OneOpPlan::AddRows(const std::string& name, TensorId base, int64_t first_row,
                            int64_t rows) {
  TensorInfo info = plan_.tensor(base);
  info.name = name;
  info.rows = rows;
  info.base = base;
  info.offset_elems = first_row * info.shape.Elems();
  info.offset_bytes += info.offset_elems * BytesOf(info.dtype);
  plan_.tensors.push_back(std::move(info));
  return static_cast<TensorId>(plan_.tensors.size() - 1);
}

TensorId OneOpPlan::AddOverlay(const std::string& name, TensorId below) {
  TensorInfo info = plan_.tensor(below);
  info.name = name;
  plan_.tensors.push_back(std::move(info));
  return static_cast<TensorId>(plan_.tensors.size() - 1);
}

TensorId OneOpPlan::AddStep(int64_t running_step) {
  const TensorId id = Add("step", 1, Shape::Flat(1), DType::kI64);
  SetIntegers(id, {running_step + 1});
  return id;
}

void OneOpPlan::SetUniform(TensorId id, double low, double high) {
  const TensorInfo& tensor = info(id);
  std::vector<float> values(static_cast<size_t>(tensor.elems()));
  for (size_t i = 0; i < values.size(); ++i) {
    const uint32_t bits = DrawBits(plan_.seed, StreamId("case/" + tensor.name), 0, i);
    values[i] = static_cast<float>(low + (high - low) * bits * 0x1p-32);
  }
  SetReals(id, values);
}

void OneOpPlan::SetReals(TensorId id, const std::vector<float>& values) {
  NUMERAL_CHECK(IsReal(info(id).dtype));
  NUMERAL_CHECK(static_cast<int64_t>(values.size()) == info(id).elems());
  if (info(id).dtype == DType::kF32) {
    values_[id] = ToBytes<float>(values);
    return;
  }
  std::vector<uint16_t> rounded;
  for (const float value : values) rounded.push_back(Bf16FromFloat(value));
  values_[id] = ToBytes<uint16_t>(rounded);
}

void OneOpPlan::SetIntegers(TensorId id, const std::vector<int64_t>& values) {
  NUMERAL_CHECK(static_cast<int64_t>(values.size()) == info(id).elems());
  switch (info(id).dtype) {
    case DType::kI32:
      values_[id] = ToBytes<int32_t>(values);
      return;
    case DType::kI64:
      values_[id] = ToBytes<int64_t>(values);
      return;
    case DType::kU8:
      values_[id] = ToBytes<uint8_t>(values);
      return;
    case DType::kF32:
    case DType::kBF16:
      Fail("'{}' holds no integers", info(id).name);
  }
}

void OneOpPlan::SetDigits(TensorId id) {
  std::vector<int64_t> digits(static_cast<size_t>(info(id).elems()));
  for (size_t i = 0; i < digits.size(); ++i) {
    const uint32_t bits = DrawBits(plan_.seed, StreamId("case/" + info(id).name), 0, i);
    digits[i] = ChoiceFromBits(bits, 10);
  }
  SetIntegers(id, digits);
}

void OneOpPlan::SetUnsetOperands(const Op& op) {
  for (const Operand& operand : Operands(op)) {
    if (values_.contains(operand.id)) continue;
    const auto elems = static_cast<size_t>(info(operand.id).elems());
    const bool real = IsReal(info(operand.id).dtype);
    if (operand.access != Access::kWrite) {
      if (!real) Fail("the case sets no values for '{}'", info(operand.id).name);
      SetUniform(operand.id, -1, 1);
    } else if (real) {
      SetReals(operand.id, std::vector(elems, std::numeric_limits<float>::quiet_NaN()));
    } else {
      SetIntegers(operand.id, std::vector(elems, kUnwrittenInteger));
    }
  }
}

OpCase OneOpPlan::Finish(const std::string& name, const Op& op, const Tolerance& tolerance) {
  SetUnsetOperands(op);
  Phase phase;
  phase.batch_size = 1;
  if (const auto weight = WeightOf(op)) phase.ops.push_back({PrepareWeight{*weight}, "prepare"});
  phase.ops.push_back({op, name});
  plan_.phases = {phase};

  OpCase op_case;
  op_case.name = std::string(OpName(op)) + " " + name;
  op_case.tolerance = tolerance;
  op_case.needs_epilogue = NeedsEpilogue(op);
  // NaN of outputs first (OpCase::writes says why).
  std::map<TensorId, std::vector<std::byte>> rest = values_;
  for (const Operand& operand : Operands(op)) {
    if (operand.access != Access::kWrite || !rest.contains(operand.id)) continue;
    op_case.writes.emplace_back(operand.id, std::move(rest[operand.id]));
    rest.erase(operand.id);
  }
  for (auto& [id, bytes] : rest) op_case.writes.emplace_back(id, std::move(bytes));
  op_case.plan = std::make_shared<const Plan>(plan_);
  return op_case;
}

void WriteInputs(const OpCase& op_case, Executable& executable) {
  for (const auto& [id, bytes] : op_case.writes) executable.Write(id, bytes);
}

ReferenceResult::ReferenceResult(const OpCase& forward)
    : plan_(forward.plan),
      executable_(std::make_shared<reference::ReferenceExecutable>(forward.plan)) {
  WriteInputs(forward, *executable_);
  executable_->Enqueue(0);
}

std::vector<float> ReferenceResult::Reals(const std::string& name) const {
  const TensorId id = plan_->FindTensor(name);
  return executable_->ReadAll<float>(id, plan_->tensor(id).elems());
}

std::vector<double> ReferenceResult::Doubles(const std::string& name) const {
  return executable_->ReadDoubles(plan_->FindTensor(name));
}

std::vector<int64_t> ReferenceResult::Integers(const std::string& name) const {
  const TensorId id = plan_->FindTensor(name);
  NUMERAL_CHECK(plan_->tensor(id).dtype == DType::kI32);
  const auto values = executable_->ReadAll<int32_t>(id, plan_->tensor(id).elems());
  return {values.begin(), values.end()};
}

}  // namespace numeral
