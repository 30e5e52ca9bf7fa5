// $PATH as something else while one lives.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace numeral {

class SearchPath {
 public:
  explicit SearchPath(const std::filesystem::path& only) {
    if (const char* before = std::getenv("PATH")) before_ = before;
    setenv("PATH", only.c_str(), 1);
  }
  ~SearchPath() { setenv("PATH", before_.c_str(), 1); }
  SearchPath(const SearchPath&) = delete;
  SearchPath& operator=(const SearchPath&) = delete;

 private:
  std::string before_;
};

}  // namespace numeral
