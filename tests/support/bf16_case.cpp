#include <algorithm>
#include <cstring>
#include <set>

#include "tests/support/one_op.h"
#include "util/bf16.h"

namespace numeral {
namespace {

std::vector<float> Floats(const std::vector<std::byte>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

template <typename T>
std::vector<std::byte> Bytes(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<std::byte> AsBf16(const std::vector<std::byte>& floats) {
  std::vector<uint16_t> bits;
  for (const float value : Floats(floats)) bits.push_back(Bf16FromFloat(value));
  return Bytes(bits);
}

std::vector<std::byte> Rounded(const std::vector<std::byte>& floats) {
  std::vector<float> values = Floats(floats);
  for (float& value : values) value = FloatFromBf16(Bf16FromFloat(value));
  return Bytes(values);
}

// Tensors that lie on the memory of an activation: the operands, their bases, views and overlays.
std::set<TensorId> ActivationMemory(const Plan& plan, const Op& op) {
  std::set<int64_t> offsets;
  const auto base_offset = [&](TensorId id) {
    const TensorInfo& info = plan.tensor(id);
    return info.base == kNoTensor ? info.offset_bytes : plan.tensor(info.base).offset_bytes;
  };
  for (const Operand& operand : Operands(op)) {
    if (operand.activation) offsets.insert(base_offset(operand.id));
  }
  std::set<TensorId> ids;
  for (TensorId id = 0; id < static_cast<TensorId>(plan.tensors.size()); ++id) {
    if (offsets.contains(base_offset(id))) ids.insert(id);
  }
  return ids;
}

// Halves the memory of a base tensor and moves its guard up to the new end.
void Shrink(Plan& plan, TensorId id) {
  TensorInfo& info = plan.tensors[static_cast<size_t>(id)];
  info.dtype = DType::kBF16;
  if (info.base != kNoTensor) {
    info.offset_bytes =
        plan.tensor(info.base).offset_bytes + info.offset_elems * BytesOf(info.dtype);
  }
  const TensorId guard = plan.FindTensor("guard/" + info.name);
  if (guard == kNoTensor) return;
  plan.tensors[static_cast<size_t>(guard)].offset_bytes =
      AlignUp(info.offset_bytes + info.bytes(), 4);
}

}  // namespace

std::optional<OpCase> WithBf16Activations(const OpCase& op_case) {
  Plan plan = *op_case.plan;
  plan.precision = Precision::kBf16;
  const std::set<TensorId> activations = ActivationMemory(plan, op_case.op());
  if (activations.empty()) return std::nullopt;
  for (const TensorId id : activations) Shrink(plan, id);

  OpCase result = op_case;
  result.name += ", bf16";
  result.tolerance.rtol += tolerance::kBf16Rounding;
  for (auto& [id, bytes] : result.writes) {
    const TensorInfo& info = plan.tensor(id);
    if (info.dtype == DType::kBF16) {
      bytes = AsBf16(bytes);
    } else if (info.dtype == DType::kF32 && info.name.find("weight") != std::string::npos) {
      bytes = Rounded(bytes);
    }
  }
  result.plan = std::make_shared<const Plan>(std::move(plan));
  return result;
}

}  // namespace numeral
