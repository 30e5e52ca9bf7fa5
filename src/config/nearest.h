// The valid word nearest to a mistyped one. Called by config/ and by what takes other names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace numeral {

// Fewest insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, no
// letter edited twice (optimal string alignment). Cost: a.size() * b.size().
std::size_t EditDistance(std::string_view a, std::string_view b);

// The end of an error message: `; did you mean "slope"?` where a candidate is near, else
// `; known here: "slope", "type"`, shortened if long; empty without candidates.
std::string Suggest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace numeral
