// Holds an engine against the reference, case by case.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tests/support/one_op.h"

namespace numeral {

// Collects comparisons; passes only if there was at least one and none failed.
class ValueComparison {
 public:
  explicit ValueComparison(const Tolerance& tolerance) : tolerance_(tolerance) {}

  void Add(const std::string& name, std::span<const double> actual,
           std::span<const double> expected);
  // Bits or integers that must be equal.
  void AddExact(const std::string& name, std::span<const std::byte> actual,
                std::span<const std::byte> expected);
  void Fail(const std::string& what);

  bool passed() const { return compared_ > 0 && failed_ == 0; }
  // What failed first, and the worst error with its place.
  std::string Summary() const;

 private:
  Tolerance tolerance_;
  int64_t compared_ = 0, failed_ = 0;
  double worst_error_ = 0;
  std::string worst_place_ = "nowhere", first_failure_;
};

// Runs the case on `engine` and on the reference. Compares every operand the op writes, and checks
// that it writes nothing else, twice the same bits, and on a second executable the same bits again.
ValueComparison CompareWithReference(Engine& engine, const OpCase& op_case);

// Runs all cases, with one Catch assertion each. Cases that need an epilogue the engine does not
// support are left out; it is a failure if nothing is left.
void CheckCases(Engine& engine, const std::vector<OpCase>& cases);

}  // namespace numeral
