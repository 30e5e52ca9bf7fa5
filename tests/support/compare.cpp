#include "tests/support/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/reference/engine.h"
#include "util/bf16.h"

namespace numeral {

void ValueComparison::Fail(const std::string& what) {
  if (failed_++ == 0) first_failure_ = what;
}

void ValueComparison::Add(const std::string& name, std::span<const double> actual,
                          std::span<const double> expected) {
  if (actual.size() != expected.size()) {
    return Fail(fmt::format("{}: {} values, not {}", name, actual.size(), expected.size()));
  }
  for (size_t i = 0; i < actual.size(); ++i) {
    ++compared_;
    const double error = std::abs(actual[i] - expected[i]);
    if (error > worst_error_) {
      worst_error_ = error;
      worst_place_ = fmt::format("{}[{}]: {} for {}", name, i, actual[i], expected[i]);
    }
    if (!tolerance_.Accepts(actual[i], expected[i])) {
      Fail(fmt::format("{}[{}] is {}, not {}", name, i, actual[i], expected[i]));
    }
  }
}

void ValueComparison::AddExact(const std::string& name, std::span<const std::byte> actual,
                               std::span<const std::byte> expected) {
  ++compared_;
  const auto [difference, unused] =
      std::mismatch(actual.begin(), actual.end(), expected.begin(), expected.end());
  if (difference != actual.end() || actual.size() != expected.size()) {
    Fail(fmt::format("{}: differs from byte {} of {} on", name, difference - actual.begin(),
                     actual.size()));
  }
}

std::string ValueComparison::Summary() const {
  return fmt::format(
      "{} compared, {} failed; first: {}; worst error {:.3g} at {} (atol {}, rtol {})", compared_,
      failed_, failed_ > 0 ? first_failure_ : "none", worst_error_, worst_place_, tolerance_.atol,
      tolerance_.rtol);
}

namespace {

std::vector<std::byte> ReadBytes(Executable& executable, const TensorInfo& info, TensorId id) {
  std::vector<std::byte> bytes(static_cast<size_t>(info.bytes()));
  executable.Read(id, bytes);
  return bytes;
}

std::vector<double> ReadReals(Executable& executable, const TensorInfo& info, TensorId id) {
  if (info.dtype == DType::kF32) {
    const auto values = executable.ReadAll<float>(id, info.elems());
    return {values.begin(), values.end()};
  }
  std::vector<double> values;
  for (const uint16_t bits : executable.ReadAll<uint16_t>(id, info.elems())) {
    values.push_back(FloatFromBf16(bits));
  }
  return values;
}

// True where the tensor's bytes lie on those of a tensor that the op writes.
bool OverlapsWritten(const Plan& plan, TensorId id, const std::set<TensorId>& written) {
  const TensorInfo& info = plan.tensor(id);
  return std::any_of(written.begin(), written.end(), [&](TensorId other) {
    const TensorInfo& output = plan.tensor(other);
    return info.offset_bytes < output.offset_bytes + output.bytes() &&
           output.offset_bytes < info.offset_bytes + info.bytes();
  });
}

void RunOnce(const OpCase& op_case, Executable& executable) {
  WriteInputs(op_case, executable);
  executable.Enqueue(0);
  executable.Sync();
}

}  // namespace

ValueComparison CompareWithReference(Engine& engine, const OpCase& op_case) {
  ValueComparison comparison(op_case.tolerance);
  const Plan& plan = *op_case.plan;
  reference::ReferenceExecutable expected(op_case.plan);
  RunOnce(op_case, expected);
  const auto actual = engine.Compile(op_case.plan);
  RunOnce(op_case, *actual);

  std::set<TensorId> written;
  for (const Operand& operand : Operands(op_case.op())) {
    if (operand.access != Access::kRead) written.insert(operand.id);
  }
  std::vector<std::pair<TensorId, std::vector<std::byte>>> first_run;
  for (const TensorId id : written) {
    const TensorInfo& info = plan.tensor(id);
    first_run.emplace_back(id, ReadBytes(*actual, info, id));
    if (IsReal(info.dtype)) {
      comparison.Add(info.name, ReadReals(*actual, info, id), expected.ReadDoubles(id));
    } else {
      comparison.AddExact(info.name, first_run.back().second, ReadBytes(expected, info, id));
    }
  }
  for (const auto& [id, bytes] : op_case.writes) {
    if (OverlapsWritten(plan, id, written)) continue;
    const TensorInfo& info = plan.tensor(id);
    comparison.AddExact(info.name + ", which is no output", ReadBytes(*actual, info, id), bytes);
  }

  RunOnce(op_case, *actual);
  const auto again = engine.Compile(op_case.plan);
  RunOnce(op_case, *again);
  for (const auto& [id, bytes] : first_run) {
    const TensorInfo& info = plan.tensor(id);
    comparison.AddExact(info.name + ", run twice", ReadBytes(*actual, info, id), bytes);
    comparison.AddExact(info.name + ", compiled twice", ReadBytes(*again, info, id), bytes);
  }
  return comparison;
}

}  // namespace numeral
