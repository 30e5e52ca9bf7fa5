#include "config/nearest.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/location.h"

namespace numeral {
namespace {

using config_detail::Quote;

constexpr std::size_t kLongestWord = 100;
constexpr std::size_t kMostListed = 20;

// A third of the letters may be wrong, in short words up to two: beyond that a guess misleads.
std::size_t Tolerance(std::string_view word) { return std::max<std::size_t>(2, word.size() / 3); }

}  // namespace

std::size_t EditDistance(std::string_view a, std::string_view b) {
  // Three rows of the table: for i - 2, i - 1 and i letters of `a`.
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::string Suggest(std::string_view word, const std::vector<std::string>& candidates) {
  if (candidates.empty()) return "";
  if (word.size() <= kLongestWord) {
    std::size_t best_distance = Tolerance(word) + 1;
    const std::string* best = nullptr;
    for (const std::string& candidate : candidates) {
      const std::size_t distance = EditDistance(word, candidate);
      // A word with all its letters replaced is near in number only.
      if (distance < best_distance && distance < candidate.size()) {
        best_distance = distance;
        best = &candidate;
      }
    }
    if (best != nullptr) return fmt::format("; did you mean {}?", Quote(*best));
  }
  std::string listed;
  for (std::size_t i = 0; i < std::min(candidates.size(), kMostListed); ++i) {
    listed += (i == 0 ? "" : ", ") + Quote(candidates[i]);
  }
  return fmt::format("; known here: {}{}", listed, candidates.size() > kMostListed ? ", ..." : "");
}

}  // namespace numeral
