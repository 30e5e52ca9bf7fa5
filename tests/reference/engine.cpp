#include "tests/reference/engine.h"

#include <cstring>

#include "tests/reference/ops.h"
#include "util/bf16.h"
#include "util/error.h"

namespace numeral::reference {

namespace {

// bf16 as the plan keeps it.
struct Bf16 {
  Bf16() = default;
  explicit Bf16(double value) : bits(Bf16FromFloat(static_cast<float>(value))) {}
  operator double() const { return FloatFromBf16(bits); }
  uint16_t bits;
};

// Copies between the plan's type on the host and the wider one here; memcpy, as spans of bytes
// promise no alignment.
template <typename Narrow, typename Wide>
void CopyIn(std::span<const std::byte> bytes, std::span<Wide> values) {
  NUMERAL_CHECK(bytes.size() == values.size() * sizeof(Narrow));
  for (size_t i = 0; i < values.size(); ++i) {
    Narrow value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    values[i] = value;
  }
}

template <typename Narrow, typename Wide>
void CopyOut(std::span<const Wide> values, std::span<std::byte> bytes) {
  NUMERAL_CHECK(bytes.size() == values.size() * sizeof(Narrow));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<Narrow>(values[i]);
    std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
  }
}

}  // namespace

void ReferenceExecutable::Write(TensorId id, std::span<const std::byte> bytes) {
  switch (store_.info(id).dtype) {
    case DType::kF32:
      return CopyIn<float>(bytes, store_.F32(id));
    case DType::kBF16:
      return CopyIn<Bf16>(bytes, store_.F32(id));
    case DType::kI32:
      return CopyIn<int32_t>(bytes, store_.Integers(id));
    case DType::kI64:
      return CopyIn<int64_t>(bytes, store_.Integers(id));
    case DType::kU8:
      return CopyIn<uint8_t>(bytes, store_.Integers(id));
  }
}

void ReferenceExecutable::Read(TensorId id, std::span<std::byte> bytes) {
  switch (store_.info(id).dtype) {
    case DType::kF32:
      return CopyOut<float, double>(store_.F32(id), bytes);
    case DType::kBF16:
      return CopyOut<Bf16, double>(store_.F32(id), bytes);
    case DType::kI32:
      return CopyOut<int32_t, int64_t>(store_.Integers(id), bytes);
    case DType::kI64:
      return CopyOut<int64_t, int64_t>(store_.Integers(id), bytes);
    case DType::kU8:
      return CopyOut<uint8_t, int64_t>(store_.Integers(id), bytes);
  }
}

void ReferenceExecutable::WriteDoubles(TensorId id, const std::vector<double>& values) {
  const std::span<double> target = store_.F32(id);
  NUMERAL_CHECK(values.size() == target.size());
  std::copy(values.begin(), values.end(), target.begin());
}

std::vector<double> ReferenceExecutable::ReadDoubles(TensorId id) {
  const std::span<double> source = store_.F32(id);
  return {source.begin(), source.end()};
}

void ReferenceExecutable::Enqueue(int phase, int64_t times) {
  for (int64_t i = 0; i < times; ++i) RunPhase(phase);
}

void ReferenceExecutable::RunPhase(int phase) {
  NUMERAL_CHECK(phase >= 0 && phase < static_cast<int>(plan_->phases.size()));
  store_.Poison(Storage::kTransient);
  for (const PhaseOp& phase_op : plan_->phases[static_cast<size_t>(phase)].ops) {
    try {
      std::visit([this](const auto& op) { Run(op, store_); }, phase_op.op);
    } catch (const Error& error) {
      Fail("op '{}': {}", phase_op.label, error.what());
    }
  }
}

}  // namespace numeral::reference
