// The file that remembers which plan was the fastest for a problem on a machine.
//
// Owns the format and the place of the file. It is a cache: what cannot be read counts as empty and
// is replaced, what cannot be written costs one line on stderr. Used by convolution.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace numeral::cuda {

// An engine of cuDNN by its number, with the settings of its knobs: all that a plan depends on.
struct EngineChoice {
  int64_t engine = 0;
  std::vector<std::pair<int64_t, int64_t>> knobs;  // type, value
  bool operator==(const EngineChoice&) const = default;
};

// Where cache files are kept: $NUMERAL_CACHE, else $XDG_CACHE_HOME/numeral, else
// $HOME/.cache/numeral. Empty where none of them is set.
std::filesystem::path CacheFolder();

class PlanCache {
 public:
  // `machine`: what the choices hold for. Others' choices in the file are kept. An empty path
  // remembers nothing beyond the object.
  PlanCache(std::filesystem::path file, std::string machine);

  std::optional<EngineChoice> Find(const std::string& problem) const;
  void Add(const std::string& problem, const EngineChoice& choice);

 private:
  using Choices = std::map<std::string, EngineChoice>;                            // by problem
  static std::map<std::string, Choices> Read(const std::filesystem::path& file);  // by machine
  void Write() const;

  std::filesystem::path file_;
  std::string machine_;
  Choices choices_;
  bool warned_ = false;
};

}  // namespace numeral::cuda
