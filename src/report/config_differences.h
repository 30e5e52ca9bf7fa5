// Where the configs of several runs differ. Called by the comparison.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/run_record.h"

namespace numeral {

// A place in the config and what each run has there; nothing where it has no such place.
struct ConfigDifference {
  std::string place;                               // JSON pointer
  std::vector<std::optional<std::string>> values;  // [run], for people
};

// In the order of the files; descriptions aside. A network that differs in many places is one
// place, told by its size.
std::vector<ConfigDifference> DifferencesOf(std::span<const RunRecord> runs);

}  // namespace numeral
